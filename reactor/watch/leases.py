"""When each node last renewed its Lease. In a cluster of 5,000 nodes there are 500 renewals a second."""

import time
from collections.abc import Callable, Iterable
from sys import intern
from typing import NamedTuple

from reactor.adapters.kubernetes.cluster import Scope, Watchable
from reactor.model.lease import NODE_LEASES, USUAL, duration, renewal
from reactor.model.objects import JsonObject
from reactor.model.times import Clock
from reactor.watch.list_watch import BOOKMARK, LISTED, SILENCE, follow

# Reading rests for so long, then goes on for so long: what has arrived meanwhile costs one awakening, not one each.
_REST, _WORK = 0.25, 0.01  # seconds

# A node's name, seconds since the epoch by its own clock, and for how many seconds the Lease is good.
Renewal = tuple[str, float] | tuple[str, float, float]


class Seen(NamedTuple):
    """One node's Lease. `changed`: since when we know it as it is, in monotonic seconds; a gap begins that again."""

    renewed: float
    changed: float
    duration: float


class Leases:
    """One thread fills it, others read it."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self.read_at: float | None = None  # monotonic seconds: all that had arrived by then is in it

    def take(self, kind: str, renewals: Iterable[Renewal], now: float) -> None:
        """Take in what `follow` yields."""
        if kind == BOOKMARK:
            self.read_at = now
        elif kind == LISTED:
            self._seen = {name: Seen(renewed, now, *more or (USUAL,)) for name, renewed, *more in renewals}
        elif kind == "DELETED":
            for name, *_ in renewals:
                self._seen.pop(name, None)
        else:
            for one in renewals:
                self._see(now, *one)

    def _see(self, now: float, name: str, renewed: float, good_for: float = USUAL) -> None:
        before = self._seen.get(name)
        unchanged = before is not None and before.renewed == renewed
        self._seen[name] = Seen(renewed, before.changed if before and unchanged else now, good_for)

    def missed(self, now: float) -> None:
        """The watch has broken: whatever is silent now may have been so because of that."""
        self._seen = {name: seen._replace(changed=now) for name, seen in self._seen.items()}

    def renewed(self, name: str) -> float:
        """As of now; 0 where that is not known."""
        seen = self._seen.get(name)
        return seen.renewed if seen else 0.0

    def renewals(self) -> dict[str, float]:
        """By node, as of now."""
        return {name: seen.renewed for name, seen in self.seen().items()}

    def seen(self) -> dict[str, Seen]:
        """By node, as of now."""
        return self._seen.copy()  # in one step: the other thread never sees half of it


def follow_leases(
    cluster: Watchable, leases: Leases, clock: Clock = time.monotonic, pause: Callable[[float], None] = time.sleep
) -> None:
    """Keep `leases` up to date, for ever. `clock`: one that nobody sets."""

    def broke() -> None:
        leases.missed(clock())

    rests_at = 0.0
    for kind, renewals in follow(cluster, "leases", parse, SILENCE, pause, scope=Scope(NODE_LEASES), broke=broke):
        leases.take(kind, renewals, clock())
        if kind == BOOKMARK and clock() >= rests_at:
            pause(_REST)
            rests_at = clock() + _WORK


def parse(lease: JsonObject) -> Renewal:
    """What `Leases.take` takes."""
    name, renewed = renewal(lease)
    return intern(name), renewed, duration(lease)
