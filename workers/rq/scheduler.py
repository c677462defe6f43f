"""The scheduler: a loop of our own over RQ's registries, where jobs wait for their time."""

import time
from collections.abc import Iterable
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.registry import ScheduledJobRegistry

from reactor import roles, timing
from reactor.adapters.redis.clock_offsets import Comparer
from reactor.adapters.redis.connection import shared_clock
from reactor.adapters.redis.process_reports import Reporter, Requests
from reactor.adapters.rq import SCHEDULER_ALIVE, enqueue_waiting
from reactor.process import Stop

_LONGEST = 0.1  # seconds without a look: another process may schedule an earlier job meanwhile
_CHUNK = 100  # jobs of a queue that Redis moves at once, in about a millisecond


class Scheduler:
    """Moves jobs into their queues when they are due. Any number may run at once: each job is moved by one of them."""

    def __init__(self, queues: Iterable[str], redis: Redis, stopping: Stop) -> None:
        self._queues, self._redis, self._stopping = tuple(queues), redis, stopping
        name = roles.SCHEDULER.name
        self._clock = shared_clock(redis)
        self._reporter = Reporter(redis, name, Requests(), look=Comparer(redis, name).look)
        self._beat_at = 0.0

    def work(self) -> None:
        """Until it is asked to stop. Raises StoreError and the library's errors."""
        while not self._stopping.asked():
            self._beat()
            time.sleep(self.move_due())
        self._redis.delete(SCHEDULER_ALIVE)  # another one soon writes it again

    def move_due(self) -> float:
        """Move what is due by Redis' clock, of each queue one chunk; seconds until the next look.

        Raises StoreError and the library's errors. What somebody broke in one queue holds no other up.
        """
        pauses, broken, now = [_LONGEST], None, self._clock()
        for queue, first in zip(self._queues, self._firsts(), strict=True):
            try:
                pauses.append(self._move_due(queue, first, now))
            except ResponseError as error:
                broken = error
        if broken:
            raise broken
        return max(0.0, min(pauses))

    def _firsts(self) -> list[Any]:
        """Of each queue the waiting job that is due first, as [(id, due)] or []; or what Redis answers instead."""
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in self._queues:
                pipe.zrange(_registry(queue), 0, 0, withscores=True)
            return pipe.execute(raise_on_error=False)

    def _move_due(self, queue: str, first: Any, now: float) -> float:
        """Seconds until the first was due."""
        if isinstance(first, ResponseError):
            raise first
        due: float = first[0][1] if first else now + _LONGEST
        if due <= now:
            ids: Any = self._redis.zrangebyscore(_registry(queue), "-inf", now, start=0, num=_CHUNK)
            enqueue_waiting(self._redis, queue, ids, now, until=now)
        return due - now

    def _beat(self) -> None:
        """Say that it lives, and now and then whether its machine's clock is right."""
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + timing.BEAT_EVERY
            self._redis.set(SCHEDULER_ALIVE, 1, ex=int(timing.WORKER_SILENT))
            self._reporter.now_and_then()


def _registry(queue: str) -> str:
    return ScheduledJobRegistry.key_template.format(queue)
