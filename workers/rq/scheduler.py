"""RQ's scheduler as we need it: a dead one is replaced within seconds, and no job keeps it from the others."""

import logging
import time
from collections.abc import Iterable

from redis import Redis
from rq.scheduler import RQScheduler

from reactor import roles, timing
from reactor.adapters.redis.clock_offsets import Comparer
from reactor.adapters.redis.process_reports import Reporter, Requests
from reactor.adapters.rq import SERIALIZER
from reactor.process import Stop
from workers.rq.queue import UNREADABLE, Due, WorkedQueue
from workers.rq.stop import Stoppable


class Scheduler(Stoppable, RQScheduler):
    """Moves due jobs into their queues. Any number may run; a dead one's lock is taken over within seconds."""

    LOCK_TTL = int(timing.SCHEDULER_LOCK)  # RQ's own is 61 s
    ACQUIRE_EVERY = timing.SCHEDULER_TRIES_EVERY  # RQ's own is 600 s

    _tried = 0.0

    def __init__(self, queues: Iterable[str], redis: Redis, stopping: Stop) -> None:
        super().__init__(queues, redis, serializer=SERIALIZER, logging_level=logging.ERROR)
        self.stopping = stopping
        name = roles.SCHEDULER.name
        self._reporter = Reporter(redis, name, Requests(), look=Comparer(redis, name).look)

    @property
    def should_reacquire_locks(self) -> bool:
        """While some lock is another's: try again soon."""
        if self._queue_names == self.acquired_locks or time.monotonic() - self._tried < self.ACQUIRE_EVERY:
            return False
        self._tried = time.monotonic()
        return True

    def acquire_locks(self, auto_start: bool = False) -> set[str]:
        """As RQ does, for a shorter time."""
        acquired: set[str] = super().acquire_locks(auto_start)
        self._shorten()
        return acquired

    def heartbeat(self) -> None:
        """As RQ does, for a shorter time; and whether its machine's clock is right is reported now and then."""
        super().heartbeat()
        self._shorten()
        self._reporter.now_and_then()

    def prepare_registries(self, queue_names: Iterable[str] | None = None) -> None:
        """As RQ does, with ours."""
        names = queue_names or self._acquired_locks
        self._scheduled_job_registries = []
        for name in names:
            due = Due(name, connection=self.connection, serializer=self.serializer)
            self._scheduled_job_registries.append(due)

    def enqueue_scheduled_jobs(self) -> None:
        """As RQ does; a job that it cannot read is forgotten, lest all others wait for it."""
        try:
            super().enqueue_scheduled_jobs()
        except UNREADABLE:
            for name in self.acquired_locks:
                WorkedQueue(name, connection=self.connection, serializer=self.serializer).forget_unreadable_due()

    def _shorten(self) -> None:
        for name in self.acquired_locks:
            self.connection.expire(self.get_locking_key(name), self.LOCK_TTL)
