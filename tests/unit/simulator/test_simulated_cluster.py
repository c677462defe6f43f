"""The cluster that lives by its actors: starts, losses, returns, volumes."""

from itertools import count
from zlib import crc32

import pytest

from simulator import shapes
from simulator.actors.cast import Phases, cast
from simulator.client import ApiError
from simulator.scene import DEMO, LOST, Scene, Storage, Vm, add_vm, build, staged, up
from simulator.store.objects import epoch
from simulator.timing import Timing
from simulator.world import World


def test_the_demo_starts_with_every_vm_where_it_was_wanted() -> None:
    world = staged(DEMO)
    assert {vm.name: world.hypervisor.running((vm.namespace, vm.name)) for vm in DEMO.vms} == {
        vm.name: [vm.node] for vm in DEMO.vms
    }


def test_a_launcher_has_half_a_minute_more_grace_than_its_guest() -> None:
    world = staged(DEMO)
    pods = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher")
    assert {pod["spec"]["terminationGracePeriodSeconds"] for pod in pods} == {60}


@pytest.mark.parametrize("minutes", [100, pytest.param(1000, marks=pytest.mark.nightly)])
def test_a_cluster_left_alone_only_beats(minutes: int) -> None:
    world = staged(DEMO)
    world.run_for(60)
    pods = {pod["metadata"]["uid"] for pod in world.api.client("test").list("pods")}
    world.api.audit.clear()
    world.run_for(60 * minutes)
    writes = {(entry.verb, entry.resource) for entry in world.api.audit if entry.verb != "get"}
    assert writes == {("patch", "leases"), ("patch", "nodes")}
    assert {pod["metadata"]["uid"] for pod in world.api.client("test").list("pods")} == pods
    assert world.hypervisor.double_runs == []
    assert up(world, DEMO)


@pytest.mark.parametrize("hours", [2, pytest.param(24, marks=pytest.mark.nightly)])
def test_without_any_automation_the_launchers_stay_terminating_for_ever(hours: int) -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(hours * 3600)
    pods = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher", fields=f"spec.nodeName={LOST}")
    assert {pod["metadata"]["labels"]["vm.kubevirt.io/name"] for pod in pods} == {
        vm.name for vm in DEMO.vms if vm.node == LOST
    }
    assert all("deletionTimestamp" in pod["metadata"] and pod["status"]["phase"] == "Running" for pod in pods)
    machines = world.api.client("test").list("virtualmachines", "shop")
    assert {vm["status"]["printableStatus"] for vm in machines} == {"Running"}


def test_a_vm_that_is_released_while_it_runs_on_behind_a_cut_network_runs_twice() -> None:
    world = staged(DEMO)
    world.hypervisor.cut_network(LOST)
    world.run_for(400)
    _release(world, "web")
    world.run_for(10)
    assert [double.vm for double in world.hypervisor.double_runs] == [("shop", "web")]
    assert len(world.hypervisor.running(("shop", "web"))) == 2


def test_the_old_copy_of_a_released_vm_is_stopped_when_its_node_is_heard_again() -> None:
    world = staged(DEMO)
    world.hypervisor.cut_network(LOST)
    world.run_for(400)
    _release(world, "web")
    world.run_for(10)
    world.hypervisor.restore_network(LOST)
    world.run_for(10)
    assert LOST not in world.hypervisor.running(("shop", "web"))


def test_a_network_that_comes_back_within_the_window_leaves_every_vm_in_place() -> None:
    world = staged(DEMO)
    before = _instances(world)
    world.hypervisor.cut_network(LOST)
    world.run_for(200)
    world.hypervisor.restore_network(LOST)
    world.run_for(600)
    assert _instances(world) == before
    assert up(world, DEMO)
    assert world.store.get("nodes", LOST)["spec"].get("taints") is None


def test_a_rebooted_node_starts_its_vms_again_by_itself() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(20)
    world.hypervisor.power_on(LOST)
    assert world.run(lambda: up(world, DEMO) and len(world.hypervisor.running(("shop", "licence"))) == 1, 120)
    assert world.store.get("nodes", LOST)["status"]["nodeInfo"]["bootID"] == f"{LOST}-boot2"


def test_a_volume_waits_six_minutes_for_its_lost_node() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world, "database")
    world.run_for(355)
    assert world.hypervisor.writers("0001-0009-rook-ceph-0000000000000001-shop-database-disk") == []
    world.run_for(15)
    assert len(world.hypervisor.writers("0001-0009-rook-ceph-0000000000000001-shop-database-disk")) == 1


def test_a_replaced_attach_detach_controller_waits_the_six_minutes_anew() -> None:
    world = World(7)
    build(DEMO, world.api.client("system:admin"), world.hypervisor)
    actors = cast(world.api.client, world.hypervisor, Timing(), Phases())
    world.add(*actors)
    world.run_for(60)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world, "database")
    world.run_for(300)
    old = next(actor for actor in actors if actor.name == "attach-detach")
    world.remove(old)
    world.add(next(a for a in cast(world.api.client, world.hypervisor, Timing(), Phases()) if a.name == old.name))
    world.run_for(300)
    assert world.hypervisor.running(("shop", "database")) == []
    assert world.run(lambda: world.hypervisor.running(("shop", "database")) != [], 80)


def test_multi_attach_is_told_once_for_a_pod_and_its_volume() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world, "database")
    world.run_for(300)
    events = world.api.client("test").list("events", "shop")
    told = [event["message"] for event in events if event["reason"] == "FailedAttachVolume"]
    held = "Volume is already exclusively attached to one node and can't be attached to another"
    assert told == [f'Multi-Attach error for volume "shop-database-disk" {held}']


def test_a_volume_that_its_living_node_no_longer_uses_is_detached_at_once() -> None:
    world = staged(DEMO)
    client = world.api.client("system:admin")
    client.patch("virtualmachines", "mail", {"spec": {"runStrategy": "Halted"}}, "office")
    world.run_for(20)
    attached = {obj["spec"]["source"]["persistentVolumeName"] for obj in client.list("volumeattachments")}
    assert attached == {f"shop-{name}-disk" for name in ("database", "queue", "files")}


def test_an_attachment_deleted_before_the_pod_is_made_again_on_the_dead_node() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    name = _attachment(world, "shop-database-disk")["metadata"]["name"]
    world.api.client("system:admin").delete("volumeattachments", name)
    world.run_for(70)
    again = _attachment(world, "shop-database-disk")
    assert (again["metadata"]["name"], again["spec"]["nodeName"]) == (name, LOST)


def test_the_out_of_service_taint_moves_a_vm_with_a_volume_within_half_a_minute() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    taints = world.store.get("nodes", LOST)["spec"]["taints"]
    gone = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    world.api.client("system:admin").patch("nodes", LOST, {"spec": {"taints": [*taints, gone]}})
    assert world.run(lambda: world.hypervisor.running(("shop", "database")) != [], 30)


def test_pods_of_a_deleted_node_are_collected_after_the_quarantine() -> None:
    world = staged(DEMO)
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    world.api.client("system:admin").delete("nodes", LOST)
    assert world.run(lambda: world.hypervisor.running(("shop", "web")) != [], 70)


def test_kubernetes_stops_evicting_when_most_of_a_zone_is_lost() -> None:
    nodes = tuple(f"node-{letter}" for letter in "abcde")
    world = staged(Scene(nodes, tuple(Vm(f"vm-{node}", node=node) for node in nodes)))
    for node in nodes[:4]:
        world.hypervisor.power_cut(node)
        world.run_for(6)
    world.run_for(900)
    effects = [{t["effect"] for t in world.store.get("nodes", node)["spec"]["taints"]} for node in nodes[:4]]
    assert effects == [{"NoSchedule", "NoExecute"}] * 2 + [{"NoSchedule"}] * 2


def test_a_hotplugged_disk_follows_its_vm() -> None:
    scene = Scene(("a", "b", "c"), (Vm("plug", Storage.RBD_HOTPLUGGED, node="a"),))
    world = staged(scene)
    world.hypervisor.power_cut("a")
    world.run_for(400)
    _release(world, "plug", "default")
    world.run_for(20)
    assert not up(world, scene)
    assert world.run(lambda: up(world, scene), 400)


@pytest.mark.parametrize(
    ("strategy", "again"), [("Always", True), ("RerunOnFailure", True), ("Manual", False), ("Once", False)]
)
def test_the_run_strategy_decides_whether_a_released_vm_comes_back(strategy: str, *, again: bool) -> None:
    world = staged(Scene(("a", "b", "c"), (Vm("one", node="a", run_strategy=strategy),)))
    world.hypervisor.power_cut("a")
    world.run_for(400)
    _release(world, "one", "default")
    world.run_for(60)
    assert bool(world.hypervisor.running(("default", "one"))) is again


def test_a_halted_vm_does_not_start() -> None:
    world = staged(Scene(("a",), (Vm("off", run_strategy="Halted"),)))
    world.run_for(60)
    assert world.hypervisor.running(("default", "off")) == []


def test_another_user_of_a_claim_keeps_the_volume_wanted_on_the_lost_node() -> None:
    world = staged(DEMO)
    world.api.client("system:admin").create("pods", shapes.plain_pod("shop", "backup", LOST, "database-disk"))
    world.run_for(10)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world, "database")
    world.run_for(600)
    assert _attachment(world, "shop-database-disk")["spec"]["nodeName"] == LOST


def test_a_deleted_vm_goes_with_its_pod() -> None:
    world = staged(DEMO)
    world.api.client("system:admin").delete("virtualmachines", "wiki", "office")
    world.run_for(30)
    names = {vm["metadata"]["name"] for vm in world.api.client("test").list("virtualmachines", "office")}
    assert names == {"mail"}
    assert world.hypervisor.running(("office", "wiki")) == []


def test_a_scene_that_cannot_come_up_is_refused() -> None:
    with pytest.raises(RuntimeError, match="does not come up"):
        staged(Scene(("a",), (Vm("nowhere", node="z", pinned=True),)))


def test_a_scaled_timing_scales_every_duration_and_what_objects_declare() -> None:
    fast = Timing().scaled(0.1)
    assert fast.unmount_wait == pytest.approx(36)
    assert fast.declared(300) == pytest.approx(30)


def test_a_cluster_gets_over_an_api_server_that_refuses_a_third_of_all_requests() -> None:
    world, asked = World(), count()
    answers = [ApiError(409, "Conflict", ""), ApiError(503, "ServiceUnavailable", ""), None, None, None, None]
    build(DEMO, world.api.client("system:admin"), world.hypervisor)
    world.add(*cast(world.api.client, world.hypervisor, Timing(), Phases()))
    world.api.faults.append(lambda _: answers[crc32(b"%d" % next(asked)) % 6])
    assert world.run(lambda: up(world, DEMO), 600)
    world.hypervisor.power_cut(LOST)
    world.run_for(500)
    world.api.faults.clear()
    _release(world, "web")
    assert world.run(lambda: world.hypervisor.running(("shop", "web")) != [], 60)


def test_a_node_whose_kubelet_alone_is_dead_goes_on_running_and_beating() -> None:
    world = staged(DEMO)
    world.hypervisor.stop_kubelet(LOST)
    world.run_for(400)
    node = world.store.get("nodes", LOST)
    assert [c["status"] for c in node["status"]["conditions"]] == ["Unknown"] * 4
    assert world.now - epoch(node["metadata"]["annotations"]["kubevirt.io/heartbeat"]) <= 61
    assert world.hypervisor.running(("shop", "web")) == [LOST]
    world.hypervisor.start_kubelet(LOST)
    world.run_for(30)
    assert world.store.get("nodes", LOST)["spec"].get("taints") is None


def test_a_node_whose_virt_handler_alone_is_dead_is_ready_but_not_schedulable() -> None:
    world = staged(DEMO)
    world.hypervisor.stop_virt_handler(LOST)
    world.run_for(400)
    node = world.store.get("nodes", LOST)
    assert node["status"]["conditions"][-1]["status"] == "True"
    assert node["metadata"]["labels"]["kubevirt.io/schedulable"] == "false"
    world.hypervisor.start_virt_handler(LOST)
    world.run_for(1)
    assert world.store.get("nodes", LOST)["metadata"]["labels"]["kubevirt.io/schedulable"] == "true"


def test_a_fenced_node_writes_to_no_disk() -> None:
    world = staged(DEMO)
    disk = "0001-0009-rook-ceph-0000000000000001-shop-database-disk"
    assert world.hypervisor.writers(disk) == [LOST]
    world.hypervisor.block_storage(LOST)
    assert world.hypervisor.writers(disk) == []
    world.hypervisor.unblock_storage(LOST)
    assert world.hypervisor.writers(disk) == [LOST]


def test_a_late_vm_starts_in_a_running_cluster() -> None:
    world = staged(DEMO)
    late = Vm("late", Storage.RBD_SHARED, "shop", "worker-4")
    add_vm(world.api.client("system:admin"), late)
    assert world.run(lambda: up(world, Scene(DEMO.nodes, (late,))), 60)


def _release(world: World, name: str, namespace: str = "shop") -> None:
    """Force-delete the VM's launcher."""
    client = world.api.client("system:admin")
    for pod in client.list("pods", namespace, labels=f"vm.kubevirt.io/name={name}"):
        client.delete("pods", pod["metadata"]["name"], namespace, uid=pod["metadata"]["uid"], grace=0)


def _attachment(world: World, volume: str) -> dict[str, dict[str, str]]:
    attachments = world.api.client("test").list("volumeattachments")
    return next(obj for obj in attachments if obj["spec"]["source"]["persistentVolumeName"] == volume)


def _instances(world: World) -> set[str]:
    return {vmi["metadata"]["uid"] for vmi in world.api.client("test").list("virtualmachineinstances")}
