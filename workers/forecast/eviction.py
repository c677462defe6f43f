"""What Kubernetes will do to the pods of a lost node, supposed before it has done it. Pure.

Also for `vmdrift plan`, which supposes the loss itself.
"""

from collections.abc import Sequence
from typing import Any

from reactor.model.node import UNREACHABLE_TAINT, NodeView, node_view
from reactor.model.objects import JsonObject
from reactor.model.times import format_time
from workers.observe.parse import pod_view

_ZONE = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
_LARGE = 50  # nodes of a zone, above which Kubernetes evicts slowly instead of not at all
_MANY, _SHARE = 2, 0.55
_TAINTED_WITHIN = 60.0  # seconds from Unknown, within which a taint may yet come: six nodes a minute are tainted


def evicts(nodes: Sequence[NodeView], lost: NodeView) -> bool:
    """Would Kubernetes evict the pods of this node, or are too many of its zone not Ready with it?

    Source: kubernetes `pkg/controller/nodelifecycle/node_lifecycle_controller.go`, ComputeZoneState.
    """
    own = _zone(lost)
    zone = [view for view in nodes if _zone(view) == own]
    not_ready = [view for view in zone if view.ready != "True" or view.name == lost.name]
    some_live = len(not_ready) < len(zone)
    too_many = len(not_ready) > _MANY and len(not_ready) >= _SHARE * len(zone)
    return not (some_live and len(zone) <= _LARGE and too_many)


def _zone(node: NodeView) -> tuple[str, ...]:
    return tuple(node.labels.get(label, "") for label in _ZONE)


def unreachable(effect: str, at: float) -> JsonObject:
    """The taint of a node that is lost since then."""
    return {"key": UNREACHABLE_TAINT, "effect": effect, "timeAdded": format_time(at)}


def soon_tainted(node: JsonObject, nodes: Sequence[NodeView], now: float) -> JsonObject:
    """A Node that has just been lost, with the taint that will begin its pods' eviction, if one will."""
    view = node_view(node)
    young = view.lost and now - view.ready_since < _TAINTED_WITHIN
    if view.unreachable_since is not None or not young or not evicts(nodes, view):
        return node
    spec = node.get("spec") or {}
    taints: list[Any] = [*(spec.get("taints") or ()), unreachable("NoExecute", now)]
    return {**node, "spec": {**spec, "taints": taints}}


def evicted(pod: JsonObject, node: NodeView, at: float) -> JsonObject:
    """A pod of the lost node as it will be once it is evicted; itself where it never will."""
    if node.unreachable_since is None or pod_view(pod).tolerates is None:
        return pod
    deleted = pod["metadata"].get("deletionTimestamp") or format_time(at)
    return {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": deleted}}
