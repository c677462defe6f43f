"""What processes report of themselves, so that any process can show it: API requests, and a watcher's sign of life.

The keyspace (prefix `vmdrift:`):

    requests    hash: "role verb code" -> API requests                             since Redis was emptied last
    watcher     when a watcher last heard from the API server, seconds since the epoch. A watcher writes it only after
                hearing something new, so a deaf one never hides that another one hears; and the last one counts, so
                none whose clock is ahead hides for long that all are deaf

Nothing here may ever disturb the reporting process: a Redis that is away is no error, and its counts are kept.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from redis import Redis

from reactor import timing
from reactor.adapters.redis.contents import a_number, numbers, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.errors import StoreError
from reactor.model.times import Clock

log = structlog.get_logger()

_REQUESTS, _WATCHER = f"{PREFIX}requests", f"{PREFIX}watcher"
EVERY = timing.LOOK_EVERY


class Requests:
    """One process' API requests by verb and code, counted without Redis. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, verb: str, code: str) -> None:
        """One more. `code`: "none" if there was no answer."""
        with self._lock:
            self._counts[verb, code] += 1

    def take(self) -> Counter[tuple[str, str]]:
        """All since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def give_back(self, counts: Counter[tuple[str, str]]) -> None:
        """What was taken, and could not be reported."""
        with self._lock:
            self._counts.update(counts)


class Reporter:
    """Reports to Redis what `requests` counted. `clock` in seconds, only its differences matter.

    `look` is called as often, besides; it must never raise.
    """

    def __init__(
        self,
        redis: Redis,
        role: str,
        requests: Requests,
        clock: Clock = time.monotonic,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._redis, self._role, self._requests, self._clock, self._look = redis, role, requests, clock, look
        self._reported_at: float | None = None
        self._heard_at: float | None = None
        self._trouble = ""

    def now_and_then(self) -> None:
        """`report`, unless the last one is younger than EVERY: may be called in every round of a loop."""
        if self._reported_at is None or self._clock() - self._reported_at >= EVERY:
            self.report()

    def report(self, heard_at: float | None = None) -> None:
        """Report now. `heard_at`: when this process, a watcher, last heard from the API server. Never raises."""
        self._reported_at = self._clock()
        self._look()
        counts, new_heard_at = self._requests.take(), heard_at if heard_at != self._heard_at else None
        if not counts and new_heard_at is None:
            return
        try:
            self._write(counts, new_heard_at)
        except StoreError as error:
            self._requests.give_back(counts)
            if str(error) != self._trouble:
                log.warning("API requests cannot be reported yet", why=str(error))
            self._trouble = str(error)
        else:
            self._trouble, self._heard_at = "", heard_at

    def _write(self, counts: Counter[tuple[str, str]], heard_at: float | None) -> None:
        """All or nothing, so that nothing is counted twice when it is reported again."""
        with translated(), self._redis.pipeline() as pipe:
            for (verb, code), number in counts.items():
                pipe.hincrby(_REQUESTS, f"{self._role} {verb} {code}", number)
            if heard_at is not None:
                pipe.set(_WATCHER, f"{heard_at:.3f}")
            pipe.execute()


@dataclass(frozen=True, slots=True)
class Reports:
    """What was reported: API requests by role, verb and code; when a watcher last heard from the API server.

    `heard_at` in seconds since the epoch; None if no watcher ever reported it.
    """

    requests: Mapping[tuple[str, str, str], int]
    heard_at: float | None


def reports(redis: Redis) -> Reports:
    """All of them. Raises StoreError."""
    with translated(), redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(_REQUESTS)
        pipe.get(_WATCHER)
        counters, heard_at = pipe.execute()
    counts = {}
    for name, number in numbers(counters).items():
        try:
            role, verb, code = name.split(" ")
        except ValueError as error:
            passed_over(f"counter {name}", error)
        else:
            counts[role, verb, code] = int(number)
    return Reports(counts, a_number(heard_at))
