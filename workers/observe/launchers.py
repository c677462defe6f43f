"""Whose is a pod that bears the launchers' label? What a pod says of itself is a claim that anybody can make.

A launcher is owned by a VM instance that exists, with that uid, and that names this very pod among its own. Everything
else is passed over alone: a pod without an owner, with an owner that is none, or of a VM that nobody would start again.
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
# What an object raises at which no reader was aimed.
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
    """All pods that bear the label, each with what it says. Raises ClusterError."""
    for page in cluster.pages("pods", namespace=namespace, labels=LABEL, fields=fields):
        yield from ((launcher(pod), pod) for pod in page.items)


def on_node(cluster: Cluster, node: str) -> Iterator[tuple[VmRef, str]]:
    """Each VM that has a launcher pod on the node, with the uid of that instance. Raises ClusterError for the list."""
    for one in sorted({one for one, _ in launchers(cluster, fields=f"spec.nodeName={node}")}):
        try:
            vm = whose(one, cluster)
        except UNREADABLE as error:
            log.warning("VM of a launcher pod cannot be read", pod=str(one), why=str(error))
            continue
        if isinstance(vm, VmRef):
            yield vm, one.vmi_uid


def launcher(pod: JsonObject) -> Launcher:
    """What it says of itself."""
    meta = pod["metadata"]
    owner = next((one for one in parts(meta, "ownerReferences") if _is(one, INSTANCE)), {})
    vmi, uid = text(owner, "name"), text(owner, "uid")
    by = (vmi, uid) if is_name(vmi) and uid else ("", "")
    return Launcher(text(meta, "namespace"), *by, meta["name"], meta["uid"], text(pod, "spec", "nodeName"))


def whose(one: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    """The VM of a launcher, or the instance itself where no VM stands behind it. Raises ClusterError."""
    if not one.vmi:
        return NotALauncher("no VirtualMachineInstance owns it")
    vmi = cluster.find("virtualmachineinstances", one.vmi, one.namespace)
    if vmi is None or vmi["metadata"]["uid"] != one.vmi_uid:
        return NotALauncher("the VirtualMachineInstance that it names as its owner does not exist")
    if not _says_so(vmi, one, cluster):
        return NotALauncher("the VirtualMachineInstance that it names as its owner does not know it")
    return behind(vmi, one, cluster)


def behind(vmi: JsonObject, one: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    """The VM of an instance; `one`: what is known of its launcher. Raises ClusterError."""
    try:
        return _vm(vmi, one, cluster)
    except BadInput:
        return NotALauncher("what it names as its VirtualMachineInstance's owner cannot be one")


def _says_so(vmi: JsonObject, one: Launcher, cluster: Cluster) -> bool:
    """By its list of pods. One that has none, or one of pods that are gone by now, says on which node it is."""
    pods = part(vmi, "status", "activePods")
    if one.uid in pods:
        return True
    if one.node != (text(vmi, "status", "nodeName") or text(vmi, "metadata", "labels", "kubevirt.io/nodeName")):
        return False
    return not pods or not _are_there(pods, one, cluster)


def _are_there(pods: Collection[str], one: Launcher, cluster: Cluster) -> bool:
    """Is any of these uids that of a launcher on this one's node?"""
    found = launchers(cluster, namespace=one.namespace, fields=f"spec.nodeName={one.node}")
    return any(other.uid in pods for other, _ in found)


def _vm(vmi: JsonObject, one: Launcher, cluster: Cluster) -> VmRef | NotALauncher:
    owners = {kind: ref for ref in parts(vmi, "metadata", "ownerReferences") for kind in _KINDS if _is(ref, kind)}
    owner = text(owners.get("VirtualMachine"), "uid")
    try:
        vm = cluster.find("virtualmachines", one.vmi, one.namespace)
    except ClusterError:
        if not owner:
            raise
        return _ref(one, owner)  # its drift says what cannot be read, and is that VM's alone
    if vm:
        return _ref(one, vm["metadata"]["uid"])
    if "VirtualMachine" in owners:
        return NotALauncher("its VM is gone, so nobody would start it again")
    return _ref(one, one.vmi_uid, INSTANCE, text(owners.get(_REPLICA_SET), "name"))


_KINDS = ("VirtualMachine", _REPLICA_SET)


def _ref(one: Launcher, uid: str, kind: str = "VirtualMachine", owner: str = "") -> VmRef:
    """Raises BadInput for what nothing in Kubernetes is called."""
    found = {"namespace": one.namespace, "name": one.vmi, "uid": uid, "kind": kind, "owner": owner}
    return VmRef.of(found, str(one))


def _is(owner: object, kind: str) -> bool:
    return text(owner, "kind") == kind and text(owner, "apiVersion").startswith(_KUBEVIRT)
