"""The one clock: Redis' TIME. Every duration that processes share is measured on it, never on a process' own clock.

It may step, too: by hand, by NTP, or because a replica with another clock became the primary. Every process that reads
it compares it with a clock of its own that nobody sets, and the first one that sees it step records that for all
(`steady`): silence from before then does not count. A reading also stores when it was made, so that a process that has
just started, and has nothing to compare with, knows whether the clock was watched until now.

    clock   hash: `read`, when it was read last; `steady`, since when it is not known to have stepped

Without that key nothing is known of the time before, so losing it costs time, never safety.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from reactor import timing
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.lua import script
from reactor.model.errors import StoreError
from reactor.model.times import Clock

STEP = timing.CLOCK_STEP  # less is a slow answer, or NTP at work
OFF = timing.CLOCK_OFF
UNWATCHED = timing.CLOCK_UNWATCHED
_REBASED = 300.0  # seconds after which a process compares with a later reading: two correct clocks may drift apart
_FRESH, _AWAY = 1.0, 10.0  # seconds until `CachedClock` asks again, after an answer and after none

_KEY = f"{PREFIX}clock"
# What a process knows of the time since its last reading: that it was watched, nothing, or that the clock has stepped.
WATCHED, NEW, STEPPED = "watched", "new", "stepped"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`now`, in seconds since the epoch, and since when the clock that shows it is not known to have stepped."""

    now: float
    steady_since: float = 0.0


class StepWatch:
    """What one process knows of Redis' clock by comparing it with one that nobody sets (`monotonic`)."""

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self.monotonic = monotonic
        self._base: tuple[float, float, float] | None = None

    @property
    def knows(self) -> str:
        """For the next reading."""
        return WATCHED if self._base else NEW

    def stepped(self, before: float, after: float, now: float) -> bool:
        """Redis showed `now` between these two readings of ours: has its clock moved otherwise than ours before?"""
        base_before, base_after, base_now = self._base = self._base or (before, after, now)
        off = not before - base_after - STEP <= now - base_now <= after - base_before + STEP
        if off or before - base_before > _REBASED:
            self._base = before, after, now
        return off


class RedisClock:
    """Redis' clock as one process reads it. Raises the library's errors."""

    def __init__(self, redis: Redis, monotonic: Clock = time.monotonic) -> None:
        self._watch, self._time = StepWatch(monotonic), redis.register_script(script("clock", "reading"))

    def read(
        self, script: Any = None, keys: Sequence[str] = (), more: Sequence[Any] = ()
    ) -> tuple[ClockReading, list[Any]]:
        """A reading, and the rest of the reply of a script that begins with clock.lua. A step is recorded for all."""
        before = self._watch.monotonic()
        now, steady, *rest = (script or self._time)([_KEY, *keys], [self._watch.knows, UNWATCHED, *more])
        if self._watch.stepped(before, self._watch.monotonic(), float(now)):
            now, steady = self._time([_KEY], [STEPPED, UNWATCHED])
        return ClockReading(float(now), float(steady)), rest


class CachedClock:
    """A clock that is asked at most once a second. While Redis is away it goes on; StoreError if it never answered."""

    def __init__(self, read: Clock, monotonic: Clock = time.monotonic) -> None:
        self._read, self._monotonic = read, monotonic
        self._ahead: float | None = None
        self._until = 0.0

    def __call__(self) -> float:
        if self._ahead is None or self._monotonic() >= self._until:
            self._ahead = self._read_ahead(self._ahead)
        return self._monotonic() + self._ahead

    def _read_ahead(self, last: float | None) -> float:
        try:
            now = self._read()
        except StoreError:
            if last is None:
                raise
            self._until = self._monotonic() + _AWAY
            return last
        self._until = self._monotonic() + _FRESH
        return now - self._monotonic()


def redis_time(redis: Redis) -> float:
    """Redis' TIME as it is, for code inside RQ. Raises the library's errors."""
    reply: Any = redis.time()
    return float(reply[0]) + float(reply[1]) / 1e6


def apart(before: float, after: float, now: float) -> float:
    """How far a clock that showed `before`, then `after`, is ahead of one that showed `now` in between."""
    return before - now if before > now else min(0.0, after - now)
