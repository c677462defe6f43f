"""Each kind of storage: what its objects say, and what becomes of a VM on it whose node is lost and pod released."""

import pytest

from simulator.client import Obj
from simulator.machines import hwameistor
from simulator.scene import Scene, Storage, Vm, staged
from simulator.world import World

LOST = "node-a"
_AT_ONCE = {
    Storage.CONTAINER_DISK,
    Storage.RBD_SHARED,
    Storage.RBD_SHARED_READONLY,
    Storage.RBD_READONLY_MANY,
    Storage.NO_ATTACH,
    Storage.HOST_DISK,  # with an empty disk
    Storage.EMPTY_DISK,
}
_NEVER = {Storage.LOCAL, Storage.HWAMEISTOR_ONE}
_AFTER_SIX_MINUTES = set(Storage) - _AT_ONCE - _NEVER - {Storage.RBD_HOTPLUGGED}


def _staged(storage: Storage) -> World:
    return staged(Scene((LOST, "node-b", "node-c"), (Vm("vm", storage, node=LOST),)))


def _released(storage: Storage) -> World:
    """Its node lost power 400 s ago, its launcher is force-deleted now."""
    world = _staged(storage)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    client = world.api.client("system:admin")
    for pod in client.list("pods", labels="kubevirt.io=virt-launcher"):
        client.delete("pods", pod["metadata"]["name"], "default", grace=0)
    return world


def _runs(world: World) -> bool:
    return world.hypervisor.running(("default", "vm")) != []


def _volume(world: World, name: str = "default-vm-disk") -> Obj:
    return world.store.get("persistentvolumes", name)


def _template(world: World) -> Obj:
    spec: Obj = world.store.get("virtualmachines", "vm", "default")["spec"]["template"]["spec"]
    return spec


def _source(world: World) -> Obj:
    return next(volume for volume in _template(world)["volumes"] if volume["name"] == "data")


@pytest.mark.parametrize("storage", sorted(_AT_ONCE, key=str))
def test_a_vm_that_no_attachment_holds_back_runs_elsewhere_at_once(storage: Storage) -> None:
    world = _released(storage)
    assert world.run(lambda: _runs(world), 10)
    assert world.hypervisor.running(("default", "vm")) != [LOST]


@pytest.mark.parametrize("storage", sorted(_AFTER_SIX_MINUTES, key=str))
def test_a_vm_whose_volume_is_attached_to_the_lost_node_waits_six_minutes(storage: Storage) -> None:
    world = _released(storage)
    world.run_for(355)
    assert not _runs(world)
    assert world.run(lambda: _runs(world), 20)
    assert world.hypervisor.double_writes == []


@pytest.mark.parametrize("storage", sorted(_NEVER, key=str))
def test_a_vm_whose_only_copy_is_on_the_lost_node_waits_for_it(storage: Storage) -> None:
    world = _released(storage)
    world.run_for(900)
    assert not _runs(world)
    world.hypervisor.power_on(LOST)
    assert world.run(lambda: world.hypervisor.running(("default", "vm")) == [LOST], 60)


def test_a_replicated_volume_is_usable_on_the_nodes_of_its_replicas_only() -> None:
    world = _released(Storage.HWAMEISTOR_HA)
    assert world.run(lambda: _runs(world), 400)
    assert world.hypervisor.running(("default", "vm")) == ["node-b"]
    terms = _volume(world)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": hwameistor.TOPOLOGY, "operator": "In", "values": [LOST, "node-b"]}]}]
    assert world.store.get("nodes", "node-c")["metadata"]["labels"][hwameistor.TOPOLOGY] == "node-c"


@pytest.mark.parametrize(
    ("storage", "nodes"), [(Storage.HWAMEISTOR_HA, [LOST, "node-b"]), (Storage.HWAMEISTOR_ONE, [LOST])]
)
def test_how_many_replicas_a_volume_has_is_said_in_three_places(storage: Storage, nodes: list[str]) -> None:
    world = _staged(storage)
    spec, number = _volume(world)["spec"], len(nodes)
    assert world.store.get("localvolumes", "default-vm-disk")["spec"]["replicaNumber"] == number
    assert spec["csi"]["volumeAttributes"]["replicaNumber"] == str(number)
    parameters = world.store.get("storageclasses", spec["storageClassName"])["parameters"]
    assert parameters["replicaNumber"] == str(number)
    replicas = world.api.client("test").list("localvolumereplicas")
    assert [replica["spec"]["nodeName"] for replica in replicas] == nodes
    assert {(replica["status"]["state"], replica["status"]["synced"]) for replica in replicas} == {("Ready", True)}


@pytest.mark.parametrize(
    ("storage", "driver", "modes"),
    [
        (Storage.RBD_BLOCK, "rook-ceph.rbd.csi.ceph.com", ["ReadWriteOnce"]),
        (Storage.RBD_SHARED, "rook-ceph.rbd.csi.ceph.com", ["ReadWriteMany"]),
        (Storage.RBD_READONLY_MANY, "rook-ceph.rbd.csi.ceph.com", ["ReadOnlyMany"]),
        (Storage.CEPHFS, "rook-ceph.cephfs.csi.ceph.com", ["ReadWriteOnce"]),
        (Storage.NO_ATTACH, "rook-edge.cephfs.csi.ceph.com", ["ReadWriteOnce"]),
        (Storage.HWAMEISTOR_HA, "lvm.hwameistor.io", ["ReadWriteOnce"]),
        (Storage.OTHER_CSI, "driver.longhorn.io", ["ReadWriteOnce"]),
    ],
)
def test_a_volume_says_its_driver_and_access_modes(storage: Storage, driver: str, modes: list[str]) -> None:
    world = _staged(storage)
    spec = _volume(world)["spec"]
    assert (spec["csi"]["driver"], spec["accessModes"]) == (driver, modes)
    assert world.store.get("storageclasses", spec["storageClassName"])["provisioner"] == driver
    required = world.store.get("csidrivers", driver)["spec"]["attachRequired"]
    assert required is (storage is not Storage.NO_ATTACH)
    registered = world.store.get("csinodes", LOST)["spec"]["drivers"]
    assert driver in [entry["name"] for entry in registered]


def test_a_driver_without_attachments_has_none() -> None:
    assert _staged(Storage.NO_ATTACH).api.client("test").list("volumeattachments") == []


@pytest.mark.parametrize(
    ("storage", "source"),
    [
        (Storage.EPHEMERAL, {"ephemeral": {"persistentVolumeClaim": {"claimName": "vm-disk", "readOnly": True}}}),
        (Storage.DATA_VOLUME, {"dataVolume": {"name": "vm-disk"}}),
        (Storage.RBD_SHARED_READONLY, {"persistentVolumeClaim": {"claimName": "vm-disk", "readOnly": True}}),
        (Storage.HOST_DISK, {"hostDisk": {"path": "/data/disk.img", "type": "DiskOrCreate", "capacity": "1Gi"}}),
        (Storage.EMPTY_DISK, {"emptyDisk": {"capacity": "1Gi"}}),
    ],
)
def test_a_template_names_its_disk_as_an_operator_would(storage: Storage, source: Obj) -> None:
    assert _source(_staged(storage)) == {"name": "data", **source}


def test_a_claim_of_a_data_volume_belongs_to_it() -> None:
    world = _staged(Storage.DATA_VOLUME)
    claim = world.store.get("persistentvolumeclaims", "vm-disk", "default")
    owner = world.store.get("datavolumes", "vm-disk", "default")
    assert [reference["uid"] for reference in claim["metadata"]["ownerReferences"]] == [owner["metadata"]["uid"]]
    assert owner["status"]["phase"] == "Succeeded"


def test_a_persistent_tpm_has_a_claim_that_no_volume_of_the_template_names() -> None:
    world = _staged(Storage.PERSISTENT_STATE)
    assert _template(world)["domain"]["devices"]["tpm"] == {"persistent": True}
    assert [volume["name"] for volume in _template(world)["volumes"]] == ["root"]
    claim = world.store.get("persistentvolumeclaims", "persistent-state-for-vm", "default")
    assert claim["metadata"]["labels"] == {"persistent-state-for": "vm"}
    assert len(world.api.client("test").list("volumeattachments")) == 1


def test_two_disks_are_two_attachments() -> None:
    attachments = _staged(Storage.TWO_DISKS).api.client("test").list("volumeattachments")
    names = {attachment["spec"]["source"]["persistentVolumeName"] for attachment in attachments}
    assert names == {"default-vm-disk", "default-vm-files"}


@pytest.mark.parametrize("storage", [Storage.RBD_READONLY_MANY, Storage.RBD_SHARED_READONLY, Storage.EPHEMERAL])
def test_what_is_mounted_read_only_is_written_by_nobody(storage: Storage) -> None:
    world = _staged(storage)
    handle = _volume(world)["spec"]["csi"]["volumeHandle"]
    assert world.hypervisor.writers(handle) == []
