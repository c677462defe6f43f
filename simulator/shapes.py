"""Objects of a scene, shaped as those of a real cluster were recorded. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.actors.launcher import CPU_MODEL, hotplugged, with_default_tolerations
from simulator.actors.vmi import FOREGROUND
from simulator.client import Obj
from simulator.machines.hypervisor import Machine

RBD, LOCAL_CLASS, RBD_CLASS = "rook-ceph.rbd.csi.ceph.com", "local-storage", "rook-ceph-block"
CEPH, CEPH_EDGE = "rook-ceph", "rook-edge"  # clusterIDs
_CAPACITY = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
_CAPACITY |= {f"devices.kubevirt.io/{name}": "1k" for name in ("kvm", "tun", "vhost-net")}
_SIZE = {"storage": "10Gi"}


def node(name: str, index: int, machine: Machine | None = None) -> Obj:
    """A worker as its kubelet registers it, on a new machine unless one is given; its kubelet reports the rest."""
    machine = machine or Machine(name)
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node-role.kubernetes.io/worker": "",
        "kubevirt.io/schedulable": "true",
        "machine-type.node.kubevirt.io/q35": "true",
        f"cpu-model.node.kubevirt.io/{CPU_MODEL}": "true",
        f"cpu-model-migration.node.kubevirt.io/{CPU_MODEL}": "true",
        "cpu-vendor.node.kubevirt.io/Intel": "true",
        "cpu-timer.node.kubevirt.io/tsc-frequency": "2400000000",
        "scheduling.node.kubevirt.io/tsc-frequency-2400000000": "true",
        "cpumanager": "false",
    }
    addresses = [{"type": "InternalIP", "address": f"192.0.2.{index + 10}"}, {"type": "Hostname", "address": name}]
    info = {"architecture": "amd64", "kubeletVersion": "v1.36.2", "machineID": name, **machine.identity}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"node.alpha.kubernetes.io/ttl": "0"}},
        "spec": {},
        "status": {"addresses": addresses, "allocatable": _CAPACITY, "capacity": _CAPACITY, "nodeInfo": info},
    }


def lease(name: str) -> Obj:
    """A node's Lease."""
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40}
    return {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": spec}


def csi_node(name: str) -> Obj:
    """Which CSI drivers a node has."""
    driver = {"name": RBD, "nodeID": name, "topologyKeys": None}
    return {"metadata": {"name": name}, "spec": {"drivers": [driver]}}


def virt_handler(name: str) -> Obj:
    """The pod of the DaemonSet virt-handler on a node; nobody here would replace it."""
    tolerations = [{"key": f"node.kubernetes.io/{key}", "operator": "Exists"} for key in ("not-ready", "unreachable")]
    return {
        "metadata": {
            "generateName": "virt-handler-",
            "namespace": "kubevirt",
            "labels": {"kubevirt.io": "virt-handler"},
        },
        "spec": {
            "nodeName": name,
            "containers": [{"name": "virt-handler", "image": "registry.local/kubevirt/virt-handler:v1"}],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "tolerations": [*tolerations, {"key": "CriticalAddonsOnly", "operator": "Exists"}],
        },
    }


def namespace(name: str) -> Obj:
    """A namespace."""
    return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}


def storage_class(name: str, provisioner: str) -> Obj:
    """A StorageClass; RBD's is the cluster's default."""
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}} if name == RBD_CLASS else {}
    return {"metadata": {"name": name, **default}, "provisioner": provisioner, "reclaimPolicy": "Delete"}


def csi_driver(name: str, *, attach: bool = True) -> Obj:
    """A CSIDriver; without `attach` there are no VolumeAttachments."""
    return {"metadata": {"name": name}, "spec": {"attachRequired": attach, "podInfoOnMount": False}}


def claim(namespace: str, name: str, spec: Obj) -> Obj:
    """A claim bound to the volume `<namespace>-<name>`; `spec`: storageClassName, accessModes, volumeMode."""
    meta = {"name": name, "namespace": namespace, "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    return {
        "metadata": meta | {"finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {**spec, "resources": {"requests": _SIZE}, "volumeName": f"{namespace}-{name}"},
    }


def volume(claimed: Obj, source: Obj) -> Obj:
    """The PersistentVolume of a stored claim, on `source` (`csi`, or `local` with `nodeAffinity`)."""
    meta, spec = claimed["metadata"], claimed["spec"]
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    reference |= {name: meta[name] for name in ("name", "namespace", "uid")}
    kept = {name: spec[name] for name in ("accessModes", "storageClassName", "volumeMode")}
    return {
        "metadata": {"name": spec["volumeName"], "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {**kept, **source, "capacity": _SIZE, "claimRef": reference, "persistentVolumeReclaimPolicy": "Retain"},
    }


def rbd_source(name: str, cluster: str = CEPH) -> Obj:
    """Where an RBD volume lies."""
    attributes = {"clusterID": cluster, "imageName": f"csi-vol-{name}", "pool": "replicapool"}
    return {"csi": {"driver": RBD, "volumeHandle": f"{ceph_prefix(cluster)}{name}", "volumeAttributes": attributes}}


def ceph_prefix(cluster: str) -> str:
    """What ceph-csi puts before a volume's own name in its handle: version, cluster, and the pool's number."""
    return f"0001-{len(cluster):04x}-{cluster}-0000000000000001-"


def local_source(node: str) -> Obj:
    """A disk of one node."""
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {"local": {"path": "/mnt/disk"}, "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}}}


def bound(modes: Sequence[str]) -> Obj:
    """The status of a bound claim."""
    return {"status": {"phase": "Bound", "accessModes": list(modes), "capacity": _SIZE}}


def data_volume(namespace: str, name: str, storage: Obj) -> Obj:
    """A DataVolume whose import into the claim of its name, with this spec, is long done."""
    source = {"registry": {"url": "docker://registry.local/kubevirt/fedora:v1"}}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": source, "storage": {**storage, "resources": {"requests": _SIZE}}},
        "status": {"phase": "Succeeded", "progress": "100.0%", "claimName": name},
    }


def instance_spec(volumes: list[Obj], placement: Obj, devices: Obj | None = None) -> Obj:
    """The spec of a VM instance; `placement` goes into it, `devices` into its domain's."""
    plugged = hotplugged({"spec": {"volumes": volumes}})
    disks = [{"name": v["name"], "disk": {"bus": "scsi" if v in plugged else "virtio"}} for v in volumes]
    interfaces = [{"name": "default", "masquerade": {}}]
    domain = {
        "cpu": {"cores": 1},
        "devices": {"disks": disks, "interfaces": interfaces, **(devices or {})},
        "machine": {"type": "q35"},
        "memory": {"guest": "256Mi"},
        "resources": {},
    }
    return {
        "architecture": "amd64",
        "domain": domain,
        "networks": [{"name": "default", "pod": {}}],
        "terminationGracePeriodSeconds": 30,
        "volumes": volumes,
        **placement,
    }


def virtual_machine(meta: Obj, instance: Obj, more: Mapping[str, Any], labels: Obj | None = None) -> Obj:
    """A VirtualMachine of that instance; `more` (runStrategy, or running, ...) goes into its spec."""
    meta = {**meta, "finalizers": ["kubevirt.io/virtualMachineControllerFinalize"]}
    template = {"metadata": {"labels": labels or {"app": meta["name"]}}, "spec": instance}
    return {"metadata": meta, "spec": {**more, "template": template}}


def bare_instance(meta: Obj, instance: Obj, labels: Obj) -> Obj:
    """A VirtualMachineInstance that nobody owns."""
    return {"metadata": {**meta, "labels": labels, "finalizers": [FOREGROUND]}, "spec": instance}


def replica_set(meta: Obj, instance: Obj, labels: Obj) -> Obj:
    """A VirtualMachineInstanceReplicaSet of one replica."""
    template = {"metadata": {"labels": labels}, "spec": instance}
    return {"metadata": meta, "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}}


def plain_pod(namespace: str, name: str, node: str, claim_name: str, stateful_set: str = "") -> Obj:
    """A pod that is no VM and uses a claim: a backup, an exporter; or one of a StatefulSet."""
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": stateful_set, "uid": f"of-{stateful_set}"}
    owners = {"ownerReferences": [owner | {"controller": True}]} if stateful_set else {}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]
    return {
        "metadata": {"name": name, "namespace": namespace, **owners},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "registry.local/tool:v1"}],
            "tolerations": with_default_tolerations([]),
            "restartPolicy": "Always",
            "volumes": volumes,
        },
    }
