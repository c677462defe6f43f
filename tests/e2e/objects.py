"""The nodes, disks and VMs of one run: all bear its name, are wanted by nobody else, and want nobody else's. Pure."""

from typing import Any

from simulator import shapes
from simulator.client import Obj
from simulator.scene import Storage, Vm

MARK = "vmdrift.io/e2e"  # a label, which our VMs select, and a taint, which only they tolerate; its value is the run
_HOSTNAME = "kubernetes.io/hostname"
# What launchers ask for besides cpu and memory (recorded).
_DEVICES = {f"devices.kubevirt.io/{name}": "1k" for name in ("kvm", "tun", "vhost-net", "vhost-vsock")}
_CAPACITY = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi", **_DEVICES}
# As kubelets write it: without, the attach-detach controller leaves a node to its kubelet.
_ATTACHES = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}


def node(run: str, name: str, index: int) -> Obj:
    """A node on which nothing but our VMs is placed, DaemonSets that tolerate everything excepted."""
    made = shapes.node(name, index)
    made["metadata"]["labels"][MARK] = run
    made["metadata"]["annotations"] |= _ATTACHES
    made["spec"] = {"taints": [{"key": MARK, "value": run, "effect": "NoSchedule"}]}
    made["status"] |= {"capacity": _CAPACITY, "allocatable": _CAPACITY}
    return made


def driver(run: str) -> str:
    """A CSI driver that is Ceph's by its name, and nobody's in truth: no real attacher takes it for its own."""
    return f"{run}.rbd.csi.ceph.com"


def csi_node(run: str, name: str) -> Obj:
    """Says that the node has our driver."""
    entry = {"name": driver(run), "nodeID": name, "topologyKeys": None}
    return {"metadata": {"name": name}, "spec": {"drivers": [entry]}}


def storage_class(run: str) -> Obj:
    """Never provisions: its volumes are made by hand."""
    return shapes.storage_class(run, "kubernetes.io/no-provisioner")


def claim(run: str, vm: Vm) -> Obj:
    """The VM's claim, on the volume that `volume` makes."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": run,
        "volumeMode": "Filesystem" if vm.storage is Storage.LOCAL else "Block",
    }
    made = shapes.claim(vm.namespace, f"{vm.name}-disk", spec)
    # A claim that says it is bound before its volume is there is Lost to the real controller.
    return {**made, "metadata": {"name": made["metadata"]["name"], "namespace": vm.namespace}}


def volume(run: str, vm: Vm, claimed: Obj) -> Obj:
    """The PersistentVolume of a stored claim."""
    if vm.storage is Storage.LOCAL:
        return shapes.volume(claimed, shapes.local_source(vm.node))
    source = shapes.rbd_source(claimed["spec"]["volumeName"])["csi"]
    return shapes.volume(claimed, {"csi": source | {"driver": driver(run)}})


def machine(run: str, vm: Vm) -> Obj:
    """The VirtualMachine."""
    if vm.storage is Storage.CONTAINER_DISK:
        disk: Obj = {"name": "root", "containerDisk": {"image": "registry.local/kubevirt/cirros:v1"}}
    else:
        disk = {"name": "data", "persistentVolumeClaim": {"claimName": f"{vm.name}-disk"}}
    meta = {"name": vm.name, "namespace": vm.namespace, "annotations": dict(vm.annotations)}
    return shapes.virtual_machine(meta, [disk], _placement(run, vm), {"runStrategy": vm.run_strategy})


def _placement(run: str, vm: Vm) -> Obj:
    tolerations: list[Any] = [{"key": MARK, "operator": "Equal", "value": run, "effect": "NoSchedule"}]
    if vm.toleration is not None:
        lost = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
        tolerations.append(lost | {"tolerationSeconds": vm.toleration})
    pinned = {_HOSTNAME: vm.node} if vm.pinned else {}
    wish = {"matchExpressions": [{"key": _HOSTNAME, "operator": "In", "values": [vm.node]}]}
    preferred = [{"weight": 100, "preference": wish}]
    return {
        "nodeSelector": {MARK: run, **pinned},
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "tolerations": tolerations,
    }
