"""`reactor.doors.queue.Queue` in memory, and the worker that goes with it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reactor.doors.queue import Entry
from reactor.model.drift import Again, Outcome
from reactor.model.times import Clock

Handler = Callable[[Entry], Outcome]


@dataclass(slots=True)
class _Job:
    entry: Entry
    due: float | None  # None: over
    outcome: Outcome | None = None


class MemoryQueue:
    """The Queue under an injected clock; `step` is the worker: it runs every job that is due."""

    def __init__(self, clock: Clock, handler: Handler) -> None:
        self._clock, self._handler = clock, handler
        self._jobs: dict[str, _Job] = {}
        self._running = ""
        self._marks: dict[str, float] = {}

    def wake(self, entry: Entry, due: float) -> None:
        job = self._jobs.get(entry.id)
        if entry.id == self._running:
            self._marks[entry.id] = min(due, self._marks.get(entry.id, due))
        elif job is None or job.due is None:
            self._jobs[entry.id] = _Job(entry, due)
        else:
            job.due = min(job.due, due)

    def wake_all(self, wanted: Sequence[tuple[Entry, float]]) -> None:
        for entry, due in wanted:
            self.wake(entry, due)

    def woken(self, job_id: str) -> float | None:
        return self._marks.pop(job_id, None)

    def step(self, now: float) -> float | None:
        """Run every job that is due; when the next one is."""
        while due := sorted(self._due(now)):
            for _, job_id in due:
                if job_id in self._jobs:  # a test may have let Redis lose it meanwhile
                    self._run(self._jobs[job_id])
        return min((job.due for job in self._jobs.values() if job.due is not None), default=None)

    def outcome(self, job_id: str) -> Outcome | None:
        """What the job said last."""
        return self._jobs[job_id].outcome if job_id in self._jobs else None

    def _due(self, now: float) -> list[tuple[float, str]]:
        return [(job.due, job_id) for job_id, job in self._jobs.items() if job.due is not None and job.due <= now]

    def _run(self, job: _Job) -> None:
        """A handler that raises was killed: its job stays due."""
        self._running = job.entry.id
        try:
            job.outcome = self._handler(job.entry)
        finally:
            self._running = ""
        wanted = [self._again(job.outcome), self._marks.pop(job.entry.id, None)]
        job.due = min((at for at in wanted if at is not None), default=None)

    def _again(self, outcome: Outcome) -> float | None:
        """RQ keeps whole seconds, counted from now."""
        now = self._clock()
        return now + max(0, math.ceil(outcome.at - now)) if isinstance(outcome, Again) else None
