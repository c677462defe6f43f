"""Has Kubernetes itself begun to remove the launcher pod?"""

from collections.abc import Sequence

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Manager, PodView

# Where Kubernetes is about to evict, it goes first, also with VMDRIFT_DELETE_UNEVICTED.
_DUE_SOON, _EVICTION_TAKES = 60.0, 10.0  # seconds


def ahead(manager: Manager | None) -> float:
    """Seconds by which the controller manager's clock, which stamps taints, is ahead; 0 where that is not known."""
    return manager.ahead or 0.0 if manager else 0.0


def evicted_at(pods: Sequence[PodView], node: NodeView, now: float, clock_ahead: float = 0.0) -> float | None:
    """When Kubernetes evicts a launcher pod, if that is within seconds: until then nothing else need be read."""
    dues = [due for pod in pods if not pod.terminating and (due := _eviction(pod, node, now, clock_ahead)) is not None]
    return next((due for due in dues if now - _EVICTION_TAKES < due <= now + _EVICTION_TAKES), None)


def evicting(pods: Sequence[PodView], due: float, now: float) -> Judgement:
    """Wait for the eviction."""
    names = ", ".join(pod.name for pod in pods if not pod.terminating)
    sentence = f"Kubernetes evicts launcher pod {names} at {clock_time(due)}."
    return Judgement("eviction-due", sentence, again_at=due if due > now else None)


def terminating(
    pods: Sequence[PodView], node: NodeView, policy: Policy, now: float, clock_ahead: float = 0.0
) -> Verdict:
    """`pods` are the launcher pods on the lost node. Checked again when the taint manager should have evicted them."""
    waiting = [pod for pod in pods if not pod.terminating]
    if not waiting:
        return _deletable(f"Launcher pod {pods[0].name} is Terminating", pods)
    pod = waiting[0]
    due = _eviction(pod, node, now, clock_ahead)
    due_soon = due is not None and due <= now + _DUE_SOON and now < due + _EVICTION_TAKES
    if policy.delete_unevicted and not due_soon:
        sentence = f"Launcher pod {pod.name} is not Terminating; VMDRIFT_DELETE_UNEVICTED=true lets it be deleted"
        return _deletable(sentence, pods)
    if due_soon and due is not None:
        return evicting([pod], due, now)
    again_at = due if due is not None and due > now else None
    return Judgement(
        "not-terminating", f"Launcher pod {pod.name} is not Terminating: {_why_not_evicted(pod, due)}.", again_at
    )


def _deletable(sentence: str, pods: Sequence[PodView]) -> Passed:
    """Passed, if finalizers go: a force delete does not remove them."""
    finalizers_of = {pod.name: ", ".join(pod.finalizers) for pod in pods if pod.finalizers}
    conditions = tuple(f"finalizer {finalizers} of pod {name} is removed" for name, finalizers in finalizers_of.items())
    return Passed(f"{sentence}{''.join(f', if {condition}' for condition in conditions)}.", conditions)


def _why_not_evicted(pod: PodView, due: float | None) -> str:
    if pod.tolerates is None:
        return "it tolerates an unreachable node for ever, so Kubernetes never will"
    if due is None:
        return "the node has no NoExecute taint (Kubernetes sets none while 55 % of a zone, more than two, are lost)"
    return f"its eviction is due at {clock_time(due)}"


def _eviction(pod: PodView, node: NodeView, now: float, clock_ahead: float) -> float | None:
    """When it is due. A taint that is there was not added later than now, whatever its writer's clock says."""
    if node.unreachable_since is None or pod.tolerates is None:
        return None
    return min(node.unreachable_since - clock_ahead, now) + pod.tolerates
