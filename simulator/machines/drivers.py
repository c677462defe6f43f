"""The storage that scenes have: CSI drivers with their classes, as an operator would have installed them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator import shapes
from simulator.client import Client, Obj
from simulator.machines import hwameistor


@dataclass(frozen=True)
class Driver:
    """A driver and one of its classes. `topology`: the label by which its volumes name nodes, "" for none.

    `cluster`: the clusterID of the Ceph cluster behind it, in its volumes' attributes and handles; "" for none.
    """

    name: str
    storage_class: str
    attach: bool = True
    topology: str = ""
    cluster: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def source(self, volume: str, nodes: Sequence[str]) -> Obj:
        """Where a volume of this driver lies; `nodes` matter to local ones only, the first is where it is used."""
        if self.name == hwameistor.DRIVER:
            return hwameistor.source(volume, nodes[: int(self.parameters["replicaNumber"])])
        if self == LOCAL:
            return shapes.local_source(nodes[0])
        if self.name == shapes.RBD:
            return shapes.rbd_source(volume, self.cluster)
        handle = f"{shapes.ceph_prefix(self.cluster)}{volume}" if self.cluster else volume
        told = {"clusterID": self.cluster} if self.cluster else {}
        return {"csi": {"driver": self.name, "volumeHandle": handle, "volumeAttributes": {**self.attributes, **told}}}


_FILESYSTEM = {"fsName": "myfs", "pool": "myfs-replicated"}
RBD = Driver(shapes.RBD, shapes.RBD_CLASS, cluster=shapes.CEPH)
# The same driver on a second, external Ceph cluster.
RBD_EDGE = Driver(shapes.RBD, "edge-ceph-block", cluster=shapes.CEPH_EDGE)
LOCAL = Driver("kubernetes.io/no-provisioner", shapes.LOCAL_CLASS)
CEPHFS = Driver("rook-ceph.cephfs.csi.ceph.com", "rook-cephfs", cluster=shapes.CEPH, attributes=_FILESYSTEM)
# A second operator's, in the namespace rook-edge: Rook lets one switch attachments off (CSI_CEPHFS_ATTACH_REQUIRED).
NO_ATTACH = Driver("rook-edge.cephfs.csi.ceph.com", "edge-cephfs", False, cluster=shapes.CEPH, attributes=_FILESYSTEM)
OTHER = Driver("driver.longhorn.io", "longhorn", attributes={"numberOfReplicas": "3"})
HWAMEISTOR_HA, HWAMEISTOR_ONE = (
    Driver(
        hwameistor.DRIVER,
        f"hwameistor-storage-lvm-hdd{suffix}",
        topology=hwameistor.TOPOLOGY,
        parameters={"poolClass": "HDD", "poolType": "REGULAR", "replicaNumber": number, "volumeKind": "LVM"},
    )
    for suffix, number in (("-ha", "2"), ("", "1"))
)


def install(client: Client, driver: Driver) -> None:
    """Its StorageClass, its CSIDriver and what it says of nodes, where they are not there yet."""
    present = {
        kind: {obj["metadata"]["name"] for obj in client.list(kind)} for kind in ("storageclasses", "csidrivers")
    }
    if driver.storage_class not in present["storageclasses"]:
        parameters = {"parameters": dict(driver.parameters)} if driver.parameters else {}
        client.create("storageclasses", shapes.storage_class(driver.storage_class, driver.name) | parameters)
    if driver == LOCAL or driver.name in present["csidrivers"]:
        return
    client.create("csidrivers", shapes.csi_driver(driver.name, attach=driver.attach))
    for node in client.list("csinodes"):
        _register(client, driver, node)


def _register(client: Client, driver: Driver, node: Obj) -> None:
    name, keys = node["metadata"]["name"], [driver.topology] if driver.topology else None
    here = {"name": driver.name, "nodeID": name, "topologyKeys": keys}
    client.patch("csinodes", name, {"spec": {"drivers": [*node["spec"]["drivers"], here]}})
    if driver.topology:
        client.patch("nodes", name, {"metadata": {"labels": {driver.topology: name}}})
