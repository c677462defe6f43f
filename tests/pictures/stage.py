"""A cluster in virtual time with all of the product in it, and the real page on a real Redis that shows its moment.

Nothing in a picture is made up: phases, sentences and times are those of an outage that was lived through. Only who is
alive is said by the stage, because processes of virtual time write no heartbeats.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
from redis import Redis
from rq.worker_registration import WORKERS_BY_QUEUE_KEY
from werkzeug.serving import WSGIRequestHandler, make_server

from reactor.adapters.redis.audits import RedisAudits
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.summaries import RedisSummaries
from reactor.adapters.rq import SCHEDULER_ALIVE
from reactor.model.event import NODE_FENCED
from reactor.model.node import node_view
from reactor.model.summary import Summary
from reactor.model.times import format_time
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import Scene
from tests.page.site import TOKENS, PageSite
from tests.support.virtual import Play
from vmdrift.audit_role import AuditRole

_WORKERS = {"intake": "events", "drifts-0": "drifts", "drifts-1": "drifts", "outgoing": "outgoing"}
_SETTINGS = {"detach": "wait", "tenants_may": ("detach",), "min_available_nodes": 2}


class Stage:
    """`settings`: of the page and of who works; ann may act, and confirm that a node is off."""

    def __init__(self, redis: Redis, folder: Path, scene: Scene, **settings: Any) -> None:
        redis.flushall()
        chosen: dict[str, Any] = {**_SETTINGS, **settings}
        self.redis, self.workers = redis, {**_WORKERS, **({"fencing": "fencing"} if "fencing" in settings else {})}
        self.play = Play.of(scene, Settings(**chosen).to_policy(), waker=True)
        self.site = PageSite(redis, folder, world=self.play.world, **chosen)
        self.site.file.write_bytes(
            orjson.dumps({"senders": [{"name": "ann", "token": TOKENS["ann"], "page": "act", "types": [NODE_FENCED]}]})
        )
        self.site.now = self.play.world.now

    def lose(self, *nodes: str) -> None:
        """Their power is cut, and each has an outage."""
        for node in nodes:
            self.play.world.hypervisor.power_cut(node)
        self.play.world.run(lambda: len(self.play.outages()) == len(nodes), 300.0)

    def live(self, seconds: float) -> None:
        """Time passes."""
        self.play.world.run(lambda: False, seconds)
        self.site.now = self.play.world.now

    def act(self, what: str, target: str, **more: str) -> None:
        """Ann does it on the page."""
        self.site.now = self.play.world.now
        assert self.site.browser("ann").act(what, target, **more).status_code == 303

    def audit(self) -> None:
        """The role `audit` has just judged the cluster."""
        now = self.play.world.now
        cluster = ApiCluster(self.play.world.api, "admin")
        AuditRole(cluster, RedisAudits(self.redis), self.site.settings.to_policy(), 3600.0, lambda: now).turn()

    def die(self) -> None:
        """All workers and the scheduler; watchers and the page live on."""
        self.play.world.remove(self.play.reactor)
        self.workers = {}

    def show(self) -> PageSite:
        """The page of this moment."""
        site, kept = self.site, self.play.reactor.store
        site.now = now = self.play.world.now
        for outage_id, outage in kept.outages_by_id.items():
            site.store.save_outage(outage, done=outage_id not in kept.open_outages)
        for record in self.play.records:
            site.store.create(record, [])
        self._say_who_is_alive(now)
        return site

    def _say_who_is_alive(self, now: float) -> None:
        self.redis.set(f"{PREFIX}watcher", f"{now - 2}")
        nodes = self.play.world.api.client("system:admin").list("nodes")
        RedisSummaries(self.redis).publish(Summary(now, tuple(map(node_view, nodes)), {}))
        for key in self.redis.scan_iter(f"{PREFIX}summary*"):
            self.redis.persist(key)
        for name, queue in self.workers.items():
            self.redis.sadd(WORKERS_BY_QUEUE_KEY % queue, f"rq:worker:{name}")
            self.redis.hset(f"rq:worker:{name}", "last_heartbeat", format_time(now))
        if self.workers:
            self.redis.set(SCHEDULER_ALIVE, 1)


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads that."""


@contextmanager
def served(site: PageSite) -> Iterator[str]:
    """The page's address while it is served."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True, request_handler=_Silent)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
