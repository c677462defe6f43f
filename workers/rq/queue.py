"""RQ's queue as our workers see it: what a killed worker left behind is continued within seconds."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import structlog
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job

from reactor import timing
from reactor.adapters.redis.clock import redis_time

log = structlog.get_logger()

_FORGOTTEN = 86400  # seconds, as in RQ

# What RQ raises over an id or a hash that is none of its own; the second over a malformed time-out.
UNREADABLE = (ValueError, AssertionError)


class Intermediate(IntermediateQueue):
    """Where a job is between being taken out of the queue and being started; RQ leaves it there for a minute."""

    STUCK_AFTER = timing.TAKEN_NOT_STARTED

    def set_first_seen(self, job_id: str) -> bool:
        """As RQ does, by Redis' clock: another process may look later."""
        key = self.get_first_seen_key(job_id)
        return bool(self.connection.set(key, redis_time(self.connection), nx=True, ex=_FORGOTTEN))

    def should_be_cleaned_up(self, job_id: str) -> bool:
        """Whether the worker that took it must be dead. Forgets the first sight, or it would count the next time."""
        first_seen = self.get_first_seen(job_id)
        if first_seen is None or redis_time(self.connection) - first_seen.timestamp() < self.STUCK_AFTER:
            return False
        self.connection.delete(self.get_first_seen_key(job_id))
        return True


class WorkedQueue(Queue):
    """For a worker's maintenance."""

    MAINTENANCE_LOCK = 10  # seconds; RQ's own is 15 minutes, and a worker killed meanwhile keeps it from all others

    @property
    def intermediate_queue(self) -> IntermediateQueue:
        """With our time until a job counts as stuck."""
        return Intermediate(self.key, connection=self.connection)

    def acquire_maintenance_lock(self) -> bool:
        """As RQ does, for a shorter time."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=self.MAINTENANCE_LOCK))

    def schedule_job(self, job: Job, datetime: datetime, pipeline: Any = None, unique: bool = False) -> Job:
        """As RQ does, for a job that wants to come again; but by Redis' clock, and not cut to whole seconds."""
        due = getattr(job, "again_at", None)
        if due is None:
            due = datetime.timestamp() + redis_time(self.connection) - time.time()
        super().schedule_job(job, datetime, pipeline, unique)
        (self.connection if pipeline is None else pipeline).zadd(self.scheduled_job_registry.key, {job.id: due})
        return job

    def move_dependents_to_ready(self, *_: Any, **__: Any) -> dict[str, list[str]]:
        """None: no job of ours waits for another, and an entry in Redis that says so would fill others' queues."""
        return {}

    def enqueue_dependents(self, *_: Any, **__: Any) -> dict[str, list[str]]:
        """None, as above."""
        return {}

    def forget_unreadable(self) -> None:
        """What RQ cannot read ends its whole maintenance, each time. A job that is lost by this, the next `wake` finds.

        Only where few are: those that run, or have just been taken.
        """
        redis, started, taken = _raw(self.connection), self.started_job_registry.key, self.intermediate_queue_key
        for member in self._unreadable(redis.zrange(started, 0, -1), _started_id):
            redis.zrem(started, member)
        for member in self._unreadable(redis.lrange(taken, 0, -1)):
            redis.lrem(taken, 0, member)

    def _unreadable(self, members: Iterable[bytes], job_id: Callable[[bytes], str] = bytes.decode) -> Iterator[bytes]:
        for member in members:
            try:
                Job.fetch(job_id(member), connection=self.connection, serializer=self.serializer)
            except NoSuchJobError:
                continue  # RQ copes with it
            except UNREADABLE as error:
                log.warning("unreadable job removed", queue=self.name, job=repr(member), why=str(error))
                yield member


def _started_id(member: bytes) -> str:
    """A running job is listed as JOB:EXECUTION; ValueError for anything else."""
    job_id, _ = member.decode().split(":")
    return job_id


def _raw(redis: Redis) -> Any:
    """Its stubs allow for text, which this connection never returns."""
    return redis
