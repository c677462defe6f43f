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


def is_soon_tainted(node: NodeView, nodes: Sequence[NodeView], now: float) -> bool:
    """Was it lost a moment ago, and is the taint still to come that begins its pods' eviction?"""
    young = node.lost and now - node.ready_since < _TAINTED_WITHIN
    return young and node.unreachable_since is None and evicts(nodes, node)


def soon_tainted(node: JsonObject, nodes: Sequence[NodeView], now: float) -> JsonObject:
    """The Node with that taint, if it is to come."""
    if not is_soon_tainted(node_view(node), nodes, now):
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
