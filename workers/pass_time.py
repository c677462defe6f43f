"""When does a pass take place? By Redis' clock, as it comes with the lock, and never by this process' own.

Its own clock is only compared with that one. Who is more than a few seconds off is wrong, or Redis is: either way it
does not judge whether something was silent for long enough. Another process may; proof needs no clock.
"""

from dataclasses import replace

from reactor.adapters.redis.clock import OFF, apart
from reactor.adapters.redis.store import Lock
from reactor.model.times import Clock
from workers.context import Tools


class PassTime:
    """A clock for one pass: it showed `now` a moment ago, and goes on as one does that nobody sets."""

    def __init__(self, now: float, steady: Clock) -> None:
        self._steady, self._ahead = steady, now - steady()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self._steady() + self._ahead


def locked(tools: Tools, name: str, ttl: float) -> tuple[Lock | None, Tools]:
    """The lock, None while another holder has it, and the tools of this pass. StoreError."""
    asked = tools.clock()
    lock = tools.store.acquire(name, ttl)
    if lock is None:
        return None, timed(tools)
    off = apart(asked, tools.clock(), lock.now)
    known = replace(tools, steady_since=lock.steady_since, clock_off=_sentence(off))
    return lock, _at(lock.now, known)


def timed(tools: Tools) -> Tools:
    """The tools of something that takes no lock. StoreError."""
    return _at(tools.store.time(), tools)


def _at(now: float, tools: Tools) -> Tools:
    clock = PassTime(now, tools.around.steady)
    return replace(tools, clock=clock, around=tools.around.by(clock))


def _sentence(off: float) -> str:
    """What is wrong with this process' clock, "" while nothing is."""
    if abs(off) <= OFF:
        return ""
    which = "ahead of" if off > 0 else "behind"
    return f"This worker's clock is {abs(off):.0f} s {which} Redis', so it judges no silence; another worker may."
