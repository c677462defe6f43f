"""RQ's queue as our workers see it: what a killed worker left behind is taken up within seconds."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import structlog
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.utils import current_timestamp, now

log = structlog.get_logger()

# What RQ raises over an id or a hash that is none of its own; the second over a malformed time-out.
UNREADABLE = (ValueError, AssertionError)


class Intermediate(IntermediateQueue):
    """Where a job is between being taken out of the queue and being started; RQ leaves it there for a minute."""

    STUCK_AFTER = timedelta(seconds=6)

    def should_be_cleaned_up(self, job_id: str) -> bool:
        """Whether the worker that took it must be dead. Forgets the first sight, or it would count the next time."""
        first_seen = self.get_first_seen(job_id)
        if first_seen is None or now() - first_seen < self.STUCK_AFTER:
            return False
        self.connection.delete(self.get_first_seen_key(job_id))
        return True


class WorkedQueue(Queue):
    """For a worker's maintenance."""

    MAINTENANCE_LOCK = 10  # seconds; RQ's own is 15 minutes, and a worker killed meanwhile keeps it from all others

    @property
    def intermediate_queue(self) -> IntermediateQueue:
        """With our patience."""
        return Intermediate(self.key, connection=self.connection)

    def acquire_maintenance_lock(self) -> bool:
        """As RQ does, for a shorter time."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=self.MAINTENANCE_LOCK))

    def forget_unreadable(self) -> None:
        """What RQ cannot read ends its whole maintenance, each time. A job that is lost by this, the next `wake` finds.

        Only where few are: those that run, or have just been taken.
        """
        redis, started, taken = _raw(self.connection), self.started_job_registry.key, self.intermediate_queue_key
        for member in self._unreadable(redis.zrange(started, 0, -1), _started_id):
            redis.zrem(started, member)
        for member in self._unreadable(redis.lrange(taken, 0, -1)):
            redis.lrem(taken, 0, member)

    def forget_unreadable_due(self) -> None:
        """The same among the jobs whose time has come."""
        redis, key = _raw(self.connection), self.scheduled_job_registry.key
        for member in self._unreadable(redis.zrangebyscore(key, 0, current_timestamp())):
            redis.zrem(key, member)

    def _unreadable(self, members: Iterable[bytes], job_id: Callable[[bytes], str] = bytes.decode) -> Iterator[bytes]:
        for member in members:
            try:
                Job.fetch(job_id(member), connection=self.connection, serializer=self.serializer)
            except NoSuchJobError:
                continue  # RQ copes with it
            except UNREADABLE as error:
                log.warning("forgetting a job that is not readable", queue=self.name, job=repr(member), why=str(error))
                yield member


def _started_id(member: bytes) -> str:
    """A running job is noted as JOB:EXECUTION; ValueError for anything else."""
    job_id, _ = member.decode().split(":")
    return job_id


def _raw(redis: Redis) -> Any:
    """Its stubs allow for text, which this connection never returns."""
    return redis
