"""Who brings a VM back, a migration in flight, and pods beside VMs."""

import pytest

from simulator.client import ApiError, Obj
from simulator.migrating import migrate, phase
from simulator.scene import FOR_EVER, ClaimPod, Kind, Scene, Storage, Vm, staged, up
from simulator.world import World

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
_VMIS = "virtualmachineinstances"


def _launchers(world: World, node: str = "") -> list[Obj]:
    fields = f"spec.nodeName={node}" if node else ""
    return world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher", fields=fields)


def _lost(vm: Vm, *pods: ClaimPod) -> World:
    """The VM's node lost power 400 s ago."""
    world = staged(Scene(NODES, (vm,), pods))
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    return world


def _release(world: World, node: str = LOST) -> None:
    for pod in _launchers(world, node):
        world.api.client("system:admin").delete("pods", pod["metadata"]["name"], "default", grace=0)


def test_running_true_is_the_old_way_to_say_always() -> None:
    world = _lost(Vm("vm", node=LOST, running=True))
    assert "runStrategy" not in world.store.get("virtualmachines", "vm", "default")["spec"]
    _release(world)
    assert world.run(lambda: world.hypervisor.running(("default", "vm")) != [], 20)


def test_a_bare_vm_instance_that_is_released_stays_failed_for_ever() -> None:
    world = _lost(Vm("vm", node=LOST, kind=Kind.VMI))
    assert world.api.client("test").list("virtualmachines") == []
    assert "ownerReferences" not in world.store.get(_VMIS, "vm", "default")["metadata"]
    _release(world)
    world.run_for(600)
    assert world.store.get(_VMIS, "vm", "default")["status"]["phase"] == "Failed"
    assert world.hypervisor.running(("default", "vm")) == []


def test_a_vm_instance_of_a_set_is_replaced_under_another_name() -> None:
    vm = Vm("set", node=LOST, kind=Kind.REPLICA_SET)
    world = _lost(vm)
    before = world.api.client("test").list(_VMIS)[0]["metadata"]
    assert before["ownerReferences"][0]["kind"] == "VirtualMachineInstanceReplicaSet"
    found = world.store.get("virtualmachineinstancereplicasets", "set", "default")
    assert (found["status"]["replicas"], found["status"]["readyReplicas"]) == (1, 0)
    _release(world)
    assert world.run(lambda: up(world, Scene(NODES, (vm,))), 20)
    (after,) = world.api.client("test").list(_VMIS)
    assert after["metadata"]["name"] != before["name"]
    assert after["metadata"]["name"].startswith("set")
    assert after["status"]["nodeName"] != LOST


def test_a_set_that_is_left_alone_keeps_its_vm_instance() -> None:
    world = staged(Scene(NODES, (Vm("set", kind=Kind.REPLICA_SET),)))
    before = {vmi["metadata"]["uid"] for vmi in world.api.client("test").list(_VMIS)}
    world.run_for(3600)
    assert {vmi["metadata"]["uid"] for vmi in world.api.client("test").list(_VMIS)} == before


@pytest.mark.parametrize("hours", [2, pytest.param(24, marks=pytest.mark.nightly)])
def test_a_launcher_that_tolerates_an_unreachable_node_for_ever_is_never_terminating(hours: int) -> None:
    world = _lost(Vm("vm", node=LOST, toleration=FOR_EVER))
    world.run_for(hours * 3600)
    assert ["deletionTimestamp" in pod["metadata"] for pod in _launchers(world, LOST)] == [False]


def test_another_pod_on_the_lost_node_keeps_the_vms_volume_there_until_it_goes_too() -> None:
    # It tolerates the lost node for 300 s like any pod, but nobody removes it once it is Terminating.
    world = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST), ClaimPod("exporter", "vm-disk", LOST))
    _release(world)
    world.run_for(900)
    assert world.hypervisor.running(("default", "vm")) == []
    world.api.client("system:admin").delete("pods", "exporter", "default", grace=0)
    assert world.run(lambda: world.hypervisor.running(("default", "vm")) != [], 380)


@pytest.mark.parametrize("storage", [Storage.CONTAINER_DISK, Storage.RBD_SHARED])
def test_a_migration_in_flight_has_two_launchers_of_which_one_runs_the_guest(storage: Storage) -> None:
    vm = Vm("vm", storage, node=LOST)
    world = staged(Scene(NODES, (vm,)))
    target = migrate(world, vm)
    world.run_for(3600)
    assert phase(world, vm) == "Running"
    pods = {pod["spec"]["nodeName"]: pod["metadata"]["labels"] for pod in _launchers(world)}
    assert set(pods) == {LOST, target}
    assert pods[LOST]["kubevirt.io/created-by"] == pods[target]["kubevirt.io/created-by"]
    assert [node for node, labels in pods.items() if "kubevirt.io/migrationJobUID" in labels] == [target]
    assert world.hypervisor.running(("default", "vm")) == [LOST]
    assert world.hypervisor.double_writes == []


def test_a_vm_whose_migrations_target_is_lost_runs_on() -> None:
    vm = Vm("vm", node=LOST)
    world = staged(Scene(NODES, (vm,)))
    target = migrate(world, vm)
    world.hypervisor.power_cut(target)
    world.run_for(400)
    assert phase(world, vm) == "Failed"
    assert ["deletionTimestamp" in pod["metadata"] for pod in _launchers(world, target)] == [True]
    _release(world, target)
    world.run_for(60)
    assert world.hypervisor.running(("default", "vm")) == [LOST]
    assert up(world, Scene(NODES, (vm,)))


def test_a_vm_that_was_migrating_when_its_node_was_lost_is_started_anew_and_the_migration_cleaned_up() -> None:
    vm = Vm("vm", node=LOST)
    world = staged(Scene(NODES, (vm,)))
    migrate(world, vm)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world)
    assert world.run(lambda: up(world, Scene(NODES, (vm,))), 60)
    world.run_for(60)
    assert len(_launchers(world)) == 1
    assert world.hypervisor.double_runs == []
    with pytest.raises(ApiError):
        phase(world, vm)


def test_a_vm_whose_disk_is_not_shared_does_not_migrate() -> None:
    vm = Vm("vm", Storage.RBD_BLOCK, node=LOST)
    world = staged(Scene(NODES, (vm,)))
    with pytest.raises(RuntimeError, match="stays Pending"):
        migrate(world, vm)
