"""The job of the queue's contract tests: it goes through the product's own code, but works as the test wants it."""

from collections.abc import Callable
from typing import Any

from reactor.model.drift import Outcome
from workers import rq

RUN = "tests.contracts.queue_jobs.run"


class Desk:
    """What the running test has put here: what a job does, and the queue's `woken`."""

    work: Callable[[str], Outcome]
    woken: Callable[[str], float | None]


def run(*args: Any) -> Any:
    """A job: (version, {"name": its name})."""
    return rq.answer(lambda: Desk.work(rq.body(args)["name"]), Desk.woken)
