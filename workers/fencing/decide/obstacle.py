"""Would the out-of-service taint cost a VM that may not move? Pod garbage collection takes Terminating pods. Pure."""

from reactor.model.drift import Phase, Record
from reactor.model.times import clock_time
from workers.fencing.decide.view import FenceCase, FenceView, Leftover

# A worker that dies is replaced after 8 s, a pass comes every 5 s, and a call to the API may take three tries of 3 s.
MARGIN = 30.0  # seconds before an eviction
WOULD_EVICT = "would-evict"  # the reason code
# The VM is not on the node any more, or already on its way from there.
_GONE = frozenset({"vm-deleted", "not-on-node"})
_UNDER_WAY = frozenset({Phase.RELEASED, Phase.DETACHING, Phase.STARTING, Phase.COMPLETED, Phase.FAILED})


def obstacle_to(case: FenceCase, *, proven: bool = True) -> str:
    """Why the taint would take a VM that may not move; "" where it takes none. Without proof none may that is there."""
    reasons = {str(record.drift.vm): f"{record.phase}, {record.reason}" for record in case.seen.drifts}
    for pod in _stay(case.seen, proven=proven):
        vm = f"{pod.vm} may not move ({reasons.get(pod.vm, 'it was not checked yet')})"
        if pod.terminating:
            return f"{vm}, and pod garbage collection would remove its launcher, which is Terminating"
        evicted_at = _evicted_at(pod, case)
        if evicted_at is not None and case.now >= evicted_at - MARGIN:
            return f"{vm}, and Kubernetes may evict its launcher from {clock_time(evicted_at)} on"
    return ""


def _stay(view: FenceView, *, proven: bool) -> list[Leftover]:
    """Launchers of VMs that may not move. Other pods are as dead as the node: their removal takes nothing."""
    moving = {str(record.drift.vm) for record in view.drifts if _is_moving(record, proven=proven)}
    return [pod for pod in view.pods if pod.vm and pod.vm not in moving]


def _is_moving(record: Record, *, proven: bool) -> bool:
    released = record.released_at is not None or record.phase in _UNDER_WAY
    return released or record.reason in _GONE or (proven and record.reason == "taint-due")


def _evicted_at(pod: Leftover, case: FenceCase) -> float | None:
    """When at the earliest; None: never. A node that has no such taint yet may get it any moment."""
    node, ahead = case.seen.node, case.seen.manager_ahead
    if pod.tolerates is None or node is None:
        return None
    if node.unreachable_since is None:
        return case.now + pod.tolerates
    began = case.file.at if ahead is None else min(node.unreachable_since - ahead, case.now)
    return began + pod.tolerates
