"""Everything holds: how is the VM released? At once, or after all of its node was put out of service by a taint.

The taint has Kubernetes detach the volumes at once, and lets ceph-csi fence them, if the pod goes after it was set.
Pods are deleted by us in any case: some tolerate every taint, and Kubernetes would collect the others within 20 s only.
"""

from reactor.model.drift import Record
from reactor.model.fencing import ReleaseWay
from workers.decide.case import Case
from workers.decide.decision import Judgement, Release
from workers.decide.observation import Observation, PodView

TAINT_TAKES = 30.0  # seconds for Kubernetes to do what it does on a node with the taint, before we do it ourselves
LOOK = 1.0  # seconds between two looks meanwhile
_PATIENCE = 60.0  # seconds for whoever chooses the way; a VM does not stay down because of that


def one_by_one(pods: tuple[PodView, ...]) -> Judgement:
    """Force delete them, each once: a finalizer outlives that, and the next one, too."""
    left = tuple(pod for pod in pods if not pod.kept)
    names = ", ".join(pod.name for pod in left)
    return (
        Judgement("force-deleted", f"Force deleting launcher pod {names}.", action=Release(left))
        if left
        else _kept(pods)
    )


def _kept(pods: tuple[PodView, ...]) -> Judgement:
    names = ", ".join(dict.fromkeys(name for pod in pods for name in pod.finalizers))
    sentence = f"Launcher pod {pods[0].name} was force-deleted, but finalizer {names} keeps it"
    return Judgement("launcher-kept", f"{sentence}: KubeVirt starts no other one while it is there.")


def release(pods: tuple[PodView, ...], case: Case) -> Judgement:
    """Of a node that is proven dead. `pods`: the launchers on it, with their hotplug attachment pods."""
    seen, policy, now = case.seen, case.policy, case.now
    chosen = seen.fencing.release if seen.fencing else None
    undecided = chosen is None and policy.fenced_release == ReleaseWay.TAINT and not _long(case.record, now)
    missing = tainted(seen, now) and seen.node is not None and not seen.node.out_of_service
    # Who only observes is no part of what is done to the whole node, and says what would be done.
    if policy.mode != "auto" or not (undecided or missing):
        return one_by_one(pods)
    what = "The other VMs of its node are looked at, before it is" if undecided else "Its node is"
    return Judgement("taint-due", f"It may be released. {what} put out of service by a taint.", again_at=now + LOOK)


def tainted(seen: Observation, now: float) -> bool:
    """Was the taint chosen, and has Kubernetes still time to do what it does then?"""
    chosen = seen.fencing.release if seen.fencing else None
    return chosen is not None and chosen.way is ReleaseWay.TAINT and now < chosen.at + TAINT_TAKES


def _long(record: Record, now: float) -> bool:
    return record.reason == "taint-due" and now >= record.changed_at + _PATIENCE
