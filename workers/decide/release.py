"""All checks passed: how is the VM released? At once, or after its whole node was put out of service by a taint.

The taint keeps the scheduler away from a node that still looks Ready, and has Kubernetes detach the volumes of deleted
pods at once, if a pod goes after it was set. Pods are deleted by us, one by one: it removes none (effect NoSchedule).
"""

from reactor.model.fencing import ReleaseWay
from workers.decide.case import Case
from workers.decide.decision import Judgement, Release
from workers.decide.observation import Observation, PodView
from workers.decide.proof import confirmed

TAINT_TAKES = 30.0  # seconds for Kubernetes to do what it does on a node with the taint, before we do it ourselves
LOOK = 1.0  # seconds between two checks meanwhile
_PATIENCE = 30.0  # seconds for the fencing role to set it: one that has died is replaced sooner


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
    # In observe mode a VM has no part in what is done to the whole node, and says what would be done.
    if case.policy.mode != "auto" or not _taint_due(case):
        return one_by_one(pods)
    sentence = "It may be released. Its node is put out of service by a taint first."
    return Judgement("taint-due", sentence, again_at=case.now + LOOK)


def _taint_due(case: Case) -> bool:
    """Is the taint missing, and will it come? Not for proof of some storage only, nor where it was given up."""
    fencing, node, record = case.seen.fencing, case.seen.node, case.record
    confirmation = confirmed(fencing, node)
    waited_long = record.reason == "taint-due" and case.now >= record.changed_at + _PATIENCE
    if confirmation is None or confirmation.storage or waited_long:
        return False
    chosen = fencing.release if fencing else None
    given_up = chosen is not None and chosen.way is ReleaseWay.FORCE_DELETE
    return chosen is None or not (given_up or (node is not None and node.out_of_service))


def tainted(observation: Observation, free_at: float, now: float) -> bool:
    """Does Kubernetes detach because of the taint? It has some seconds for that since the pod was gone."""
    chosen = observation.fencing.release if observation.fencing else None
    by_taint = chosen is not None and chosen.way is not ReleaseWay.FORCE_DELETE
    return chosen is not None and by_taint and now < max(chosen.at, free_at) + TAINT_TAKES
