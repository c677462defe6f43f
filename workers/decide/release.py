"""All checks passed: how is the VM released? At once, or after its whole node was put out of service by a taint.

The taint has Kubernetes detach the volumes at once, and lets ceph-csi fence them, if the pod goes after it was set.
Pods are deleted by us in any case: some tolerate every taint, and Kubernetes would collect the others within 20 s only.
"""

from reactor.model.drift import Record
from reactor.model.fencing import ReleaseWay
from workers.decide.case import Case
from workers.decide.decision import Judgement, Release
from workers.decide.observation import Observation, PodView

TAINT_TAKES = 30.0  # seconds for Kubernetes to do what it does on a node with the taint, before we do it ourselves
LOOK = 1.0  # seconds between two checks meanwhile
_PATIENCE = 60.0  # seconds for the fencing pass to choose the way; a VM does not stay down because of that


def one_by_one(pods: tuple[PodView, ...]) -> Judgement:
    """Force delete them, each once: a pod that a finalizer keeps would outlive another one, too."""
    deletable = tuple(pod for pod in pods if not pod.kept)
    names = ", ".join(pod.name for pod in deletable)
    return (
        Judgement("force-deleted", f"Force deleting launcher pod {names}.", action=Release(deletable))
        if deletable
        else _kept_by_finalizer(pods)
    )


def _kept_by_finalizer(pods: tuple[PodView, ...]) -> Judgement:
    names = ", ".join(dict.fromkeys(name for pod in pods for name in pod.finalizers))
    sentence = f"Launcher pod {pods[0].name} was force-deleted, but finalizer {names} keeps it"
    return Judgement("launcher-kept", f"{sentence}: KubeVirt starts no other one while it is there.")


def release(pods: tuple[PodView, ...], case: Case) -> Judgement:
    """Of a node that is proven dead. `pods`: the launchers on it, with their hotplug attachment pods."""
    observation, policy, now = case.seen, case.policy, case.now
    chosen = observation.fencing.release if observation.fencing else None
    undecided = chosen is None and policy.fenced_release == ReleaseWay.TAINT and not _waited_long(case.record, now)
    taint_missing = tainted(observation, now) and observation.node is not None and not observation.node.out_of_service
    # In observe mode a VM has no part in what is done to the whole node, and says what would be done.
    if policy.mode != "auto" or not (undecided or taint_missing):
        return one_by_one(pods)
    subject = "The other VMs of its node are looked at, before it is" if undecided else "Its node is"
    return Judgement("taint-due", f"It may be released. {subject} put out of service by a taint.", again_at=now + LOOK)


def tainted(observation: Observation, now: float) -> bool:
    """Was the taint chosen, and does Kubernetes still have time to act on it?"""
    chosen = observation.fencing.release if observation.fencing else None
    return chosen is not None and chosen.way is ReleaseWay.TAINT and now < chosen.at + TAINT_TAKES


def _waited_long(record: Record, now: float) -> bool:
    return record.reason == "taint-due" and now >= record.changed_at + _PATIENCE
