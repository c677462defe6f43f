"""All processes of the product in a simulated world: watchers, intake, workers, fencing, scheduler, receiver, CLI.

`Reactor` is who starts them, gives each its turn, and lets a test into them.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Generic, TypeVar

from reactor.adapters.rq import DRIFTS, EVENTS, FENCING, JobEntry
from reactor.model.drift import Again, Ended, Outcome, Policy
from reactor.model.errors import BadInput, ClusterError, StoreError
from reactor.settings import Settings
from reactor.wake.waker import Waker
from rehearsal.clocks import Clocks, ProcessClock
from rehearsal.equipment import Equipment
from rehearsal.processes import Equip, Process, Scheduler, Waking, Watching, Worker
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.coverage import MemoryCoverage
from rehearsal.twins.inbox import MemoryInbox
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from rehearsal.twins.summaries import MemorySummaries
from simulator.world import World
from workers.app import TROUBLE_RETRY, App
from workers.context import Tools
from workers.delivery.sink import DeliveryTools
from workers.fencing import run as fencing
from workers.fencing.run import FenceTools
from workers.intake import events

RESYNC = Settings().resync
_T = TypeVar("_T")


class _Of(Generic[_T]):
    """What the worker of a queue works with: the one whose turn it is, else the first. Set, all of them have it."""

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def __get__(self, reactor: "Reactor", _: object = None) -> _T:
        tools: _T = reactor.at_work(self._queue).tools
        return tools

    def __set__(self, reactor: "Reactor", tools: _T) -> None:
        for worker in reactor.workers(self._queue):
            worker.tools = tools


def _no_sink() -> DeliveryTools:
    raise AssertionError("nothing leaves a simulated installation")


class Reactor:
    """An actor: the processes of one installation, with one Redis.

    `clocks` gives each process its own, by its name; without it all of them show the true time. `waker`: somebody
    watches what drifts wait for; without, each is looked at in its intervals. `suspects`: the watchers suspect nodes.
    `requests` counts API requests by the
    job's function; `before_call` runs before each of them, `before_job` before each job.
    """

    name = "reactor"
    watches: tuple[str, ...] = ("nodes",)
    tools, intake, fencing = _Of[Tools](DRIFTS), _Of[Tools](EVENTS), _Of[FenceTools](FENCING)

    def __init__(  # noqa: PLR0913 - the last one is named
        self,
        world: World,
        policy: Policy | None = None,
        store: MemoryStore | None = None,
        watchers: int = 1,
        clocks: Clocks | None = None,
        *,
        waker: bool = False,
        suspects: bool = False,
    ) -> None:
        self._suspects = suspects
        self.world, self.policy = world, policy or Settings().to_policy()
        self.clocks = clocks or (lambda _: ProcessClock(world.clock))
        self.redis = self.clocks("redis")
        self.store = store or MemoryStore(self.redis, world.clock)
        self.queue = MemoryQueue(self.redis, self.handle)
        self.entries: dict[str, JobEntry] = {}
        self.requests: Counter[str] = Counter()
        self.before_call: Callable[[], None] = lambda: None
        self.before_job: Callable[[], None] = lambda: None
        self._function, self._at_work = "", list[Worker]()
        self._turns = random.Random(0)  # noqa: S311 - the order of turns must repeat
        self.receiver, self.cli = (Process(name, self.clocks(name)) for name in ("receiver", "cli"))
        self.inbox = MemoryInbox(self.queue, self.redis, Settings().dedup_ttl)
        self.summaries = MemorySummaries(self.redis, self._publish)
        self._equipment = Equipment(world, self.policy, self.store, self.summaries, self._called)
        self.providers, self.coverage = self._equipment.providers, self._equipment.coverage
        self.witness_reports = self._equipment.witness_reports
        self._scheduler = Scheduler(self.clocks("scheduler"), self.queue, self.redis)
        self.watchers = [self._watcher(f"watcher-{number}") for number in range(watchers)]
        self.wakers = [Waking(self.clocks("waker"), self._wakes)] if waker else []
        if waker:
            self.watches = (*self.watches, *Waking.kinds)
        self._workers = [
            self._worker("intake", EVENTS, self._equipment.intake),
            *(self._worker(f"drifts-{number}", DRIFTS, self._equipment.drifts) for number in range(2)),
            self._worker("fencing", FENCING, self._equipment.fencing),
        ]
        self._workers[0].every(RESYNC, self._look_after_posts)
        self._workers[-1].every(RESYNC, self._look_after_fences)

    # turns

    def step(self, now: float) -> float:
        """A turn for each, in any order. While one stands still within its turn, the others go on."""
        acting: list[Process] = [*self.watchers, *self.wakers, *self._workers]
        self._turns.shuffle(acting)
        dues = [process.take_turn(self.world.now) for process in acting]
        dues.append(self._scheduler.take_turn(self.world.now))
        if any(worker.can_work and worker.away_until <= self.world.now for worker in self._workers):
            return self.world.now
        return min((due for due in dues if due is not None and due > now), default=now + RESYNC)

    @property
    def processes(self) -> dict[str, Process]:
        """All of them, by name."""
        acting: list[Process] = [*self.watchers, *self.wakers, self._scheduler, *self._workers, self.receiver, self.cli]
        return {process.name: process for process in acting}

    @property
    def settings(self) -> Settings:
        """Of the fencing role's providers, for those that are made from now on."""
        return self._equipment.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._equipment.settings = settings

    def senders_are_entitled(self, *, yes: bool) -> None:
        """To the events that they send, by intake's file; from now on."""
        self._equipment.entitled = yes

    def at_work(self, queue: str) -> Worker:
        """The worker of a queue whose turn it is, or else the first."""
        mine = self.workers(queue)
        return next((worker for worker in reversed(self._at_work) if worker in mine), mine[0])

    def workers(self, queue: str) -> list[Worker]:
        """Those that run a queue's jobs."""
        return [worker for worker in self._workers if worker.queue == queue]

    # work

    def handle(self, entry: JobEntry) -> Outcome:
        """Run a job, as `workers.rq` does."""
        self.entries[entry.id] = entry
        self.before_job()
        try:
            return self._outcome(entry)
        except BadInput as error:
            return Ended("malformed", "bad-input", str(error))
        except (ClusterError, StoreError) as error:
            return Again(self.redis() + TROUBLE_RETRY, "unavailable", str(error))

    def again(self) -> None:
        """Every job that ran or is to run is run once more at this moment: a duplicate, too early or too late."""
        waiting = {job_id: job.entry for job_id, job in self.queue.jobs.items()}
        for entry in (self.entries | waiting).values():
            self._run(self._turns.choice(self.workers(entry.queue)), entry)

    def flush(self) -> None:
        """Redis lost everything; the processes live on."""
        vars(self.store).update(vars(MemoryStore(self.redis, self.world.clock)))
        vars(self.coverage).update(vars(MemoryCoverage(self.redis)))
        self.queue.clear()
        self.summaries.clear()

    def _outcome(self, entry: JobEntry) -> Outcome:
        """By the product's own dispatch, with the tools of the worker whose turn it is."""
        tools = self.at_work(entry.queue).tools
        app = App(
            lambda: self.queue, lambda: self.inbox, lambda: tools, lambda: tools, _no_sink, lambda: self.world.clock
        )
        return app.run(entry.function, entry.args)

    def _run(self, worker: Worker, entry: JobEntry) -> Outcome:
        with self._turn_of(worker, entry.function):
            return self.handle(entry)

    @contextmanager
    def _turn_of(self, worker: Worker, function: str) -> Iterator[None]:
        """Meanwhile its tools are everybody's, and its requests are counted."""
        before, self._function = self._function, function
        self._at_work.append(worker)
        try:
            yield
        finally:
            self._at_work.remove(worker)
            self._function = before

    def _called(self) -> None:
        self.requests[self._function] += 1
        self.before_call()

    def _look_after_fences(self, worker: Worker) -> None:
        """What the fencing role does now and then."""
        if self.policy.fencing:
            with self._turn_of(worker, "look_after"), suppress(ClusterError):
                fencing.look_after(self.fencing)

    def _look_after_posts(self, worker: Worker) -> None:
        """What intake does now and then."""
        with self._turn_of(worker, "look_after"), suppress(ClusterError):
            events.look_after(self.inbox, self.intake)

    # beginnings

    def _watcher(self, name: str) -> Watching:
        watch = partial(self._equipment.watcher, self.queue)
        suspect = partial(self._equipment.suspecter, self.queue, name) if self._suspects else None
        return Watching(name, self.clocks(name), self._equipment, watch, RESYNC, suspect=suspect)

    def _publish(self) -> None:
        for watcher in self.watchers:
            watcher.publish(self.world.now)

    def _wakes(self) -> tuple[Waker, ApiCluster]:
        return self._equipment.waker(self.clocks("waker"), self.queue)

    def _worker(self, name: str, queue: str, equip: Equip) -> Worker:
        return Worker(name, self.clocks(name), (queue, self.queue), equip, self._run)
