"""Time, and somebody who runs what is due: RQ on a real Valkey, and the twin.

Time passes for RQ by moving the due times that wait in Redis, so no test waits.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from redis import Redis

from reactor.adapters.rq import DRIFTS, JobEntry, Queue, RqQueue
from reactor.model.drift import Ended, Outcome
from reactor.model.identity import VERSION
from reactor.process import Stop
from rehearsal.twins.queue import MemoryQueue
from tests.contracts.queue_jobs import RUN, JobsWorker
from workers.rq.scheduler import Scheduler

DONE = Ended("completed", "done", "It is done.")


def entry(name: str = "job") -> JobEntry:
    """A job of the module queue_jobs."""
    return JobEntry(DRIFTS, name, RUN, (VERSION, {"name": name}), f"the job {name}")


class BrokenError(Exception):
    """A bug in a job."""


class World(Protocol):
    """Time, and somebody who runs what is due."""

    queue: Queue

    def now(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
    def run(self) -> None: ...

    def work(self) -> None:
        """As `run`, while no scheduler runs."""

    def due(self) -> float | None:
        """When the job `job` is due, if it waits."""


class AtOnce:
    """The queue, woken as a sweep does it."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def wake(self, entry: JobEntry, due: float) -> None:
        self._queue.wake_all([(entry, due)])

    def wake_all(self, wanted: Sequence[tuple[JobEntry, float]]) -> None:
        self._queue.wake_all(wanted)

    def woken(self, job_id: str) -> float | None:
        return self._queue.woken(job_id)

    def drift_waits(self) -> bool:
        return self._queue.drift_waits()


@dataclass
class RqWorld:
    redis: Redis

    def __post_init__(self) -> None:
        self.queue: Queue = RqQueue(self.redis, time.time, keep=3600)

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        for key in (f"rq:scheduled:{DRIFTS}", f"rq:wip:{DRIFTS}"):
            for member, _ in self.redis.zscan_iter(key):
                self.redis.zincrby(key, -seconds, member)
        for key in self.redis.scan_iter(f"rq:queue:{DRIFTS}:intermediate:first_seen:*"):
            self.redis.incrbyfloat(key, -seconds)

    def run(self) -> None:
        Scheduler([DRIFTS], self.redis, Stop()).move_due()
        self.work()

    def work(self) -> None:
        JobsWorker(DRIFTS, self.redis, Stop()).work(burst=True, max_jobs=50, logging_level="CRITICAL")

    def due(self) -> float | None:
        return self.redis.zscore(f"rq:scheduled:{DRIFTS}", "job")


class MemoryWorld:
    def __init__(self, work: Callable[[str], Outcome]) -> None:
        self._now = 1000.0
        self._twin = MemoryQueue(self.now, lambda entry: work(entry.id))
        self.queue: Queue = self._twin

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def run(self) -> None:
        with suppress(BrokenError):
            self._twin.step(self._now)

    def work(self) -> None:
        while self._twin.run_next():
            pass

    def due(self) -> float | None:
        return self._twin.jobs["job"].due


@dataclass
class Jobs:
    """What the jobs of a test do, by name (an answer each time, then DONE), and which have run."""

    ran: list[str] = field(default_factory=list)
    todo: list[Callable[[], Outcome]] = field(default_factory=list)

    def work(self, name: str) -> Outcome:
        self.ran.append(name)
        return self.todo.pop(0)() if self.todo else DONE
