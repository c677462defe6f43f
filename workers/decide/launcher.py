"""Has Kubernetes itself given the launcher pod up?"""

from collections.abc import Sequence

from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import PodView


def terminating(pods: Sequence[PodView], node: NodeView, now: float) -> Verdict:
    """`pods` are the launcher pods on the lost node. Looks again when the taint manager should have evicted them."""
    waiting = [pod for pod in pods if not pod.terminating]
    if not waiting:
        return Held(f"Launcher pod {pods[0].name} is Terminating.")
    pod = waiting[0]
    due = _eviction(pod, node)
    if pod.tolerates is None:
        why = "it tolerates an unreachable node for ever, so Kubernetes never will"
    elif due is None:
        why = "the node has no NoExecute taint yet"
    else:
        why = f"its eviction is due at {clock_time(due)}"
    later = due if due is not None and due > now else None
    return Judgement("not-terminating", f"Launcher pod {pod.name} is not Terminating: {why}.", again_at=later)


def _eviction(pod: PodView, node: NodeView) -> float | None:
    if node.unreachable_since is None or pod.tolerates is None:
        return None
    return node.unreachable_since + pod.tolerates
