"""The state of the queues, for monitoring: lengths and lateness, read from RQ's own keys."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq import Queue as RedisQueue
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from reactor.adapters.redis.errors import translated
from reactor.adapters.rq import FENCING, SCHEDULER_ALIVE, SERIALIZER
from reactor.model.times import parse_time
from reactor.roles import BY_QUEUE

_LATE = 11.0  # seconds; a scheduler looks ten times a second, but Redis may be away while its primary changes
_MANY = 10  # jobs
_SILENT = 30.0  # seconds; a worker writes its heartbeat every one or two of them, and clocks differ


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """`late` in seconds: how long ago the oldest job that still waits for the scheduler was due; 0 where none is late.

    `oldest` in seconds: how long the first of the jobs that a worker could take has waited for one; 0 where none waits.
    `failed` are jobs in which a bug of ours showed; `scheduler`: is there one? `workers`: how many
    take its jobs; a killed one counts for half a minute.
    """

    name: str
    waiting: int
    scheduled: int
    failed: int
    late: float
    scheduler: bool
    oldest: float = 0.0
    workers: int = 0

    @property
    def is_late(self) -> bool:
        """Is a job so late that no scheduler seems to move it?"""
        return self.late > _LATE

    @property
    def used(self) -> bool:
        """Is there any job in it, or any worker at it?"""
        return bool(self.waiting or self.scheduled or self.failed or self.workers)


def is_crowded(redis: Redis, queue: str) -> bool:
    """Do more of its jobs wait for a worker than workers take at once? Raises StoreError."""
    with translated():
        waiting: Any = redis.llen(f"{RedisQueue.redis_queue_namespace_prefix}{queue}")
    return bool(waiting > _MANY)


def figures(redis: Redis, now: float) -> Iterator[QueueFigures]:
    """Of each queue; of `fencing` only where it is used. Raises StoreError. `now` in seconds since the epoch."""
    for name in BY_QUEUE:
        with translated():
            queue_figures = _read(RedisQueue(name, connection=redis, serializer=SERIALIZER), redis, now)
        if name != FENCING or queue_figures.used:
            yield queue_figures


def _read(queue: RedisQueue, redis: Any, now: float) -> QueueFigures:
    scheduled, failed = ScheduledJobRegistry(queue=queue).key, FailedJobRegistry(queue=queue).key
    with redis.pipeline(transaction=False) as pipe:
        pipe.llen(queue.key)
        pipe.zcard(scheduled)
        pipe.zcard(failed)
        pipe.zrange(scheduled, 0, 0, withscores=True)
        pipe.exists(SCHEDULER_ALIVE)
        pipe.lindex(queue.key, 0)
        pipe.smembers(WORKERS_BY_QUEUE_KEY % queue.name)
        waiting, delayed, broken, due, scheduler, first, workers = pipe.execute()
    late = max(0.0, now - due[0][1]) if due else 0.0
    oldest, alive = _oldest_and_alive(redis, first, workers, now)
    return QueueFigures(queue.name, waiting, delayed, broken, late, bool(scheduler), oldest, alive)


def _oldest_and_alive(redis: Any, first: bytes | None, workers: Iterable[bytes], now: float) -> tuple[float, int]:
    """How old the first job of the queue is, and how many of these workers are alive."""
    with redis.pipeline(transaction=False) as pipe:
        for worker in workers:
            pipe.hget(worker, "last_heartbeat")
        pipe.hget(Job.key_for(first.decode(errors="replace") if first else ""), "enqueued_at")
        *heartbeats, since = pipe.execute()
    # One that was killed stays in the set, and its key for a minute more.
    alive = sum(abs(now - parse_time(beat.decode())) < _SILENT for beat in heartbeats if beat)
    return (max(0.0, now - parse_time(since.decode())) if first and since else 0.0), alive
