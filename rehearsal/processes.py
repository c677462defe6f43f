"""Each process of the product as an actor of its own, with its own clock and its own memory.

They share what real ones share: Redis (a store and a queue) and the API server. Each does one thing at its turn.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from reactor import timing
from reactor.adapters.kubernetes.cluster import PAGE
from reactor.adapters.rq import JobEntry
from reactor.model.drift import Outcome
from reactor.model.errors import ClusterError
from reactor.model.node import node_view
from reactor.wake.rules import meta_of
from reactor.wake.scopes import Watch
from reactor.wake.waker import Waker
from reactor.watch.leases import Leases, Renewal
from reactor.watch.list_watch import BOOKMARK, LISTED
from reactor.watch.publisher import Publisher
from reactor.watch.watcher import Watcher
from rehearsal.clocks import ProcessClock
from rehearsal.suspecting import Suspecter
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.queue import MemoryQueue
from simulator.api.watching import Watch as SimulatedWatch
from simulator.client import ApiError, Informer, Obj

TAKES_OVER = 8.0  # seconds, as workers.rq.worker: then the job of a worker that is dead or stands still is another's
RESTART = 8.0  # seconds until a process that was killed is back
Equip = Callable[[ProcessClock, MemoryQueue], Any]
_A_HAIR = 0.001  # seconds: what a moment may lose by being reckoned from another clock


class KilledError(BaseException):
    """The process is gone in the middle of something; raised by what a test puts into `Reactor.before_call`."""


class Process:
    """What all of them have. `busy`: its turn is not over, and may last for long; `away_until`: it is dead."""

    def __init__(self, name: str, clock: ProcessClock) -> None:
        self.name, self.clock = name, clock
        self.busy, self.away_until = False, 0.0

    def begin(self) -> None:
        """It has just been started, with an empty memory."""

    def turn(self, now: float) -> float | None:  # noqa: ARG002 - for those that have something to do
        """Do one thing, if there is one; when the next one is due, None: as soon as anything changes."""
        return None

    def take_turn(self, now: float) -> float | None:
        """As `turn`, unless it is dead or stands still."""
        if self.busy:
            return None
        if now < self.away_until:
            return self.away_until
        self.busy = True
        try:
            return self.turn(now)
        except KilledError:
            return self.kill(now)
        finally:
            self.busy = False

    def kill(self, now: float, away: float = RESTART) -> float:
        """It is gone, and back so many seconds later; when that is."""
        self.begin()
        self.away_until = now + away
        return self.away_until


class Scheduler(Process):
    """Moves jobs into their queues when they are due by `redis`, the clock of what all share."""

    def __init__(self, clock: ProcessClock, queue: MemoryQueue, redis: ProcessClock) -> None:
        super().__init__("scheduler", clock)
        self._queue, self._redis = queue, redis

    def turn(self, now: float) -> float | None:  # noqa: ARG002 - Redis' clock counts
        due = self._queue.move_due(self._redis() + _A_HAIR)
        return None if due is None else self._redis.moment(due)


class Worker(Process):
    """Runs the jobs of one queue by `run`, one a turn, with the `tools` that `equip` makes at each start.

    `work`: the name of the queue, and all jobs.
    """

    def __init__(
        self,
        name: str,
        clock: ProcessClock,
        work: tuple[str, MemoryQueue],
        equip: Equip,
        run: Callable[["Worker", JobEntry], Outcome],
    ) -> None:
        super().__init__(name, clock)
        self.queue, self.jobs = work[0], work[1].run_by(lambda entry: run(self, entry))
        self.equip = equip
        self._chore: Callable[[Worker], object] | None = None
        self._pause = self._chore_at = 0.0
        self.begin()

    def every(self, pause: float, chore: Callable[["Worker"], object]) -> None:
        """Every `pause` seconds it does this, beside its jobs."""
        self._chore, self._pause = chore, pause

    def begin(self) -> None:
        self.tools = self.equip(self.clock, self.jobs)

    def equip_with(self, equip: Equip) -> None:
        """It is started with other tools, now and whenever it was killed."""
        self.equip = equip
        self.begin()

    @property
    def can_work(self) -> bool:
        """Is there a job for it, if it is there?"""
        return not self.busy and self.jobs.has_ready(self.queue)

    def turn(self, now: float) -> float | None:
        under_way = self.jobs.take_over(TAKES_OVER)
        if self._chore and now >= self._chore_at:
            self._chore_at = now + self._pause
            self._chore(self)
        self.jobs.run_next(self.queue)
        dues = (now + TAKES_OVER if under_way else None, self._chore_at if self._chore else None)
        return min((due for due in dues if due is not None), default=None)


class Waking(Process):
    """The waker, in a process of its own: `watches` are of all that it may want to watch."""

    kinds = (
        *("pods", "virtualmachines", "virtualmachineinstances", "volumeattachments"),
        *("namespaces", "configmaps"),
    )

    def __init__(self, clock: ProcessClock, equip: Callable[[], tuple[Waker, ApiCluster]]) -> None:
        super().__init__("waker", clock)
        self._equip = equip
        self.begin()

    def begin(self) -> None:
        self._waker, self._cluster = self._equip()
        self._streams: dict[Watch, SimulatedWatch] = {}
        self._tick_at = 0.0

    def turn(self, now: float) -> float | None:
        if now >= self._tick_at:
            self._waker.tick()
            self._streams = {watch: stream for watch, stream in self._streams.items() if watch in self._waker.wanted}
            self._tick_at = now + timing.COVERED_EVERY
        for watch in sorted(self._waker.wanted, key=str):
            with suppress(ClusterError):  # tried again at the next turn
                self._poll(watch)
        return self._tick_at if self._waker.wanted else None

    def _poll(self, watch: Watch) -> None:
        stream = self._streams.get(watch)
        try:
            changes = stream.poll() if stream else None
        except ApiError:  # too old, or cut
            changes = None
        self._waker.take([(watch, kind, [meta_of(watch.resource, obj)]) for kind, obj in changes or ()])
        if changes is None:
            self._list(watch)
        elif not changes:
            self._waker.take([(watch, BOOKMARK, [])])

    def _list(self, watch: Watch) -> None:
        self._streams.pop(watch, None)
        pages = list(self._cluster.scoped(watch.resource, watch.scope, PAGE))
        self._streams[watch] = self._cluster.stream(watch.resource, pages[-1].version, watch.scope)
        self._waker.take([(watch, LISTED, [meta_of(watch.resource, obj) for page in pages for obj in page.items])])


class Hears(Protocol):
    """What a watcher hears of the cluster, and what it publishes that with."""

    def nodes(self) -> Informer:
        """All Nodes."""

    def leases(self) -> list[Renewal]:
        """All of their Leases, as they are now."""

    def publisher(self, watcher: Watcher, leases: Leases, clock: ProcessClock) -> Publisher:
        """A new one."""


class Watching(Process):
    """A watcher: hears of every change of a Node, and tells every `resync` seconds what it knows.

    `suspect` makes whoever suspects nodes; without it nobody does, and Leases are read only when they are published.
    """

    def __init__(  # noqa: PLR0913 - the last one is named
        self,
        name: str,
        clock: ProcessClock,
        hears: Hears,
        watch: Callable[[], Watcher],
        pause: float,
        *,
        suspect: Callable[[Watcher, Leases, ProcessClock], Suspecter] | None = None,
    ) -> None:
        super().__init__(name, clock)
        self.watch, self._hears, self._resync, self._suspect = watch, hears, pause, suspect
        self.begin()

    def begin(self) -> None:
        self._watcher, self._nodes, self._leases = self.watch(), self._hears.nodes(), Leases()
        self._publisher = self._hears.publisher(self._watcher, self._leases, self.clock)
        self._suspecter = self._suspect(self._watcher, self._leases, self.clock) if self._suspect else None
        self._resync_at: float | None = None

    def watch_with(self, watch: Callable[[], Watcher]) -> None:
        """It is started with another watcher, now and whenever it was killed."""
        self.watch = watch
        self.begin()

    def publish(self, now: float) -> None:
        """Every two seconds, and in virtual time only when somebody is about to read it; unless it stands still.

        The kubelets of a cluster renew their Leases one after the other, so of these something has just been heard.
        """
        if self.busy or now < self.away_until:
            return
        if not self._suspecter:
            for kind, renewals in ((LISTED, self._hears.leases()), (BOOKMARK, [])):
                self._leases.take(kind, renewals, self.clock.steady())
        self._publisher.publish_if_due()

    def turn(self, now: float) -> float | None:
        self._hear(self._nodes.poll())
        if self._resync_at is None or now >= self._resync_at:
            self._watcher.resync()
            self._resync_at = now + self._resync
        if self._suspecter:
            self._suspecter.turn(now)
            return min(self._resync_at, self._suspecter.due)
        return self._resync_at

    def _hear(self, changes: Iterable[tuple[str, Obj]]) -> None:
        if self._resync_at is None:
            self._watcher.take(LISTED, [node_view(obj) for obj in self._nodes.objects.values()])
            return
        for kind, obj in changes:
            self._watcher.take(kind, [node_view(obj)])
            self._publisher.nodes_read_at = self.clock.steady()
