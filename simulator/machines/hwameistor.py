"""HwameiStor's objects: volumes of one or two replicas on the disks of nodes. Pure.

Source: hwameistor `pkg/apis/hwameistor/v1alpha1` (LocalVolume, LocalVolumeReplica) and its CSI driver's topology key.
Nobody plays HwameiStor here: replicas keep the state that they are given, and a lost node's say Ready for ever.
"""

from collections.abc import Sequence

from simulator.client import Obj

DRIVER = "lvm.hwameistor.io"
TOPOLOGY = "topology.lvm.hwameistor.io/node"  # a node's label, and what a volume's nodeAffinity names nodes by
_POOL = "LocalStorage_PoolHDD"
_BYTES = 10 * 2**30


def source(name: str, nodes: Sequence[str]) -> Obj:
    """What a PersistentVolume with a replica on each of `nodes` says of where it lies."""
    attributes = {"poolClass": "HDD", "poolType": "REGULAR", "replicaNumber": str(len(nodes)), "volumeKind": "LVM"}
    here = {"matchExpressions": [{"key": TOPOLOGY, "operator": "In", "values": list(nodes)}]}
    return {
        "csi": {"driver": DRIVER, "volumeHandle": name, "fsType": "xfs", "volumeAttributes": attributes},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
    }


def local_volume(claim: Obj, nodes: Sequence[str]) -> Obj:
    """The LocalVolume of a claim, used on the first of `nodes`; its status is to be written apart."""
    name, meta = claim["spec"]["volumeName"], claim["metadata"]
    replicas = [
        {"id": number, "hostname": node, "ip": "", "primary": number == 1} for number, node in enumerate(nodes, 1)
    ]
    config = {
        "version": 1,
        "volumeName": name,
        "requiredCapacityBytes": _BYTES,
        "convertible": False,
        "resourceID": 1 if len(nodes) > 1 else -1,
        "readyToInitialize": True,
        "initialized": True,
        "replicas": replicas,
    }
    spec = {
        "accessibility": {"nodes": list(nodes), "regions": ["default"], "zones": ["default"]},
        "config": config,
        "poolName": _POOL,
        "pvcName": meta["name"],
        "pvcNamespace": meta["namespace"],
        "replicaNumber": len(nodes),
        "requiredCapacityBytes": _BYTES,
    }
    return {"metadata": {"name": name}, "spec": spec}


def local_volume_status(name: str, nodes: Sequence[str]) -> Obj:
    """The status of a LocalVolume that is well and published on the first of `nodes`."""
    return {
        "allocatedCapacityBytes": _BYTES,
        "publishedNode": nodes[0],
        "rawblock": False,
        "replicas": [replica_name(name, node) for node in nodes],
        "state": "Ready",
    }


def replica_name(volume: str, node: str) -> str:
    """The name of a volume's LocalVolumeReplica on a node. A real one ends in random letters."""
    return f"{volume}-{node}"


def replica(volume: str, node: str) -> Obj:
    """A LocalVolumeReplica; its status is to be written apart."""
    spec = {"nodeName": node, "poolName": _POOL, "requiredCapacityBytes": _BYTES, "volumeName": volume}
    return {"metadata": {"name": replica_name(volume, node)}, "spec": spec}


def replica_status(*, ready: bool = True, synced: bool = True, in_use: bool = False) -> Obj:
    """The status of a LocalVolumeReplica."""
    return {
        "allocatedCapacityBytes": _BYTES,
        "haState": {"state": "Consistent" if synced else "Inconsistent"},
        "inuse": in_use,
        "state": "Ready" if ready else "NotReady",
        "synced": synced,
    }
