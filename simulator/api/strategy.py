"""What a request may change of an object: the parts that a real API server resets, keeps or ignores. Pure rules.

Source: the kinds' `strategy.go` in kubernetes `pkg/registry`, the custom resources' in `apiextensions-apiserver`, and
KubeVirt's admission (`pkg/virt-api/webhooks/mutating-webhook/mutators/vmi-mutator.go`).
"""

from collections.abc import Mapping

from simulator.api.instance_types import with_defaults
from simulator.client import Obj
from simulator.store import errors
from simulator.store.objects import field, rfc3339
from simulator.store.resources import Resource

_SERVER_OWNED = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_KUBEVIRT = ("system:kubevirt", "system:serviceaccount:kubevirt:")
_FIRST_STATUS: Mapping[str, Obj] = {
    "pods": {"phase": "Pending"},
    "persistentvolumes": {"phase": "Pending"},
    "persistentvolumeclaims": {"phase": "Pending"},
    "namespaces": {"phase": "Active"},
}


def for_create(kind: Resource, user: str, obj: Obj) -> Obj:
    """The object as it is stored first: without what only the server writes, with the kind's first status."""
    meta = {name: value for name, value in (obj.get("metadata") or {}).items() if name not in _SERVER_OWNED}
    new = {**obj, "metadata": meta}
    # A kubelet registers its node with status and all.
    if (kind.has_status and kind.plural != "nodes") or not _may_write_status(kind, user):
        new.pop("status", None)
    if kind.plural in _FIRST_STATUS:
        new["status"] = dict(_FIRST_STATUS[kind.plural])
    if kind.plural == "virtualmachineinstances":
        new["spec"] = with_defaults(new.get("spec") or {})
    return new


def for_update(kind: Resource, user: str, old: Obj, new: Obj) -> Obj:
    """The new object with the old one's status, where status is not this request's to change."""
    if not kind.has_status and _may_write_status(kind, user):
        return new
    return _with_status(new, old)


def for_status(old: Obj, new: Obj) -> Obj:
    """The old object with the new one's status; resourceVersion and uid stay the writer's, to be checked."""
    meta = dict(old["metadata"])
    meta |= {name: new["metadata"][name] for name in ("resourceVersion", "uid") if new["metadata"].get(name)}
    return _with_status({**old, "metadata": meta}, new)


def bound(kind: Resource, pod: Obj, binding: Obj, now: float) -> Obj:
    """The pod assigned to the node that a Binding names (kubernetes `pkg/registry/core/pod/storage`, assignPod).

    Raises:
        ApiError: 409 when the pod is being deleted or has a node, 422 without a node.
    """
    name, node = pod["metadata"]["name"], field(binding, "target.name")
    if not node:
        raise errors.invalid(kind, name, "target.name: Required value")
    if "deletionTimestamp" in pod["metadata"]:
        raise errors.conflict(kind, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if present := field(pod, "spec.nodeName"):
        raise errors.conflict(kind, name, f'pod {name} is already assigned to node "{present}"')
    status = dict(pod.get("status") or {})
    others = [condition for condition in status.get("conditions") or [] if condition["type"] != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": rfc3339(now)}
    status["conditions"] = [*others, scheduled]
    return {**pod, "spec": {**pod.get("spec", {}), "nodeName": node}, "status": status}


def _may_write_status(kind: Resource, user: str) -> bool:
    # KubeVirt drops what anybody else writes to a VMI's status, silently: the request succeeds.
    return kind.plural != "virtualmachineinstances" or user.startswith(_KUBEVIRT)


def _with_status(obj: Obj, source: Obj) -> Obj:
    result = {name: value for name, value in obj.items() if name != "status"}
    if (status := source.get("status")) is not None:
        result["status"] = status
    return result
