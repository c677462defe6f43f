"""Everything holds: how is the VM released? One by one, or by Kubernetes' taint for all of its node."""

from reactor.model.drift import Policy, Record
from reactor.model.fencing import Way
from workers.decide.decision import Judgement, Release
from workers.decide.observation import Observation, PodView

# Measured on a real control plane: pods are evicted at once, and collected within 20 s.
TAINT_TAKES = 60.0  # seconds, after which we do it ourselves
LOOK = 1.0  # seconds between two looks meanwhile
_PATIENCE = 60.0  # seconds for whoever chooses the way; a VM does not stay down because of that


def one_by_one(pods: tuple[PodView, ...]) -> Judgement:
    """Force delete them."""
    return Judgement("force-deleted", f"Force deleting launcher pod {_names(pods)}.", action=Release(pods))


def release(pods: tuple[PodView, ...], seen: Observation, record: Record, policy: Policy, now: float) -> Judgement:
    """Of a node that is proven dead. `pods`: the launchers on it, with their hotplug attachment pods."""
    chosen = seen.fencing.release if seen.fencing else None
    # Who only observes is no part of what is done to the whole node, and tells what he would do.
    if policy.mode != "auto" or (chosen is None and (policy.fenced_release != Way.TAINT or _long(record, now))):
        return one_by_one(pods)
    if chosen is None:
        sentence = "It may be released; the other VMs of its node are looked at."
        return Judgement("taint-due", sentence, again_at=now + LOOK)
    # A pod that tolerates everything is not evicted by any taint.
    left = tuple(pod for pod in pods if pod.stays or not tainted(seen, now))
    if left:
        return one_by_one(left)
    return Judgement("tainted", f"Kubernetes removes {_names(pods)}: the node is out of service.", again_at=now + LOOK)


def tainted(seen: Observation, now: float) -> bool:
    """Does Kubernetes itself remove and detach what is on the lost node, and still have time for it?"""
    chosen = seen.fencing.release if seen.fencing else None
    return chosen is not None and chosen.way is Way.TAINT and now < chosen.at + TAINT_TAKES


def _long(record: Record, now: float) -> bool:
    return record.reason == "taint-due" and now >= record.changed_at + _PATIENCE


def _names(pods: tuple[PodView, ...]) -> str:
    return ", ".join(pod.name for pod in pods)
