"""The job of the queue's contract tests: it goes through the product's own code, but works as the test wants it."""

from collections.abc import Callable
from typing import Any, ClassVar

from reactor.adapters.rq import DRIFTS
from reactor.model.drift import Outcome
from reactor.model.times import Clock
from workers import rq
from workers.app import body
from workers.rq.worker import Worker

RUN = "tests.contracts.queue_jobs.run"


class Desk:
    """What the running test has put here: what a job does, the queue's `woken`, and Redis' clock."""

    work: Callable[[str], Outcome]
    woken: Callable[[str], float | None]
    clock: Clock
    marked: ClassVar[list[str]] = []


class JobsWorker(Worker):
    """A worker of such jobs."""

    RUNS: ClassVar = {DRIFTS: (RUN,)}


def run(*args: Any) -> Any:
    """A job: (version, {"name": its name})."""
    return rq.answer(lambda: Desk.work(body(args)["name"]), Desk.woken, Desk.clock)


def mark(*_: Any, **__: Any) -> None:
    """A callback that somebody named in a job."""
    Desk.marked.append("called")
