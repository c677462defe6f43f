"""What a partition leaves visible, whose clock is whose, and who writes to a disk twice."""

import pytest

from simulator.client import Obj
from simulator.machines.hypervisor import DoubleWrite
from simulator.scene import Scene, Storage, Vm, staged
from simulator.store.objects import epoch
from simulator.world import World

LOST = "node-a"
VM = ("default", "vm")
_DISK = "0001-0009-rook-ceph-0000000000000001-default-vm-disk"


def _staged(storage: Storage = Storage.RBD_SHARED) -> World:
    return staged(Scene((LOST, "node-b", "node-c"), (Vm("vm", storage, node=LOST),)))


def _release(world: World) -> None:
    client = world.api.client("system:admin")
    for pod in client.list("pods", labels="kubevirt.io=virt-launcher", fields=f"spec.nodeName={LOST}"):
        client.delete("pods", pod["metadata"]["name"], "default", grace=0)


def _released_behind_a_cut(storage: Storage) -> World:
    """Its node is cut off but alive, and its launcher was force-deleted a while ago."""
    world = _staged(storage)
    world.hypervisor.cut_network(LOST)
    world.run_for(400)
    _release(world)
    world.run_for(20)
    return world


def _signs(world: World) -> tuple[str, str]:
    """What is renewed: the node's Lease and virt-handler's heartbeat."""
    node: Obj = world.store.get("nodes", LOST)
    lease: Obj = world.store.get("leases", LOST, "kube-node-lease")
    return lease["spec"]["renewTime"], node["metadata"]["annotations"]["kubevirt.io/heartbeat"]


@pytest.mark.parametrize(
    ("plug", "lease", "heartbeat"),
    [("stop_kubelet", False, True), ("stop_virt_handler", True, False), ("cut_network", False, False)],
)
def test_a_partition_shows_what_still_reaches_the_api_while_the_vm_runs_on(
    plug: str, *, lease: bool, heartbeat: bool
) -> None:
    world = _staged()
    getattr(world.hypervisor, plug)(LOST)
    before = _signs(world)
    world.run_for(400)
    after = _signs(world)
    assert [old != new for old, new in zip(before, after, strict=True)] == [lease, heartbeat]
    assert world.hypervisor.running(VM) == [LOST]


@pytest.mark.parametrize("skew", [-3600.0, 90.0])
def test_a_nodes_lease_heartbeat_and_status_bear_its_own_clock(skew: float) -> None:
    world = _staged()
    world.hypervisor.set_clock(LOST, skew)
    world.run_for(600)
    lease, heartbeat = _signs(world)
    assert 0 <= world.now + skew - epoch(lease) <= 11
    assert 0 <= world.now + skew - epoch(heartbeat) <= 133
    conditions = world.store.get("nodes", LOST)["status"]["conditions"]
    assert {entry["status"] for entry in conditions if entry["type"] == "Ready"} == {"True"}
    assert 0 <= world.now + skew - epoch(conditions[0]["lastHeartbeatTime"]) <= 301


@pytest.mark.parametrize(("plug", "doubles"), [("cut_network", 1), ("power_cut", 0)])
def test_a_shared_disk_that_a_cut_off_node_still_reaches_is_written_twice(plug: str, doubles: int) -> None:
    world = _staged()
    getattr(world.hypervisor, plug)(LOST)
    world.run_for(400)
    _release(world)
    world.run_for(20)
    assert len(world.hypervisor.double_runs) == doubles
    assert [double.disk for double in world.hypervisor.double_writes] == [_DISK] * doubles
    assert all(LOST in double.nodes for double in world.hypervisor.double_writes)


def test_a_node_that_is_fenced_off_storage_writes_nothing_twice_until_it_is_let_in_again() -> None:
    world = _staged()
    world.hypervisor.cut_network(LOST)
    world.hypervisor.block_storage(LOST)
    world.run_for(400)
    _release(world)
    world.run_for(20)
    assert len(world.hypervisor.double_runs) == 1
    assert world.hypervisor.double_writes == []
    (target,) = set(world.hypervisor.running(VM)) - {LOST}
    world.hypervisor.unblock_storage(LOST, world.now)
    assert world.hypervisor.double_writes == [DoubleWrite(_DISK, (LOST, target), world.now)]


def test_a_vm_that_keeps_nothing_runs_twice_without_writing_twice() -> None:
    world = _released_behind_a_cut(Storage.CONTAINER_DISK)
    assert len(world.hypervisor.double_runs) == 1
    assert world.hypervisor.double_writes == []


def test_without_attachments_nothing_holds_a_second_writer_back() -> None:
    world = _released_behind_a_cut(Storage.NO_ATTACH)
    assert len(world.hypervisor.double_writes) == 1
