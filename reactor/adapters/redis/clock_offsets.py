"""How far each process' own clock is off Redis', as it reports itself, so that any process can show it.

    clocks    hash: ROLE@HOST:PID -> seconds ahead of Redis, and when that was measured

By comparing every few seconds the processes also watch whether Redis' clock steps (`clock`).
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from redis import Redis

from reactor.adapters.redis.clock import OFF, RedisClock, apart, redis_time
from reactor.adapters.redis.contents import passed_over, text_of
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.errors import StoreError
from reactor.model.times import Clock

log = structlog.get_logger()

_CLOCKS = f"{PREFIX}clocks"
_VALID_FOR = 150.0  # seconds after which an entry does not count any more; a watcher compares at each resync
_FORGOTTEN = 86400.0  # seconds; every start of a process leaves an entry


class Comparer:
    """Of one process. `wall`: its clock, by which it decides nothing; `monotonic`: one that nobody sets."""

    def __init__(self, redis: Redis, role: str, wall: Clock = time.time, monotonic: Clock = time.monotonic) -> None:
        self._redis, self._wall, self._clock = redis, wall, RedisClock(redis, monotonic)
        self._name = f"{role}@{socket.gethostname()}:{os.getpid()}"
        self._off = self._tidied = False

    def look(self) -> None:
        """Compare, and report it. Never raises: a Redis that is away is no error here."""
        try:
            with translated():
                off = self._compare()
        except StoreError:
            return
        if (abs(off) > OFF) is not self._off:
            self._off = not self._off
            self._report(off)

    def _report(self, off: float) -> None:
        facts = {"sentence": offset_sentence(self._name, off), "reason": "clock-off"}
        if self._off:
            log.warning("clock is off", **facts)
        else:
            log.info("clock is right again", **facts)

    def _compare(self) -> float:
        before = self._wall()
        now = self._clock.read()[0].now
        off = apart(before, self._wall(), now)
        if not self._tidied and (old := [name for name, _, at in _entries(self._redis) if at < now - _FORGOTTEN]):
            self._redis.hdel(_CLOCKS, *old)
        self._tidied = True
        self._redis.hset(_CLOCKS, self._name, f"{off:.3f} {now:.3f}")
        return off


def offset_sentence(name: str, off: float) -> str:
    """Of a process' clock, as a sentence."""
    if abs(off) <= OFF:
        return f"The clock of {name} shows what Redis' shows."
    which = "ahead of" if off > 0 else "behind"
    return f"The clock of {name} is {abs(off):.0f} s {which} Redis', so it judges no silence."


def clocks(redis: Redis) -> dict[str, float]:
    """By process: how many seconds its clock is ahead of Redis', as of a moment ago. StoreError."""
    with translated():
        since = redis_time(redis) - _VALID_FOR
        return {name: off for name, off, at in _entries(redis) if at >= since}


def off(offsets: Mapping[str, float]) -> dict[str, float]:
    """Those that are too far off."""
    return {name: ahead for name, ahead in sorted(offsets.items()) if abs(ahead) > OFF}


def _entries(redis: Redis) -> Iterator[tuple[str, float, float]]:
    texts: Any = redis.hgetall(_CLOCKS)
    for name, text in texts.items():
        try:
            ahead, at = map(float, text.split())
            yield name.decode(), ahead, at
        except ValueError as error:
            passed_over(f"clock of {text_of(name)}", error)
