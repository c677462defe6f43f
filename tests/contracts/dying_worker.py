"""A worker that takes one job, and is killed at it.

`taken`: out of the queue, not yet started. `running`: in the job. `ending`: the job is to come again, but when is not
written yet.
"""

import time
from typing import Any

from redis import Redis
from rq.job import Job

from reactor.adapters.rq import DRIFTS
from reactor.model.drift import Again, Outcome
from reactor.process import Stop
from tests.contracts.queue_jobs import Desk, JobsWorker
from tests.support.killing import die


def later(_: str) -> Outcome:
    return Again(time.time() + 1000, "later", "It waits.")


class Taken(JobsWorker):
    """Killed with a job in its hands."""

    def execute_job(self, job: Job, queue: Any) -> None:  # noqa: ARG002 - RQ's signature
        """Do not."""
        die()


class Ending(JobsWorker):
    """Killed while it writes down when the job comes again."""

    def handle_job_retry(self, job: Job, queue: Any, *args: Any, **more: Any) -> None:
        """As RQ does, until it calls the method that writes the due time."""
        queue.schedule_job = die
        super().handle_job_retry(job, queue, *args, **more)


def main(url: str, where: str) -> None:
    """Does not return. `where`: taken, running or ending."""
    Desk.work, Desk.woken, Desk.clock = (die if where == "running" else later), lambda _: None, time.time
    kind = {"taken": Taken, "running": JobsWorker, "ending": Ending}[where]
    kind(DRIFTS, Redis.from_url(url), Stop()).work(max_jobs=1, logging_level="CRITICAL")
