"""The controller manager as a process: its Lease, its clock, and another one in its place."""

import pytest

from simulator.client import Obj
from simulator.manager import ControllerManager
from simulator.scene import Scene, Storage, Vm, staged
from simulator.store.objects import epoch
from simulator.world import World

LOST = "node-a"
SCENE = Scene((LOST, "node-b", "node-c"), (Vm("vm", Storage.RBD_BLOCK, node=LOST),))


def _lease(world: World) -> Obj:
    spec: Obj = world.store.get("leases", "kube-controller-manager", "kube-system")["spec"]
    return spec


def _ready(world: World) -> Obj:
    conditions = world.store.get("nodes", LOST)["status"]["conditions"]
    return next(entry for entry in conditions if entry["type"] == "Ready")


def _evicting(world: World) -> Obj:
    taints = world.store.get("nodes", LOST)["spec"]["taints"]
    return next(taint for taint in taints if taint["effect"] == "NoExecute")


def _release(world: World) -> None:
    client = world.api.client("system:admin")
    for pod in client.list("pods", labels="kubevirt.io=virt-launcher"):
        client.delete("pods", pod["metadata"]["name"], "default", grace=0)


def test_its_lease_is_renewed_to_the_microsecond() -> None:
    world = staged(SCENE)
    world.run_for(60)
    lease = _lease(world)
    assert 0 <= world.now - epoch(lease["renewTime"]) <= 5
    assert len(lease["renewTime"]) == len("2026-11-23T06:12:56.671324Z")
    assert (lease["holderIdentity"], lease["leaseTransitions"]) == ("kube-controller-manager-0", 0)


@pytest.mark.parametrize("skew", [-3600.0, 120.0])
def test_what_it_writes_bears_its_own_clock(skew: float) -> None:
    world = staged(SCENE)
    ControllerManager(world).leader.skew = skew
    world.hypervisor.power_cut(LOST)
    cut = world.now
    world.run_for(120)
    assert 0 <= world.now + skew - epoch(_lease(world)["renewTime"]) <= 5
    for stamp in (_ready(world)["lastTransitionTime"], _evicting(world)["timeAdded"]):
        assert 39 < epoch(stamp) - skew - cut < 56


def test_a_clock_that_is_wrong_changes_no_window() -> None:
    world = staged(SCENE)
    ControllerManager(world).leader.skew = -3600.0
    world.hypervisor.power_cut(LOST)
    world.run_for(330)
    pods = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher")
    assert "deletionTimestamp" not in pods[0]["metadata"]
    world.run_for(30)
    pods = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher")
    assert "deletionTimestamp" in pods[0]["metadata"]


def test_while_it_is_away_nothing_is_marked_and_its_lease_grows_old() -> None:
    world = staged(SCENE)
    world.run_for(10)
    ControllerManager(world).stop()
    before = _lease(world)
    world.hypervisor.power_cut(LOST)
    world.run_for(3600)
    assert _lease(world) == before
    assert _ready(world)["status"] == "True"


def test_another_one_takes_the_lease_over() -> None:
    world = staged(SCENE)
    world.run_for(10)
    ControllerManager(world).restart("kube-controller-manager-b")
    world.run_for(1)
    lease = _lease(world)
    assert (lease["holderIdentity"], lease["leaseTransitions"]) == ("kube-controller-manager-b", 1)
    assert lease["acquireTime"] == lease["renewTime"]


def test_another_one_taints_anew_and_leaves_the_nodes_transition_time_alone() -> None:
    world = staged(SCENE)
    world.hypervisor.power_cut(LOST)
    world.run_for(200)
    ready, taint = _ready(world), _evicting(world)
    manager = ControllerManager(world)
    manager.restart()
    world.run_for(60)
    assert _ready(world)["lastTransitionTime"] == ready["lastTransitionTime"]
    again = _evicting(world)
    assert epoch(again["timeAdded"]) == pytest.approx(world.now - 60, abs=6)
    assert epoch(again["timeAdded"]) > epoch(taint["timeAdded"])
    world.run_for(120)
    assert _evicting(world) == again


def test_another_one_counts_the_toleration_anew() -> None:
    world = staged(SCENE)
    world.hypervisor.power_cut(LOST)
    world.run_for(300)
    ControllerManager(world).restart()
    world.run_for(280)
    (pod,) = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher")
    assert "deletionTimestamp" not in pod["metadata"]
    world.run_for(40)
    (pod,) = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher")
    assert "deletionTimestamp" in pod["metadata"]


def test_another_one_waits_the_six_minutes_anew() -> None:
    world = staged(SCENE)
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    _release(world)
    world.run_for(300)
    ControllerManager(world).restart()
    world.run_for(340)
    assert world.hypervisor.running(("default", "vm")) == []
    assert world.run(lambda: world.hypervisor.running(("default", "vm")) != [], 40)


def test_another_one_does_not_evict_where_kubernetes_has_stopped_evicting() -> None:
    nodes = tuple(f"node-{letter}" for letter in "abcde")
    world = staged(Scene(nodes, ()))
    for node in nodes[:4]:
        world.hypervisor.power_cut(node)
        world.run_for(6)
    world.run_for(120)
    before = [world.store.get("nodes", node)["spec"]["taints"] for node in nodes[:4]]
    ControllerManager(world).restart()
    world.run_for(120)
    assert [world.store.get("nodes", node)["spec"]["taints"] for node in nodes[:4]] == before


def test_nodes_that_are_lost_in_another_zone_do_not_stop_eviction() -> None:
    nodes = tuple(f"node-{letter}" for letter in "abcdef")
    world = staged(Scene(nodes, ()))
    admin = world.api.client("system:admin")
    for node in nodes:
        zone = {"topology.kubernetes.io/zone": "far" if node in nodes[:4] else "near"}
        admin.patch("nodes", node, {"metadata": {"labels": zone}})
    for node in (*nodes[:3], nodes[4]):
        world.hypervisor.power_cut(node)
    world.run_for(120)
    effects = [{taint["effect"] for taint in world.store.get("nodes", node)["spec"]["taints"]} for node in nodes[2:5:2]]
    assert effects == [{"NoSchedule"}, {"NoSchedule", "NoExecute"}]
