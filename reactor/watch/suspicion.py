"""Which nodes are suspected: those whose Leases were not renewed in time, while most others were. Pure.

A kubelet renews its Lease every quarter of leaseDurationSeconds and up to 4 % later. Time is measured between our own
reads, by a clock that nobody sets: what a node or another process takes the time to be does not matter.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.watch.leases import Seen

MOST_LATE, TOO_MANY = "most-leases-late", "too-many-suspects"
_INTERVAL = 1 / 4  # of leaseDurationSeconds: from one renewal to the next
_JITTER, _ON_THE_WAY = 0.04, 1.0  # of an interval, and seconds: what a renewal may be late
_PATIENCE = 3 / 8  # of leaseDurationSeconds: 15 s of the usual 40
_NEARLY = 0.9  # of an interval: a Lease renewed that long after the suspect may have had the same turn


@dataclass(frozen=True, slots=True)
class Verdict:
    """The `suspects` by name, of which none is confirmed yet; or the `reason` why there are none, with its sentence."""

    suspects: tuple[str, ...] = ()
    reason: str = ""
    sentence: str = ""


def judge(seen: Mapping[str, Seen], nodes: Mapping[str, NodeView], policy: Policy, since: float, now: float) -> Verdict:
    """`since`: silence counts from then on, as before that nobody could have been heard. Both in monotonic seconds."""
    known = {name: lease for name, lease in seen.items() if lease.renewed and _counts(nodes.get(name))}
    late = [name for name, lease in known.items() if now - lease.changed > _due(lease)]
    if 2 * len(late) > len(known):
        return Verdict((), MOST_LATE, _most_late(len(late), len(known)))
    silent = [name for name in late if now - max(known[name].changed, since) >= patience(known[name], policy)]
    changes = sorted(lease.changed for lease in known.values()) if silent else []
    suspects = sorted(name for name in silent if _renewed(changes, known[name], now) >= len(late))
    lost = sum(node.lost and not node.out_of_service for node in nodes.values()) if suspects else 0
    if suspects and len(suspects) + lost > policy.allowed(len(nodes)):
        return Verdict((), TOO_MANY, _too_many(suspects, lost, len(nodes), policy))
    return Verdict(tuple(name for name in suspects if _few(late, changes, known[name], policy, now)))


def _counts(node: NodeView | None) -> bool:
    """Neither a Lease that is nobody's nor one of a node that is known to be lost says anything."""
    return node is not None and not node.lost


def _few(late: Collection[str], changes: Sequence[float], lease: Seen, policy: Policy, now: float) -> bool:
    """Of those that were due just as long ago as this one: the first of a larger loss are late before the last."""
    heard = _renewed(changes, lease, now - _late_by(lease))
    return len(late) <= policy.allowed(heard + len(late))


def patience(lease: Seen, policy: Policy) -> float:
    """How long it may be silent, in seconds."""
    return max(policy.suspect_after, lease.duration * _PATIENCE)


def _due(lease: Seen) -> float:
    """Seconds after its last renewal by which the next one should have been read."""
    return lease.duration * _INTERVAL + _late_by(lease)


def _late_by(lease: Seen) -> float:
    """How late a renewal may be, in seconds."""
    return lease.duration * _INTERVAL * _JITTER + _ON_THE_WAY


def _renewed(changes: Sequence[float], lease: Seen, until: float) -> int:
    """How many were renewed when this one should have been, or later: so the API server took renewals then.

    That they were renewed a moment before says nothing. `changes` in order.
    """
    begin = bisect_right(changes, lease.changed + _NEARLY * lease.duration * _INTERVAL)
    return max(0, bisect_right(changes, until) - begin)


def _most_late(late: int, known: int) -> str:
    return (
        f"{late} of {known} Leases were not renewed in time: that looks like the API server or our own network, not "
        "like dead nodes, so nobody is suspected."
    )


def _too_many(suspects: Sequence[str], lost: int, nodes: int, policy: Policy) -> str:
    named = ", ".join(suspects[:5]) + (", ..." if len(suspects) > 5 else "")  # noqa: PLR2004 - names in a sentence
    unknown = f" and {lost} are Unknown" if lost else ""
    return (
        f"{len(suspects)} of {nodes} nodes did not renew their Leases in time ({named}){unknown}: more than "
        f"{policy.max_unreachable}, so nobody is asked."
    )
