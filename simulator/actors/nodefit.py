"""What the scheduler looks at on each node alone: cordon, taints, labels, and where volumes can be used. Pure.

Source: kubernetes `pkg/scheduler/framework/plugins` (nodeunschedulable, tainttoleration, nodeaffinity, volumebinding)
and `component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`.
"""

from collections.abc import Iterable

from simulator.actors import objects
from simulator.client import Obj
from simulator.store import labels

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_CORDONED = "node(s) were unschedulable"
_TAINTED = "node(s) had untolerated taint(s)"
_UNMATCHED = "node(s) didn't match Pod's node affinity/selector"
_VOLUME = "node(s) didn't match PersistentVolume's node affinity"
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def refusal(pod: Obj, node: Obj, volumes: Iterable[Obj]) -> str | None:
    """Why a node does not take a pod that uses these volumes, None if it does."""
    if node["spec"].get("unschedulable") and not objects.tolerations(pod, _CORDON):
        return _CORDONED
    if repelled(pod, node):
        return _TAINTED
    if not selected(pod["spec"], node):
        return _UNMATCHED
    return None if all(_admits(volume, node) for volume in volumes) else _VOLUME


def repelled(pod: Obj, node: Obj) -> bool:
    """Whether the node bears a taint that keeps the pod away."""
    return any(t["effect"] != "PreferNoSchedule" and not objects.tolerations(pod, t) for t in objects.taints(node))


def selected(spec: Obj, node: Obj) -> bool:
    """Whether the pod's nodeSelector and required node affinity admit the node."""
    present = node["metadata"].get("labels", {})
    if any(present.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return _required(affinity.get(REQUIRED), node)


def matches_term(term: Obj, node: Obj) -> bool:
    """Whether a node satisfies one NodeSelectorTerm; an empty one admits no node."""
    present, names = node["metadata"].get("labels", {}), {"metadata.name": node["metadata"]["name"]}
    requirements = [(entry, present) for entry in term.get("matchExpressions") or ()]
    requirements += [(entry, names) for entry in term.get("matchFields") or ()]
    return bool(requirements) and all(labels.met(entry, values) for entry, values in requirements)


def _admits(volume: Obj, node: Obj) -> bool:
    return _required((volume["spec"].get("nodeAffinity") or {}).get("required"), node)


def _required(selector: Obj | None, node: Obj) -> bool:
    return selector is None or any(matches_term(term, node) for term in selector["nodeSelectorTerms"])
