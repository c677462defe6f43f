"""Redis after a story, some keys of which have other contents: every role goes on, and the page answers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from reactor.adapters.redis.audits import RedisAudits
from reactor.model.audit import Audit, Loss, WorstLoss
from reactor.model.errors import VmDriftError
from reactor.model.event import DRIFT_RETRY, NODE_UNREACHABLE, Event
from simulator.scene import Scene, Storage, Vm, staged
from simulator.world import World
from tests.fuzz.keys import spoil
from tests.fuzz.noise import Noise
from tests.fuzz.roles import Roles
from tests.page.site import Browser, PageSite
from vmdrift.processes import Processes
from vmdrift.status import as_object, read
from vmdrift.valkey import start

LOST = "node-a"
_SCENE = Scene((LOST, "node-b", "node-c"), (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST)))
_WORST = WorstLoss("node-b", ("node-b",), 1, 0, ("default/web",))
_AUDIT = Audit(1e9, 2e9, 1.5, "auto", 3, 2, 0, (Loss("any-1", 2, 2, 1, 0, 0, (_WORST,)),))
_RQ = ("queued", "failed", "scheduled", "finished", "started")
_SEEN = ("/", "/history", f"/node/{LOST}", "/vm/default/db", "/metrics", "/readyz", "/rq/", "/rq/0/view/workers")
_PAGES = (*_SEEN, *(f"/rq/0/view/jobs/{queue}/{kind}/8/asc/1" for queue in ("drifts", "events") for kind in _RQ))
_WRONG = 500


@contextmanager
def server() -> Iterator[Redis]:
    """A Valkey, and a connection to it."""
    with (
        tempfile.TemporaryDirectory(prefix="vmd-") as folder,
        Processes(Path(folder)) as processes,
        Redis.from_url(start(processes, Path(folder))) as redis,
    ):
        yield redis


def once(noise: Noise, redis: Redis) -> str:
    """A story, then nonsense in one to four keys, then all again. What it did; raises what went wrong."""
    redis.flushall()
    roles, site, browser = _told(redis)
    keys: Any = redis.keys()
    changed = [spoil(redis, noise.one(sorted(keys)), noise) for _ in range(noise.randint(1, 4))]
    try:
        _goes_on(roles, site, browser)
    except Exception as error:
        error.add_note("\n".join(changed))
        raise
    return "contents"


def _told(redis: Redis) -> tuple[Roles, PageSite, Browser]:
    """Drifts under way, one event that waits, one delivered, one dead, an audit, and somebody at the page."""
    world = _lost()
    roles = Roles(redis, world)
    with tempfile.TemporaryDirectory(prefix="vmd-") as folder:
        site = PageSite(redis, Path(folder))
        site.app.testing = True  # what would be a 500 is raised
        browser = site.browser("ann")
    for _ in range(2):
        assert roles.once() == []
    events = [Event(kind, "/monitoring", kind, "default/db", site.now, {}) for kind in (DRIFT_RETRY, NODE_UNREACHABLE)]
    roles.inbox.accept(events, "monitoring")
    roles.inbox.count("other", "refused")
    RedisAudits(redis).write(_AUDIT)
    return roles, site, browser


def _lost() -> World:
    world = staged(_SCENE)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    return world


def _goes_on(roles: Roles, site: PageSite, browser: Browser) -> None:
    """Twice: what was only passed over in the first turn must not stop the second."""
    for _ in range(2):
        for error in roles.once():
            raise error
        for path in _PAGES:
            status = browser.get(path).status_code
            assert status == 503 or status < _WRONG, f"{path}: {status}"
        _status(site)


def _status(site: PageSite) -> Any:
    """As `vmdrift status`."""
    try:
        return as_object(read(site.store))
    except VmDriftError as error:
        return str(error)
