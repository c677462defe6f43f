"""`reactor.adapters.rq.Queue` in memory, with the scheduler and the workers that go with it."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

from reactor.adapters.rq import DRIFTS, ORPHANED_AFTER, JobEntry, is_drift
from reactor.model.drift import Again, Outcome
from reactor.model.times import Clock

_EARLY = 0.002  # seconds; by less a scheduler may be early (rehearsal.processes)
Handler = Callable[[JobEntry], Outcome]


@dataclass(slots=True)
class _Job:
    """`due` None: over, or under way. `ready`: in its queue, whatever the time is."""

    entry: JobEntry
    due: float | None
    ready: bool = False
    outcome: Outcome | None = None


class MemoryQueue:
    """The Queue under an injected clock. `move_due` is the scheduler, `run_next` a worker, `step` both in one.

    The clock is Redis', whoever looks at it. Several workers have one each, which share the jobs (`run_by`).
    """

    def __init__(self, clock: Clock, handler: Handler) -> None:
        self._clock, self._handler = clock, handler
        self.jobs: dict[str, _Job] = {}
        self._running: dict[str, float] = {}  # since when
        self.marks: dict[str, float] = {}

    def run_by(self, handler: Handler) -> Self:
        """The same jobs, for a worker that runs them in another way."""
        other = copy(self)
        vars(other).update(_handler=handler)
        return other

    def wake(self, entry: JobEntry, due: float) -> None:
        job = self.jobs.get(entry.id)
        if self._runs(entry.id):
            self.marks[entry.id] = min(due, self.marks.get(entry.id, due))
        elif job is None or job.due is None:
            self._running.pop(entry.id, None)
            self.jobs[entry.id] = _Job(entry, due, due <= self._clock())
        else:
            job.due, job.ready = min(job.due, due), job.ready or due <= self._clock()

    def wake_all(self, wanted: Sequence[tuple[JobEntry, float]]) -> None:
        for entry, due in wanted:
            self.wake(entry, due)

    def woken(self, job_id: str) -> float | None:
        return self.marks.pop(job_id, None)

    def drift_waits(self) -> bool:
        return any(_is_ready(job, DRIFTS) and is_drift(job_id) for job_id, job in self.jobs.items())

    def move_due(self, now: float) -> float | None:
        """Put every job that is due into its queue; when the next one is."""
        waiting = [(job.due, job) for job in self.jobs.values() if job.due is not None and not job.ready]
        for due, job in waiting:
            job.ready = due <= now
        return min((due for due, job in waiting if not job.ready), default=None)

    def run_next(self, queue: str = "") -> bool:
        """Run the first job of this queue, "" for all; whether there was one."""
        ready = [(job.due or 0.0, job_id) for job_id, job in self.jobs.items() if _is_ready(job, queue)]
        if not ready:
            return False
        self._run(self.jobs[min(ready)[1]])
        return True

    def has_ready(self, queue: str = "") -> bool:
        """Is there one for `run_next`?"""
        return any(_is_ready(job, queue) for job in self.jobs.values())

    def take_over(self, patience: float) -> bool:
        """Jobs that began so long ago run in a dead worker, and are queued again; whether others are under way."""
        for job_id in [job_id for job_id, since in self._running.items() if self._clock() >= since + patience]:
            del self._running[job_id]
            self.jobs[job_id].due, self.jobs[job_id].ready = self._clock(), True
        return bool(self._running)

    def step(self, now: float) -> float | None:
        """Run every job that is due; when the next one is."""
        due = self.move_due(now)
        while self.run_next():
            due = self.move_due(now)
        return due

    def outcome(self, job_id: str) -> Outcome | None:
        """What the job said last."""
        return self.jobs[job_id].outcome if job_id in self.jobs else None

    def clear(self) -> None:
        """Everything is lost, for whoever shares it."""
        for kept in (self.jobs, self._running, self.marks):
            kept.clear()

    def _runs(self, job_id: str) -> bool:
        since = self._running.get(job_id)
        return since is not None and self._clock() < since + ORPHANED_AFTER

    def _run(self, job: _Job) -> None:
        """A handler that raises an Exception has a bug: its job is over. What else it raises kills the worker."""
        job_id, job.due, job.ready = job.entry.id, None, False
        self._running[job_id] = self._clock()
        try:
            job.outcome = self._handler(job.entry)
        except Exception:
            del self._running[job_id]
            raise
        self._running.pop(job_id, None)
        again_at = job.outcome.at if isinstance(job.outcome, Again) else None
        if again_at and 0.0 < again_at - self._clock() < _EARLY:
            again_at = self._clock() + _EARLY  # it would be moved at once, and see the same time for ever
        wanted = [job.due, again_at, self.marks.pop(job_id, None)]
        job.due = min((at for at in wanted if at is not None), default=None)
        job.ready = job.due is not None and job.due <= self._clock()


def _is_ready(job: _Job, queue: str) -> bool:
    return job.ready and queue in {"", job.entry.queue}
