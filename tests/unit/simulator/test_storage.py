"""Storage keeps a node's clients out by driver and cluster: who else still writes, VMs and other pods."""

import pytest

from simulator.actors.network_fencer import NetworkFencer
from simulator.client import Obj
from simulator.fencing import CLASS, add_storage_clients, list_addresses
from simulator.machines.hypervisor import Process
from simulator.machines.machine import EVERYTHING
from simulator.scene import ClaimPod, Scene, Storage, Vm, staged
from simulator.shapes import RBD
from simulator.world import World

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
CEPHFS = "rook-ceph.cephfs.csi.ceph.com"
DISKS = {
    "db": "0001-0009-rook-ceph-0000000000000001-default-db-disk",
    "edge": "0001-0009-rook-edge-0000000000000001-default-edge-disk",
    "files": "0001-0009-rook-ceph-0000000000000001-default-files-disk",
    "other": "default-other-disk",
    "local": "default-local-disk",
}
VMS = (
    Vm("db", Storage.RBD_BLOCK, node=LOST),
    Vm("edge", Storage.RBD_EDGE, node=LOST),
    Vm("files", Storage.CEPHFS, node=LOST),
    Vm("other", Storage.OTHER_CSI, node=LOST),
    Vm("local", Storage.LOCAL, node=LOST),
)


@pytest.fixture
def world() -> World:
    return staged(Scene(NODES, VMS))


def _writing(world: World) -> set[str]:
    """The VMs whose disks somebody can write to."""
    return {vm for vm, disk in DISKS.items() if world.hypervisor.writers(disk)}


def _fence(world: World, *cidrs: str, name: str = CLASS, state: str = "Fenced") -> Obj:
    """Ask for one by hand, as an administrator may; what its status says after a while."""
    admin = world.api.client("system:admin")
    spec = {"networkFenceClassName": name, "fenceState": state, "cidrs": list(cidrs)}
    fence = f"{name}-{state.lower()}"
    admin.create("networkfences", {"metadata": {"name": fence}, "spec": spec})
    world.run_for(5)
    found: Obj = admin.get("networkfences", fence)["status"]
    return found


def _fencer(world: World, **more: object) -> NetworkFencer:
    admin = world.api.client("system:admin")
    fencer = NetworkFencer(admin, world.hypervisor, add_storage_clients(admin, NODES))
    vars(fencer).update(more)
    world.add(fencer)
    return fencer


@pytest.mark.parametrize(
    ("backend", "silent"),
    [
        ((RBD, "rook-ceph"), {"db"}),
        ((RBD, "rook-edge"), {"edge"}),
        ((CEPHFS, "rook-ceph"), {"files"}),
        (("driver.longhorn.io", ""), {"other"}),
        ((RBD, "nobody's"), set()),
        (EVERYTHING, set(DISKS)),
    ],
)
def test_what_is_blocked_is_one_drivers_and_one_clusters(
    world: World, backend: tuple[str, str], silent: set[str]
) -> None:
    world.hypervisor.block_storage(LOST, [backend])
    assert _writing(world) == set(DISKS) - silent
    assert world.hypervisor.machines[LOST].storage is False
    world.hypervisor.unblock_storage(LOST, world.now, [backend])
    assert _writing(world) == set(DISKS)
    assert world.hypervisor.machines[LOST].storage is True


def test_a_machine_is_kept_out_of_everything_and_let_in_again_by_one_switch(world: World) -> None:
    machine = world.hypervisor.machines[LOST]
    machine.storage = False
    assert _writing(world) == set()
    machine.storage = True
    assert _writing(world) == set(DISKS)
    world.hypervisor.block_storage(LOST, [(RBD, "rook-ceph"), (CEPHFS, "rook-ceph")])
    world.hypervisor.unblock_storage(LOST, world.now)
    assert _writing(world) == set(DISKS)


def test_a_network_fence_blocks_the_driver_and_the_cluster_of_its_class_only(world: World) -> None:
    _fencer(world)
    add_storage_clients(world.api.client("system:admin"), NODES, cluster="rook-edge", name="edge-fencing")
    assert _fence(world, "10.9.0.1/32", name="edge-fencing")["result"] == "Succeeded"
    assert _writing(world) == set(DISKS) - {"edge"}
    assert _fence(world, "10.9.0.1/32")["result"] == "Succeeded"
    assert _writing(world) == set(DISKS) - {"edge", "db"}
    _fence(world, "10.9.0.1/32", name="edge-fencing", state="Unfenced")
    assert _writing(world) == set(DISKS) - {"db"}


def test_classes_name_driver_and_cluster_and_nodes_list_their_clients_in_each(world: World) -> None:
    admin = world.api.client("system:admin")
    assert add_storage_clients(admin, NODES) == {f"10.9.0.{n + 1}/32": node for n, node in enumerate(NODES)}
    add_storage_clients(admin, NODES, cluster="rook-edge", name="edge-fencing")
    add_storage_clients(admin, NODES, CEPHFS, name="files-fencing")
    spec = admin.get("networkfenceclasses", "edge-fencing")["spec"]
    assert spec == {"provisioner": RBD, "parameters": {"clusterID": "rook-edge"}}
    addons = [one for one in admin.list("csiaddonsnodes") if one["spec"]["driver"]["nodeID"] == LOST]
    told = {
        one["spec"]["driver"]["name"]: [c["networkFenceClassName"] for c in one["status"]["networkFenceClientStatus"]]
        for one in addons
    }
    assert told == {RBD: [CLASS, "edge-fencing"], CEPHFS: ["files-fencing"]}


@pytest.mark.parametrize(
    ("cidr", "blocked"),
    [("10.9.0.1/32", [LOST]), ("10.9.0.1", [LOST]), ("10.9.0.0/24", [*NODES]), ("10.8.0.1/32", []), ("fd00::/8", [])],
)
def test_a_network_fence_hits_every_client_in_its_addresses(world: World, cidr: str, blocked: list[str]) -> None:
    _fencer(world)
    _fence(world, cidr)
    assert [name for name, machine in world.hypervisor.machines.items() if not machine.storage] == blocked


def test_nodes_behind_one_address_are_blocked_together(world: World) -> None:
    _fencer(world, shared={"10.9.0.1/32": ["node-c"]})
    _fence(world, "10.9.0.1/32")
    assert [name for name, machine in world.hypervisor.machines.items() if not machine.storage] == [LOST, "node-c"]


@pytest.mark.parametrize(("name", "cidr"), [("no-class", "10.9.0.1/32"), (CLASS, "all of them")])
def test_a_network_fence_of_no_class_or_of_no_address_fails(world: World, name: str, cidr: str) -> None:
    _fencer(world)
    assert _fence(world, cidr, name=name)["result"] == "Failed"
    assert _writing(world) == set(DISKS)


def test_a_network_fencer_that_lies_says_so_and_blocks_nothing(world: World) -> None:
    _fencer(world, lies=True)
    assert _fence(world, "10.9.0.1/32")["result"] == "Succeeded"
    assert _writing(world) == set(DISKS)


def test_a_driver_may_list_the_addresses_of_another_node(world: World) -> None:
    admin = world.api.client("system:admin")
    _fencer(world)
    list_addresses(admin, LOST, ["10.9.0.2/32"])
    (addon,) = [one for one in admin.list("csiaddonsnodes") if one["spec"]["driver"]["nodeID"] == LOST]
    (told,) = addon["status"]["networkFenceClientStatus"]
    assert told["ClientDetails"] == [{"id": "client.1", "cidrs": ["10.9.0.2/32"]}]
    _fence(world, *told["ClientDetails"][0]["cidrs"])
    assert [name for name, machine in world.hypervisor.machines.items() if not machine.storage] == ["node-b"]


def test_a_disk_whose_place_nobody_told_is_kept_by_everything_only(world: World) -> None:
    world.hypervisor.start(Process("node-b", "u", disks=frozenset({"mine"})), world.now)
    world.hypervisor.block_storage("node-b", [(RBD, "rook-ceph")])
    assert world.hypervisor.writers("mine") == ["node-b"]
    world.hypervisor.block_storage("node-b")
    assert world.hypervisor.writers("mine") == []


def _database(storage: Storage, stateful_set: str = "database") -> World:
    pod = ClaimPod("database-0", "database-0-disk", LOST, storage=storage, stateful_set=stateful_set)
    return staged(Scene(NODES, (), (pod,)))


def _force_delete(world: World) -> None:
    world.api.client("system:admin").delete("pods", "database-0", "default", grace=0)


@pytest.mark.parametrize("storage", [Storage.RBD_SHARED, Storage.NO_ATTACH])
def test_a_stateful_pod_that_is_released_from_a_living_node_is_a_second_writer(storage: Storage) -> None:
    world = _database(storage)
    world.hypervisor.cut_network(LOST)
    world.run_for(400)
    _force_delete(world)
    world.run_for(30)
    (double,) = world.hypervisor.double_writes
    assert len(double.nodes) == 2
    assert LOST in double.nodes


@pytest.mark.parametrize(
    ("backend", "doubles"), [((RBD, "rook-ceph"), 1), (("driver.longhorn.io", ""), 0), (EVERYTHING, 0)]
)
def test_a_taint_releases_the_disk_of_a_pod_whose_storage_nobody_blocked(
    backend: tuple[str, str], doubles: int
) -> None:
    world = _database(Storage.OTHER_CSI)
    world.hypervisor.cut_network(LOST)
    world.hypervisor.block_storage(LOST, [backend])
    world.run_for(100)
    admin = world.api.client("system:admin")
    taint = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    admin.patch("nodes", LOST, {"spec": {"taints": [*admin.get("nodes", LOST)["spec"]["taints"], taint]}})
    world.run_for(60)
    assert len(world.hypervisor.double_writes) == doubles


def test_a_stateful_pod_is_made_again_elsewhere_once_it_is_gone_and_not_before() -> None:
    world = _database(Storage.RBD_BLOCK)
    before = world.store.get("pods", "database-0", "default")
    world.hypervisor.power_cut(LOST)
    world.run_for(900)
    terminating = world.store.get("pods", "database-0", "default")
    assert terminating["metadata"]["uid"] == before["metadata"]["uid"]
    assert "deletionTimestamp" in terminating["metadata"]
    _force_delete(world)
    world.run_for(400)
    after = world.store.get("pods", "database-0", "default")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert (after["spec"]["nodeName"] != LOST, after["status"]["phase"]) == (True, "Running")
    assert world.hypervisor.double_writes == []


def test_a_pod_of_nobodys_is_not_made_again() -> None:
    world = _database(Storage.RBD_BLOCK, stateful_set="")
    _force_delete(world)
    world.run_for(60)
    assert world.api.client("system:admin").list("pods", "default") == []
