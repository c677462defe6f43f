"""VMs of which not all is there: an instance without its launcher, a launcher without its instance or its VM.

In a dump that somebody made of a part of the cluster they may well be there; a cluster can be without a launcher for a
while, too (kubevirt 6685). What is not seen is unknown, and never "no VM runs there".
"""

from collections.abc import Collection, Iterator

from reactor.model.errors import BadInput
from reactor.model.identity import VmRef
from reactor.model.objects import JsonObject, part, text
from vmdrift.plan.prediction import Prediction, unknown
from vmdrift.snapshot import ClusterSnapshot
from workers.decide.restart import FINISHED
from workers.observe.cache import listed
from workers.observe.launchers import Launcher, behind, launchers

_VMIS = "virtualmachineinstances"


def unseen(there: ClusterSnapshot, node: str, known: Collection[VmRef]) -> Iterator[Prediction]:
    """Those of a node, or whose node is not known. `known`: the VMs that have a launcher there."""
    named = {(vm.namespace, vm.name) for vm in known}
    found = [*_without_launcher(there, node, named)]
    found += [*_without_instance(there, node), *_without_place(there)] if there.partial else []
    for fate in found:
        if (name := (fate.vm.namespace, fate.vm.name)) not in named:
            named.add(name)
            yield fate


def nowhere(there: ClusterSnapshot) -> dict[str, list[Prediction]]:
    """By the name of a node that is not there: the VMs that run on it, as their instances say."""
    nodes, found = {view.name for view in there.nodes}, dict[str, list[Prediction]]()
    for vmi in _instances(there):
        if (node := _node(vmi)) and node not in nodes and (vm := _vm(vmi, there) or _named(vmi)):
            found.setdefault(node, []).append(unknown(vm, f"its node {node} is not in {there.called}"))
    return found


def _without_launcher(there: ClusterSnapshot, node: str, named: Collection[tuple[str, str]]) -> Iterator[Prediction]:
    for vmi in _instances(there):
        if _node(vmi) != node or _name(vmi) in named:
            continue
        if vm := _vm(vmi, there):
            yield unknown(vm, f"its instance says that it runs on {node}, but {there.called} holds no launcher of it")
        elif there.partial and (vm := _named(vmi)):
            yield unknown(vm, f"its instance runs on {node}, but the dump does not hold the VM")


def _without_instance(there: ClusterSnapshot, node: str) -> Iterator[Prediction]:
    for one, pod in launchers(there, fields=f"spec.nodeName={node}"):
        over = text(pod, "status", "phase") in FINISHED
        if one.vmi and not over and not there.find(_VMIS, one.vmi, one.namespace):
            vm = VmRef(one.namespace, one.vmi, one.vmi_uid)
            yield unknown(vm, f"launcher pod {one.pod} is on {node}, but the dump does not hold its instance")


def _without_place(there: ClusterSnapshot) -> Iterator[Prediction]:
    """Of a namespace of which the dump holds no instance at all."""
    held = {_name(vmi)[0] for vmi in listed(there, _VMIS)}
    for vm in listed(there, "virtualmachines"):
        namespace, name = _name(vm)
        if part(vm, "status").get("created") is True and namespace not in held:
            ref = VmRef(namespace, name, vm["metadata"]["uid"])
            yield unknown(ref, f"the dump holds no instance of namespace {namespace}, so where it runs is not known")


def _instances(there: ClusterSnapshot) -> Iterator[JsonObject]:
    """Those that have not ended."""
    return (vmi for vmi in listed(there, _VMIS) if text(vmi, "status", "phase") not in FINISHED)


def _node(vmi: JsonObject) -> str:
    """Where it says that it runs, "" where it has no node yet."""
    return text(vmi, "status", "nodeName") or text(vmi, "metadata", "labels", "kubevirt.io/nodeName")


def _name(obj: JsonObject) -> tuple[str, str]:
    return text(obj, "metadata", "namespace"), obj["metadata"]["name"]


def _vm(vmi: JsonObject, there: ClusterSnapshot) -> VmRef | None:
    """The VM of an instance, if it is there."""
    found = behind(vmi, Launcher(*_name(vmi), vmi["metadata"]["uid"], "", "", _node(vmi)), there)
    return found if isinstance(found, VmRef) else None


def _named(vmi: JsonObject) -> VmRef | None:
    """A VM that is not there, by its instance."""
    namespace, name = _name(vmi)
    try:
        return VmRef.of({"namespace": namespace, "name": name, "uid": vmi["metadata"]["uid"]}, name)
    except BadInput:
        return None
