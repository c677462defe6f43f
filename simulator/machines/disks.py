"""The disks of a VM to be, by its kind of storage: claims bound to volumes, and the volumes of its template."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator import shapes
from simulator.actors.backend import STATE
from simulator.actors.objects import owner_reference
from simulator.client import Client, Obj
from simulator.machines import drivers, hwameistor
from simulator.machines.drivers import Driver
from simulator.vms import Storage, Vm

_PRE_INSTALLED = (drivers.RBD, drivers.LOCAL)  # by every scene


def _mounted(claim: str) -> Obj:
    return {"persistentVolumeClaim": {"claimName": claim}}


def _read_only(claim: str) -> Obj:
    return {"persistentVolumeClaim": {"claimName": claim, "readOnly": True}}


def _plugged(claim: str) -> Obj:
    return {"persistentVolumeClaim": {"claimName": claim, "hotpluggable": True}}


def _overlaid(claim: str) -> Obj:
    return {"ephemeral": {"persistentVolumeClaim": {"claimName": claim, "readOnly": True}}}


def _imported(claim: str) -> Obj:
    return {"dataVolume": {"name": claim}}


@dataclass(frozen=True)
class _Disk:
    """A claim `<VM>-<suffix>` and the template's volume `name` on it."""

    driver: Driver = drivers.RBD
    block: bool = False
    modes: tuple[str, ...] = ("ReadWriteOnce",)
    volume: Callable[[str], Obj] = _mounted
    name: str = "data"
    suffix: str = "disk"


_BLOCK, _FILES = _Disk(block=True), _Disk()
_DISKS: Mapping[Storage, tuple[_Disk, ...]] = {
    Storage.RBD_BLOCK: (_BLOCK,),
    Storage.RBD_FILESYSTEM: (_FILES,),
    Storage.RBD_SHARED: (_Disk(block=True, modes=("ReadWriteMany",)),),
    Storage.RBD_EDGE: (_Disk(drivers.RBD_EDGE, block=True),),
    Storage.RBD_HOTPLUGGED: (_Disk(block=True, volume=_plugged),),
    Storage.LOCAL: (_Disk(drivers.LOCAL),),
    Storage.CEPHFS: (_Disk(drivers.CEPHFS),),
    Storage.TWO_DISKS: (_BLOCK, _Disk(name="files", suffix="files")),
    Storage.RBD_READONLY_MANY: (_Disk(modes=("ReadOnlyMany",), volume=_read_only),),
    Storage.RBD_SHARED_READONLY: (_Disk(block=True, modes=("ReadWriteMany",), volume=_read_only),),
    Storage.EPHEMERAL: (_Disk(volume=_overlaid),),
    Storage.DATA_VOLUME: (_Disk(block=True, volume=_imported),),
    Storage.HWAMEISTOR_HA: (_Disk(drivers.HWAMEISTOR_HA),),
    Storage.HWAMEISTOR_ONE: (_Disk(drivers.HWAMEISTOR_ONE),),
    Storage.OTHER_CSI: (_Disk(drivers.OTHER),),
    Storage.NO_ATTACH: (_Disk(drivers.NO_ATTACH),),
}
_ON_THE_NODE: Mapping[Storage, Obj] = {
    Storage.HOST_DISK: {"hostDisk": {"path": "/data/disk.img", "type": "DiskOrCreate", "capacity": "1Gi"}},
    Storage.EMPTY_DISK: {"emptyDisk": {"capacity": "1Gi"}},
}
_FROM_AN_IMAGE = frozenset(
    {
        Storage.CONTAINER_DISK,
        Storage.RBD_HOTPLUGGED,
        Storage.RBD_READONLY_MANY,
        Storage.RBD_SHARED_READONLY,
        Storage.PERSISTENT_STATE,
        Storage.HOST_DISK,
        Storage.EMPTY_DISK,
    }
)


def volumes(client: Client, vm: Vm) -> list[Obj]:
    """Create what the VM's disks lie on; the volumes of its template."""
    entries: list[Obj] = []
    if vm.storage in _FROM_AN_IMAGE:
        entries.append({"name": "root", "containerDisk": {"image": "registry.local/kubevirt/cirros:v1"}})
    for disk in _DISKS.get(vm.storage, ()):
        claim = _bound(client, vm, disk, f"{vm.name}-{disk.suffix}")
        entries.append({"name": disk.name, **disk.volume(claim)})
    if vm.storage is Storage.PERSISTENT_STATE:
        _bound(client, vm, _FILES, f"{STATE}-{vm.name}", {"labels": {STATE: vm.name}})
    if vm.storage in _ON_THE_NODE:
        entries.append({"name": "data", **_ON_THE_NODE[vm.storage]})
    return entries


def devices(vm: Vm) -> Obj:
    """What the VM's domain has beside its disks."""
    return {"tpm": {"persistent": True}} if vm.storage is Storage.PERSISTENT_STATE else {}


def _bound(client: Client, vm: Vm, disk: _Disk, name: str, meta: Obj | None = None) -> str:
    """A claim with its volume, and what else its driver or CDI has for it; its name."""
    if disk.driver not in _PRE_INSTALLED:
        drivers.install(client, disk.driver)
    spec = {
        "accessModes": list(disk.modes),
        "storageClassName": disk.driver.storage_class,
        "volumeMode": "Block" if disk.block else "Filesystem",
    }
    claim = shapes.claim(vm.namespace, name, spec)
    if disk.volume is _imported:
        owner = client.create("datavolumes", shapes.data_volume(vm.namespace, name, spec))
        claim["metadata"]["ownerReferences"] = [owner_reference(owner)]
    claim = client.create("persistentvolumeclaims", {**claim, "metadata": claim["metadata"] | (meta or {})})
    _provision(client, vm, disk, claim)
    return name


def _provision(client: Client, vm: Vm, disk: _Disk, claim: Obj) -> None:
    name, nodes = claim["spec"]["volumeName"], _nodes(client, vm)
    client.create("persistentvolumes", shapes.volume(claim, disk.driver.source(name, nodes)))
    phase = {"status": {"phase": "Bound"}}
    client.patch("persistentvolumes", name, phase, subresource="status")
    bound = shapes.bound(disk.modes)
    client.patch("persistentvolumeclaims", claim["metadata"]["name"], bound, vm.namespace, subresource="status")
    if disk.driver.name == hwameistor.DRIVER:
        _replicate(client, claim, nodes[: int(disk.driver.parameters["replicaNumber"])])


def _replicate(client: Client, claim: Obj, nodes: list[str]) -> None:
    name = claim["spec"]["volumeName"]
    client.create("localvolumes", hwameistor.local_volume(claim, nodes))
    status = {"status": hwameistor.local_volume_status(name, nodes)}
    client.patch("localvolumes", name, status, subresource="status")
    for node in nodes:
        client.create("localvolumereplicas", hwameistor.replica(name, node))
        well = {"status": hwameistor.replica_status(in_use=node == nodes[0])}
        client.patch("localvolumereplicas", hwameistor.replica_name(name, node), well, subresource="status")


def _nodes(client: Client, vm: Vm) -> list[str]:
    """The VM's node, then all others."""
    names = [node["metadata"]["name"] for node in client.list("nodes")]
    return [vm.node, *(name for name in names if name != vm.node)] if vm.node else names
