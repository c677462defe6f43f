"""Has Kubernetes itself given the launcher pod up?"""

from collections.abc import Sequence

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Manager, PodView

# Where Kubernetes is about to evict it goes first, also with VMDRIFT_DELETE_UNEVICTED.
_SOON, _TAKES = 60.0, 10.0  # seconds


def ahead(manager: Manager | None) -> float:
    """Of the controller manager's clock, by which taints bear when they were added; one that is not known is right."""
    return manager.ahead or 0.0 if manager else 0.0


def evicted_at(pods: Sequence[PodView], node: NodeView, now: float, ahead: float = 0.0) -> float | None:
    """When Kubernetes evicts a launcher pod, if that is within seconds: until then nothing else need be looked at."""
    dues = [due for pod in pods if not pod.terminating and (due := _eviction(pod, node, now, ahead)) is not None]
    return next((due for due in dues if now - _TAKES < due <= now + _TAKES), None)


def evicting(pods: Sequence[PodView], due: float, now: float) -> Judgement:
    """Wait for it."""
    names = ", ".join(pod.name for pod in pods if not pod.terminating)
    sentence = f"Kubernetes evicts launcher pod {names} at {clock_time(due)}."
    return Judgement("eviction-due", sentence, again_at=due if due > now else None)


def terminating(pods: Sequence[PodView], node: NodeView, policy: Policy, now: float, ahead: float = 0.0) -> Verdict:
    """`pods` are the launcher pods on the lost node. Looks again when the taint manager should have evicted them."""
    waiting = [pod for pod in pods if not pod.terminating]
    if not waiting:
        return _goes(f"Launcher pod {pods[0].name} is Terminating", pods)
    pod = waiting[0]
    due = _eviction(pod, node, now, ahead)
    soon = due is not None and due <= now + _SOON and now < due + _TAKES
    if policy.delete_unevicted and not soon:
        sentence = f"Launcher pod {pod.name} is not Terminating; VMDRIFT_DELETE_UNEVICTED=true lets it be deleted"
        return _goes(sentence, pods)
    if soon and due is not None:
        return evicting([pod], due, now)
    later = due if due is not None and due > now else None
    return Judgement("not-terminating", f"Launcher pod {pod.name} is not Terminating: {_why(pod, due)}.", later)


def _goes(sentence: str, pods: Sequence[PodView]) -> Passed:
    """A force delete passes no finalizer."""
    kept = {pod.name: ", ".join(pod.finalizers) for pod in pods if pod.finalizers}
    ifs = tuple(f"finalizer {finalizers} of pod {name} is removed" for name, finalizers in kept.items())
    return Passed(f"{sentence}{''.join(f', if {one}' for one in ifs)}.", ifs)


def _why(pod: PodView, due: float | None) -> str:
    if pod.tolerates is None:
        return "it tolerates an unreachable node for ever, so Kubernetes never will"
    if due is None:
        return "the node has no NoExecute taint (Kubernetes sets none while 55 % of a zone, more than two, are lost)"
    return f"its eviction is due at {clock_time(due)}"


def _eviction(pod: PodView, node: NodeView, now: float, ahead: float) -> float | None:
    """When it is due. A taint that is there was not added later than now, whatever its writer's clock says."""
    if node.unreachable_since is None or pod.tolerates is None:
        return None
    return min(node.unreachable_since - ahead, now) + pod.tolerates
