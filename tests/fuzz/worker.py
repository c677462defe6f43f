"""A worker as the product's, which notes what was raised in it where RQ would log it and go on, or end its loop."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from rq.exceptions import DeserializationError, StopRequested

from reactor.adapters.redis.process_reports import Reporter, Requests
from reactor.process import Stop
from workers.app import App
from workers.rq.job import NotOurJob
from workers.rq.worker import Worker

# What a job may name that is no job of ours: it is refused.
_REFUSED = (NotOurJob, DeserializationError)


class RaisingWorker(Worker):
    """Notes what RQ would log: what ends its loop, and what a job raises that is one of ours."""

    def __init__(
        self, raised: list[BaseException], queue: str, redis: Redis, chore: Callable[[], object], app: App
    ) -> None:
        super().__init__(queue, redis, Stop(), chore, Reporter(redis, queue, Requests()), app=app)
        self._raised = raised
        self.log = logging.getLogger("fuzz")

    def run_maintenance_tasks(self) -> None:
        """As the worker does."""
        with _noted(self._raised):
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """As the worker does."""
        with _noted(self._raised):
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    def execute_job(self, job: Any, queue: Any) -> None:
        """As the worker does."""
        with _noted(self._raised):
            super().execute_job(job, queue)

    def handle_exception(self, job: Any, *exc_info: Any) -> None:
        """What the job raised."""
        if not isinstance(exc_info[1], _REFUSED):
            self._raised.append(exc_info[1])
        super().handle_exception(job, *exc_info)


@contextmanager
def _noted(raised: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except StopRequested:
        raise  # Redis did not do what was asked; the role begins again
    except Exception as error:
        raised.append(error)
        raise
