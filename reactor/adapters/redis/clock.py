"""The one clock: Redis' TIME. Every duration that processes share is measured on it, never on a process' own clock.

It may step, too: by hand, by NTP, or because a replica with another clock became the primary. Every process that reads
it compares it with a clock of its own that nobody sets, and the first one that sees it step writes that down for all
(`steady`): silence from before then does not count. A reading also leaves behind when it was made, so that a process
that has just begun, and has nothing to compare with, knows whether the clock was watched until now.

    clock   hash: `read`, when it was read last; `steady`, since when it is not known to have stepped

Without that key nothing is known of the time before, so its loss costs time, and never safety.
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
_REBASED = 300.0  # seconds after which a process compares with a later reading, lest two honest clocks drift apart
_FRESH, _AWAY = 1.0, 10.0  # seconds for which `CachedClock` asks nobody, and nobody who did not answer

_KEY = f"{PREFIX}clock"
# What a process knows of the time since its last reading: that it was watched, nothing, or that the clock has stepped.
WATCHED, NEW, STEPPED = "watched", "new", "stepped"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`now`, in seconds since the epoch, and since when the clock that shows it is not known to have stepped."""

    now: float
    steady_since: float = 0.0


class StepWatch:
    """What one process knows of Redis' clock by one that nobody sets (`monotonic`)."""

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self.monotonic = monotonic
        self._base: tuple[float, float, float] | None = None

    @property
    def knows(self) -> str:
        """For the next reading."""
        return WATCHED if self._base else NEW

    def stepped(self, asked: float, answered: float, now: float) -> bool:
        """Redis showed `now` between these two moments of ours: has its clock gone otherwise than ours since before?"""
        begun, ended, then = self._base = self._base or (asked, answered, now)
        off = not asked - ended - STEP <= now - then <= answered - begun + STEP
        if off or asked - begun > _REBASED:
            self._base = asked, answered, now
        return off


class RedisClock:
    """Redis' clock as one process reads it. Raises the library's errors."""

    def __init__(self, redis: Redis, monotonic: Clock = time.monotonic) -> None:
        self._watch, self._time = StepWatch(monotonic), redis.register_script(script("clock", "reading"))

    def read(
        self, script: Any = None, keys: Sequence[str] = (), more: Sequence[Any] = ()
    ) -> tuple[ClockReading, list[Any]]:
        """A reading, and what else a script answers that begins with clock.lua. Who sees a step says so to all."""
        asked = self._watch.monotonic()
        now, steady, *found = (script or self._time)([_KEY, *keys], [self._watch.knows, UNWATCHED, *more])
        if self._watch.stepped(asked, self._watch.monotonic(), float(now)):
            now, steady = self._time([_KEY], [STEPPED, UNWATCHED])
        return ClockReading(float(now), float(steady)), found


class CachedClock:
    """A clock that is asked at most once a second. While Redis is away it goes on; StoreError if it never answered."""

    def __init__(self, read: Clock, monotonic: Clock = time.monotonic) -> None:
        self._read, self._monotonic = read, monotonic
        self._ahead: float | None = None
        self._until = 0.0

    def __call__(self) -> float:
        if self._ahead is None or self._monotonic() >= self._until:
            self._ahead = self._asked(self._ahead)
        return self._monotonic() + self._ahead

    def _asked(self, known: float | None) -> float:
        try:
            now = self._read()
        except StoreError:
            if known is None:
                raise
            self._until = self._monotonic() + _AWAY
            return known
        self._until = self._monotonic() + _FRESH
        return now - self._monotonic()


def redis_time(redis: Redis) -> float:
    """As it stands, for what lives inside RQ. Raises RQ's errors, which are the library's."""
    told: Any = redis.time()
    return float(told[0]) + float(told[1]) / 1e6


def apart(asked: float, answered: float, now: float) -> float:
    """How far a clock that showed `asked` before and `answered` after is ahead of one that showed `now` in between."""
    return asked - now if asked > now else min(0.0, answered - now)
