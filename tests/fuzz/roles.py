"""All roles of the product in this process, on a real Redis and a simulated cluster, each doing its work once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from reactor.adapters.redis import connection as redis_door
from reactor.adapters.redis.changes import RedisChanges
from reactor.adapters.redis.coverage import RedisCoverage
from reactor.adapters.redis.inbox import RedisInbox
from reactor.adapters.redis.outbox import RedisOutbox
from reactor.adapters.redis.process_reports import Reporter, Requests
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import DRIFTS, EVENTS, FENCING, OUTGOING, RqQueue
from reactor.adapters.sink import Answer
from reactor.model.drift import Policy
from reactor.model.errors import StoreError
from reactor.model.node import node_view
from reactor.process import Stop
from reactor.settings import Settings
from reactor.wake.waker import Waker
from reactor.watch.list_watch import LISTED
from reactor.watch.watcher import Watcher
from rehearsal.twins.cluster import ApiCluster
from simulator.world import World
from tests.fuzz.worker import RaisingWorker
from workers.app import App
from workers.context import Tools
from workers.delivery.kubernetes_events import ChangeReporter
from workers.delivery.sink import DeliveryTools, collect
from workers.fencing import run as fencing
from workers.fencing.providers.registry import provider
from workers.fencing.run import FenceTools
from workers.intake.events import look_after
from workers.observe.cache import Surroundings
from workers.rq.scheduler import Scheduler

POLICY = Policy(fencing=("event",))
KEEP = 3600.0
# What a role survives: it says so, and tries again.
_HANDLED = (RedisError, StoreError, OSError)


class Sink:
    """Takes every other event, and is away in between."""

    def __init__(self) -> None:
        self._asked = 0

    def deliver(self, event: Mapping[str, Any]) -> Answer:
        del event
        self._asked += 1
        return Answer(202 if self._asked % 2 else 400, "as it likes")


class Roles:
    """What each works with."""

    def __init__(self, redis: Redis, world: World) -> None:
        self.redis, self.clock = redis, redis_door.shared_clock(redis)
        cluster, store = ApiCluster(world.api, "vm-drift"), RedisStore(redis, KEEP)
        queue, around = RqQueue(redis, self.clock, KEEP), Surroundings(world.clock)
        self.inbox, self.outbox = RedisInbox(redis, self.clock, KEEP, fsync_wait=0.0), RedisOutbox(redis, KEEP)
        self.tools = Tools(
            cluster,
            store,
            RedisCoverage(redis),
            queue,
            POLICY,
            self.clock,
            "/workers",
            around,
            cluster,
            may_send=lambda *_: True,
        )
        self.fence = FenceTools(self.tools, cluster, lambda name: provider(name, cluster, Settings()), "vm-drift")
        self.office = DeliveryTools(self.outbox, Sink(), queue, self.clock, KEEP)
        self.teller = ChangeReporter(RedisChanges(redis), cluster, self.clock)
        tools = (lambda: self.inbox, lambda: self.tools, lambda: self.fence, lambda: self.office)
        self._app = App(lambda: queue, *tools, lambda: self.clock)
        self._chores = {
            EVENTS: lambda: (look_after(self.inbox, self.tools), self.teller.tell()),
            DRIFTS: lambda: None,
            FENCING: lambda: fencing.look_after(self.fence),
            OUTGOING: lambda: collect(self.office),
        }

    def once(self) -> list[BaseException]:
        """A turn for each: watcher, schedulers, workers. What they raised, or their jobs, that is a bug of ours."""
        raised: list[BaseException] = []
        with _survived(raised):
            self._watched()
        with _survived(raised):
            self._woken()
        for queue in (EVENTS, FENCING, DRIFTS, OUTGOING):
            self.redis.delete(f"rq:clean_registries:{queue}")  # maintenance is due
            with _survived(raised):
                self._scheduled()
            with _survived(raised):
                worker = RaisingWorker(raised, queue, self.redis, self._chores[queue], self._app)
                worker.work(burst=True, max_jobs=20)
        return [error for error in raised if not isinstance(error, _HANDLED)]

    def _watched(self) -> None:
        watcher = Watcher(self.tools.store, self.tools.queue, "/watcher", self.tools.store.time)
        watcher.take(LISTED, [node_view(node) for node in self.tools.cluster.pages("nodes").__next__().items])
        watcher.resync()
        Reporter(self.redis, "watcher", Requests()).report(heard_at=self.clock())

    def _woken(self) -> None:
        """A waker that has just taken over, and sees nothing new."""
        self.redis.delete("vmdrift:lock:waker")
        adapters = self.tools.store, self.tools.coverage, self.tools.queue
        waker = Waker(*adapters, asked=lambda: (), steady=self.clock, namespace="vm-drift")
        waker.tick()
        waker.take((watch, LISTED, []) for watch in waker.wanted)
        waker.tick()

    def _scheduled(self) -> None:
        Scheduler([EVENTS, FENCING, DRIFTS, OUTGOING], self.redis, Stop()).move_due()


@contextmanager
def _survived(raised: list[BaseException]) -> Iterator[None]:
    """A role starts again after this, or its process ends."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        raised.append(error)
