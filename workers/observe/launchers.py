"""Which VM owns a pod that has the launchers' label? What a pod says of itself is a claim that anybody can make.

A launcher is owned by a VM instance that exists, with that uid, and that names this very pod among its own. Everything
else is skipped: a pod without an owner, with an owner that is none, or of a VM that nobody would start again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import structlog

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import BadInput, ClusterError
from reactor.model.identity import INSTANCE, VmRef
from reactor.model.names import is_name
from reactor.model.objects import JsonObject, part, parts, text

log = structlog.get_logger()

LABEL = "kubevirt.io=virt-launcher"
_KUBEVIRT = "kubevirt.io/"
_REPLICA_SET = "VirtualMachineInstanceReplicaSet"
# What reading an object of an unexpected shape raises.
UNREADABLE = (ClusterError, LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, order=True)
class Launcher:
    """What a pod says of itself. `vmi`, `vmi_uid`: the instance that owns it, "" where it names none that could be."""

    namespace: str
    vmi: str
    vmi_uid: str
    pod: str
    uid: str
    node: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}"


@dataclass(frozen=True, slots=True)
class NotALauncher:
    """It is no launcher of a VM that could be moved, and why."""

    why: str


def launchers(cluster: Cluster, *, namespace: str = "", fields: str = "") -> Iterator[tuple[Launcher, JsonObject]]:
    """All pods that have the label, each with what it says of itself. Raises ClusterError."""
    for page in cluster.pages("pods", namespace=namespace, labels=LABEL, fields=fields):
        yield from ((launcher(pod), pod) for pod in page.items)


def on_node(cluster: Cluster, node: str) -> Iterator[tuple[VmRef, str]]:
    """Each VM that has a launcher pod on the node, with the uid of that instance. Raises ClusterError for the list."""
    for pod in sorted({pod for pod, _ in launchers(cluster, fields=f"spec.nodeName={node}")}):
        try:
            vm = vm_of_launcher(pod, cluster)
        except UNREADABLE as error:
            log.warning("VM of a launcher pod cannot be read", pod=str(pod), why=str(error))
            continue
        if isinstance(vm, VmRef):
            yield vm, pod.vmi_uid


def launcher(pod: JsonObject) -> Launcher:
    """What it says of itself."""
    meta = pod["metadata"]
    owner = next((ref for ref in parts(meta, "ownerReferences") if _is_kind(ref, INSTANCE)), {})
    vmi, uid = text(owner, "name"), text(owner, "uid")
    instance = (vmi, uid) if is_name(vmi) and uid else ("", "")
    return Launcher(text(meta, "namespace"), *instance, meta["name"], meta["uid"], text(pod, "spec", "nodeName"))


def vm_of_launcher(pod: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    """The VM of a launcher, or the instance itself where no VM stands behind it. Raises ClusterError."""
    if not pod.vmi:
        return NotALauncher("no VirtualMachineInstance owns it")
    vmi = cluster.find("virtualmachineinstances", pod.vmi, pod.namespace)
    if vmi is None or vmi["metadata"]["uid"] != pod.vmi_uid:
        return NotALauncher("the VirtualMachineInstance that it names as its owner does not exist")
    if not _confirms(vmi, pod, cluster):
        return NotALauncher("the VirtualMachineInstance that it names as its owner does not know it")
    return vm_of_instance(vmi, pod, cluster)


def vm_of_instance(vmi: JsonObject, pod: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    """The VM of an instance; `pod`: what is known of its launcher. Raises ClusterError."""
    try:
        return _vm(vmi, pod, cluster)
    except BadInput:
        return NotALauncher("what it names as its VirtualMachineInstance's owner cannot be one")


def _confirms(vmi: JsonObject, pod: Launcher, cluster: Cluster) -> bool:
    """By its list of pods; where that is empty, or names only pods that no longer exist, by its node."""
    pods = part(vmi, "status", "activePods")
    if pod.uid in pods:
        return True
    if pod.node != (text(vmi, "status", "nodeName") or text(vmi, "metadata", "labels", "kubevirt.io/nodeName")):
        return False
    return not pods or not _any_exists(pods, pod, cluster)


def _any_exists(pods: Collection[str], pod: Launcher, cluster: Cluster) -> bool:
    """Is any of these uids that of a launcher on this pod's node?"""
    candidates = launchers(cluster, namespace=pod.namespace, fields=f"spec.nodeName={pod.node}")
    return any(other.uid in pods for other, _ in candidates)


def _vm(vmi: JsonObject, pod: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    owners = {kind: ref for ref in parts(vmi, "metadata", "ownerReferences") for kind in _KINDS if _is_kind(ref, kind)}
    owner = text(owners.get("VirtualMachine"), "uid")
    try:
        vm = cluster.find("virtualmachines", pod.vmi, pod.namespace)
    except ClusterError:
        if not owner:
            raise
        return _ref(pod, owner)  # its drift says what cannot be read, and is that VM's alone
    if vm:
        return _ref(pod, vm["metadata"]["uid"])
    if "VirtualMachine" in owners:
        return NotALauncher("its VM is gone, so nobody would start it again")
    return _ref(pod, pod.vmi_uid, INSTANCE, text(owners.get(_REPLICA_SET), "name"))


_KINDS = ("VirtualMachine", _REPLICA_SET)


def _ref(pod: Launcher, uid: str, kind: str = "VirtualMachine", owner: str = "") -> VmRef:
    """Raises BadInput for what nothing in Kubernetes is called."""
    fields = {"namespace": pod.namespace, "name": pod.vmi, "uid": uid, "kind": kind, "owner": owner}
    return VmRef.of(fields, str(pod))


def _is_kind(owner: object, kind: str) -> bool:
    return text(owner, "kind") == kind and text(owner, "apiVersion").startswith(_KUBEVIRT)
