"""VMs of which something is missing: an instance without its launcher, a launcher without its instance or its VM.

In a dump that somebody made of a part of the cluster they may well exist; a cluster can be without a launcher for a
while, too (kubevirt 6685). What is not seen is unknown, and never "no VM runs there".
"""

from collections.abc import Collection, Iterable, Iterator

from reactor.model.errors import BadInput
from reactor.model.identity import VmRef
from reactor.model.objects import JsonObject, part, text
from vmdrift.plan.prediction import Prediction, unknown
from vmdrift.snapshot import ClusterSnapshot, named_node
from workers.decide.restart import FINISHED
from workers.observe.cache import listed
from workers.observe.launchers import Launcher, launchers, vm_of_instance

_VMIS = "virtualmachineinstances"


def unseen(snapshot: ClusterSnapshot, node: str, with_launcher: Collection[VmRef]) -> Iterator[Prediction]:
    """Those of a node, or whose node is not known. `with_launcher`: the VMs that have a launcher there."""
    names = {(vm.namespace, vm.name) for vm in with_launcher}
    candidates = [*_without_launcher(snapshot, node, names)]
    candidates += [*_without_instance(snapshot, node), *_without_place(snapshot)] if snapshot.partial else []
    for prediction in candidates:
        if (name := (prediction.vm.namespace, prediction.vm.name)) not in names:
            names.add(name)
            yield prediction


def on_missing_nodes(snapshot: ClusterSnapshot) -> dict[str, list[Prediction]]:
    """By the name of a node that is missing: the VMs that run on it, as their instances say."""
    nodes, predictions = {view.name for view in snapshot.nodes}, dict[str, list[Prediction]]()
    for vmi in _instances(snapshot):
        if (node := named_node(vmi)) and node not in nodes and (vm := _vm(vmi, snapshot) or _missing_vm(vmi)):
            predictions.setdefault(node, []).append(unknown(vm, f"its node {node} is not in {snapshot.called}"))
    return predictions


def _without_launcher(snapshot: ClusterSnapshot, node: str, names: Collection[tuple[str, str]]) -> Iterator[Prediction]:
    for vmi in _not_ended(snapshot.instances_by_node.get(node, ())):
        if _name(vmi) in names:
            continue
        if vm := _vm(vmi, snapshot):
            yield unknown(
                vm, f"its instance says that it runs on {node}, but {snapshot.called} holds no launcher of it"
            )
        elif snapshot.partial and (vm := _missing_vm(vmi)):
            yield unknown(vm, f"its instance runs on {node}, but the dump does not hold the VM")


def _without_instance(snapshot: ClusterSnapshot, node: str) -> Iterator[Prediction]:
    for launcher, pod in launchers(snapshot, fields=f"spec.nodeName={node}"):
        finished = text(pod, "status", "phase") in FINISHED
        if launcher.vmi and not finished and not snapshot.find(_VMIS, launcher.vmi, launcher.namespace):
            vm = VmRef(launcher.namespace, launcher.vmi, launcher.vmi_uid)
            yield unknown(vm, f"launcher pod {launcher.pod} is on {node}, but the dump does not hold its instance")


def _without_place(snapshot: ClusterSnapshot) -> Iterator[Prediction]:
    """Of a namespace of which the dump holds no instance at all."""
    namespaces = {_name(vmi)[0] for vmi in listed(snapshot, _VMIS)}
    for vm in listed(snapshot, "virtualmachines"):
        namespace, name = _name(vm)
        if part(vm, "status").get("created") is True and namespace not in namespaces:
            ref = VmRef(namespace, name, vm["metadata"]["uid"])
            yield unknown(ref, f"the dump holds no instance of namespace {namespace}, so where it runs is not known")


def _instances(snapshot: ClusterSnapshot) -> Iterator[JsonObject]:
    return _not_ended(listed(snapshot, _VMIS))


def _not_ended(vmis: Iterable[JsonObject]) -> Iterator[JsonObject]:
    return (vmi for vmi in vmis if text(vmi, "status", "phase") not in FINISHED)


def _name(obj: JsonObject) -> tuple[str, str]:
    return text(obj, "metadata", "namespace"), obj["metadata"]["name"]


def _vm(vmi: JsonObject, snapshot: ClusterSnapshot) -> VmRef | None:
    """The VM of an instance, if the snapshot holds it."""
    vm = vm_of_instance(vmi, Launcher(*_name(vmi), vmi["metadata"]["uid"], "", "", named_node(vmi)), snapshot)
    return vm if isinstance(vm, VmRef) else None


def _missing_vm(vmi: JsonObject) -> VmRef | None:
    """A VM that the snapshot does not hold, by its instance."""
    namespace, name = _name(vmi)
    try:
        return VmRef.of({"namespace": namespace, "name": name, "uid": vmi["metadata"]["uid"]}, name)
    except BadInput:
        return None
