"""The nodes, disks and VMs of one run: all bear its name, are wanted by nobody else, and want nobody else's. Pure."""

from typing import Any

from simulator import shapes
from simulator.client import Obj
from simulator.scene import FOR_EVER, Storage, Vm

MARK = "vmdrift.io/e2e"  # a label, which our VMs select, and a taint, which only they tolerate; its value is the run
_HOSTNAME = "kubernetes.io/hostname"
# What launchers ask for besides cpu and memory (recorded).
_DEVICES = {f"devices.kubevirt.io/{name}": "1k" for name in ("kvm", "tun", "vhost-net", "vhost-vsock")}
_FILESYSTEMS = (Storage.LOCAL, Storage.OTHER_CSI)  # the others' volumes are Block
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


def unknown_driver(run: str) -> str:
    """A CSI driver that nobody knows."""
    return f"{run}.csi.example.com"


def csi_node(run: str, name: str) -> Obj:
    """Says that the node has our drivers."""
    entries = [{"name": has(run), "nodeID": name, "topologyKeys": None} for has in (driver, unknown_driver)]
    return {"metadata": {"name": name}, "spec": {"drivers": entries}}


def storage_class(run: str) -> Obj:
    """Never provisions: its volumes are made by hand."""
    return shapes.storage_class(run, "kubernetes.io/no-provisioner")


def claim(run: str, vm: Vm) -> Obj:
    """The VM's claim, on the volume that `volume` makes."""
    spec = {
        "accessModes": ["ReadWriteMany" if vm.storage is Storage.RBD_SHARED else "ReadWriteOnce"],
        "storageClassName": run,
        "volumeMode": "Filesystem" if vm.storage in _FILESYSTEMS else "Block",
    }
    made = shapes.claim(vm.namespace, f"{vm.name}-disk", spec)
    # A claim that says it is bound before its volume is there is Lost to the real controller.
    return {**made, "metadata": {"name": made["metadata"]["name"], "namespace": vm.namespace}}


def volume(run: str, vm: Vm, claimed: Obj) -> Obj:
    """The PersistentVolume of a stored claim."""
    if vm.storage is Storage.LOCAL:
        return shapes.volume(claimed, shapes.local_source(vm.node))
    name = claimed["spec"]["volumeName"]
    if vm.storage is Storage.OTHER_CSI:
        return shapes.volume(claimed, {"csi": {"driver": unknown_driver(run), "volumeHandle": name}})
    return shapes.volume(claimed, {"csi": shapes.rbd_source(name)["csi"] | {"driver": driver(run)}})


def machine(run: str, vm: Vm) -> Obj:
    """The VirtualMachine. It is to run whatever its run strategy will be: virt-api, which starts others, may lack."""
    meta = {"name": vm.name, "namespace": vm.namespace, "annotations": dict(vm.annotations)}
    starts = {"running": True} if vm.running else {"runStrategy": "Always"}
    return shapes.virtual_machine(meta, shapes.instance_spec(_disks(vm), _placement(run, vm)), starts)


def _disks(vm: Vm) -> list[Obj]:
    root: Obj = {"name": "root", "containerDisk": {"image": "registry.local/kubevirt/cirros:v1"}}
    source: Obj = {"claimName": f"{vm.name}-disk"}
    if vm.storage is Storage.CONTAINER_DISK:
        return [root]
    if vm.storage is Storage.RBD_HOTPLUGGED:
        return [root, {"name": "data", "persistentVolumeClaim": source | {"hotpluggable": True}}]
    return [{"name": "data", "persistentVolumeClaim": source}]


def _placement(run: str, vm: Vm) -> Obj:
    tolerations: list[Any] = [{"key": MARK, "operator": "Equal", "value": run, "effect": "NoSchedule"}]
    if vm.toleration is not None:
        lost = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
        tolerations.append(lost if vm.toleration == FOR_EVER else lost | {"tolerationSeconds": vm.toleration})
    pinned = {_HOSTNAME: vm.node} if vm.pinned else {}
    wish = {"matchExpressions": [{"key": _HOSTNAME, "operator": "In", "values": [vm.node]}]}
    preferred = [{"weight": 100, "preference": wish}]
    return {
        "nodeSelector": {MARK: run, **pinned},
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "tolerations": tolerations,
    }
