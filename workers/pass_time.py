"""When does a pass take place? By Redis' clock, as it comes with the lock, and never by this process' own.

The process' own clock is only compared with it. If it is more than a few seconds off, one of the two is wrong: then
this process does not judge whether something was silent for long enough. Another process may; proof needs no clock.
"""

from dataclasses import replace

from reactor.adapters.redis.clock import OFF, apart
from reactor.adapters.redis.store import Lock
from reactor.model.times import Clock
from workers.context import Tools


class PassTime:
    """A clock for one pass: it showed `now` a moment ago, and goes on with `steady`, which nobody sets."""

    def __init__(self, now: float, steady: Clock) -> None:
        self._steady, self._ahead = steady, now - steady()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self._steady() + self._ahead


def locked(tools: Tools, name: str, ttl: float, drift_id: str = "") -> tuple[Lock | None, Tools]:
    """The lock, with this drift's record, None while another holder has it, and the tools of this pass. StoreError."""
    requested_at = tools.clock()
    lock = tools.store.acquire(name, ttl, drift_id)
    if lock is None:
        return None, timed(tools)
    off = apart(requested_at, tools.clock(), lock.now)
    checked = replace(tools, steady_since=lock.steady_since, clock_off=_sentence(off))
    return lock, _at(lock.now, checked)


def timed(tools: Tools) -> Tools:
    """The tools of something that takes no lock. StoreError."""
    return _at(tools.store.time(), tools)


def _at(now: float, tools: Tools) -> Tools:
    clock = PassTime(now, tools.around.steady)
    return replace(tools, clock=clock, around=tools.around.by(clock, tools.steady_since))


def _sentence(off: float) -> str:
    """What is wrong with this process' clock, "" while nothing is."""
    if abs(off) <= OFF:
        return ""
    which = "ahead of" if off > 0 else "behind"
    return f"This worker's clock is {abs(off):.0f} s {which} Redis', so it judges no silence; another worker may."
