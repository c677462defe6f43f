"""When each node last renewed its Lease. In a cluster of 5,000 nodes there are 500 renewals a second."""

import time
from collections.abc import Callable, Iterable
from sys import intern

from reactor.adapters.kubernetes.cluster import Scope, Watchable
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.objects import JsonObject
from reactor.model.times import Clock
from reactor.watch.list_watch import BOOKMARK, LISTED, SILENCE, follow

# Reading rests for so long, then goes on for so long: what has arrived meanwhile costs one awakening, not one each.
_REST, _WORK = 0.25, 0.01  # seconds

Renewal = tuple[str, float]  # a node's name, and seconds since the epoch by its own clock


class Leases:
    """One thread fills it, another one reads it."""

    def __init__(self) -> None:
        self._renewals: dict[str, float] = {}
        self.read_at: float | None = None  # monotonic seconds: all that had arrived by then is in it

    def take(self, kind: str, renewals: Iterable[Renewal], now: float) -> None:
        """Take in what `follow` yields."""
        if kind == BOOKMARK:
            self.read_at = now
        elif kind == LISTED:
            self._renewals = dict(renewals)
        elif kind == "DELETED":
            for name, _ in renewals:
                self._renewals.pop(name, None)
        else:
            self._renewals.update(renewals)

    def renewed(self, name: str) -> float:
        """As of now; 0 where that is not known."""
        return self._renewals.get(name, 0.0)

    def renewals(self) -> dict[str, float]:
        """By node, as of now."""
        return self._renewals.copy()  # in one step: the other thread never sees half of it


def follow_leases(
    cluster: Watchable, leases: Leases, clock: Clock = time.monotonic, pause: Callable[[float], None] = time.sleep
) -> None:
    """Keep `leases` up to date, for ever. `clock`: one that nobody sets."""
    rests_at = 0.0
    for kind, renewals in follow(cluster, "leases", _renewal, SILENCE, pause, scope=Scope(NODE_LEASES)):
        leases.take(kind, renewals, clock())
        if kind == BOOKMARK and clock() >= rests_at:
            pause(_REST)
            rests_at = clock() + _WORK


def _renewal(lease: JsonObject) -> Renewal:
    name, renewed = renewal(lease)
    return intern(name), renewed
