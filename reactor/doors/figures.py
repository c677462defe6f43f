"""How the queues stand, for whoever watches over us: lengths and lateness, read from RQ's own keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq import Queue as RedisQueue
from rq.registry import FailedJobRegistry, ScheduledJobRegistry
from rq.scheduler import RQScheduler
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from reactor.doors.queue import DRIFTS, EVENTS, OUTGOING, SERIALIZER
from reactor.doors.store import translated
from reactor.model.times import parse_time

_SILENT = 30.0  # seconds; a worker's heart beats every one or two of them, and clocks differ


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """`late` in seconds: how long ago the oldest job that still waits for the scheduler was due; 0 where none is late.

    `failed` are jobs in which a bug of ours showed; `scheduler`: does one look after this queue?
    """

    name: str
    waiting: int
    scheduled: int
    failed: int
    late: float
    scheduler: bool


def figures(redis: Redis, now: float) -> Iterator[QueueFigures]:
    """Of each queue. Raises StoreError. `now` in seconds since the epoch."""
    for name in (EVENTS, DRIFTS, OUTGOING):
        with translated():
            yield _of(RedisQueue(name, connection=redis, serializer=SERIALIZER), redis, now)


def workers(redis: Redis, now: float) -> dict[str, int]:
    """How many workers of each queue are alive. Raises StoreError. `now` in seconds since the epoch."""
    with translated():
        return {name: _alive(redis, name, now) for name in (EVENTS, DRIFTS, OUTGOING)}


def _alive(redis: Any, queue: str, now: float) -> int:
    # One that was killed stays in the set, and its key for a minute more.
    beats = [redis.hget(key, "last_heartbeat") for key in redis.smembers(WORKERS_BY_QUEUE_KEY % queue)]
    return sum(abs(now - parse_time(beat.decode())) < _SILENT for beat in beats if beat)


def _of(queue: RedisQueue, redis: Any, now: float) -> QueueFigures:
    scheduled, failed = ScheduledJobRegistry(queue=queue).key, FailedJobRegistry(queue=queue).key
    with redis.pipeline(transaction=False) as pipe:
        pipe.llen(queue.key)
        pipe.zcard(scheduled)
        pipe.zcard(failed)
        pipe.zrange(scheduled, 0, 0, withscores=True)
        pipe.exists(RQScheduler.get_locking_key(queue.name))
        waiting, delayed, broken, first, lock = pipe.execute()
    late = max(0.0, now - first[0][1]) if first else 0.0
    return QueueFigures(queue.name, waiting, delayed, broken, late, bool(lock))
