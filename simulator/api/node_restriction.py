"""KubeVirt's node restriction (on by default): a virt-handler writes to its own node and that node's instances only.

All of them have one ServiceAccount; a bound token says of which node each is, as an extra of the user. Source: KubeVirt
`vmi-update-admitter.go` and `validatingadmissionpolicy_handler.go`.
"""

from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.store import errors
from simulator.store.objects import field
from simulator.store.resources import Resource

HANDLER = "system:serviceaccount:kubevirt:kubevirt-handler"
NODE_HEADER = "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name"  # the extra, for who impersonates
_VALIDATOR = 'admission webhook "virtualmachineinstances-update-validator.kubevirt.io" denied the request: '
_POLICY = (
    "ValidatingAdmissionPolicy 'kubevirt-node-restriction-policy' with binding 'kubevirt-node-restriction-binding'"
)


def check(kind: Resource, request: Request, old: Obj) -> None:
    """May a virt-handler write this object? ApiError 403 or 422."""
    if request.user != HANDLER:
        return
    if kind.plural == "nodes" and request.node != old["metadata"]["name"]:
        raise errors.denied(kind, request.name, f"{_POLICY} denied request: this user cannot modify this node")
    if kind.plural == "virtualmachineinstances" and (why := _of_instance(request.node, old)):
        raise ApiError(422, "Invalid", f"{_VALIDATOR}{why}")


def _of_instance(node: str, instance: Obj) -> str:
    """Why the virt-handler of a node may not write it; "": it may."""
    if not node:
        return "Node restriction failed, virt-handler service account is missing node name"
    if node not in {field(instance, "status.nodeName"), field(instance, "status.migrationState.targetNode")}:
        return "Node restriction, virt-handler is only allowed to modify VMIs it owns"
    return ""
