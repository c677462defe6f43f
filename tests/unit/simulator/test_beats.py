"""When a node's signs of life come: virt-handler's beats jitter, and a boot shows in the Lease before the status."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from simulator.actors.objects import condition
from simulator.client import Obj
from simulator.scene import Scene, staged
from simulator.store.objects import epoch
from simulator.timing import SLOWEST_STATUS, Timing
from simulator.world import World

NODES = ("node-a", "node-b")


def _world(seed: int = 0, **timing: float) -> World:
    return staged(Scene(NODES, ()), seed, replace(Timing(), **timing))


def _node(world: World, name: str = "node-a") -> Obj:
    return world.store.get("nodes", name)


def _beats(world: World, seconds: int = 3600, name: str = "node-a") -> list[float]:
    """The heartbeats of so many seconds, as the node wrote them."""

    def look() -> Iterator[str]:
        for _ in range(seconds // 10):
            world.run_for(10)
            yield _node(world, name)["metadata"]["annotations"]["kubevirt.io/heartbeat"]

    return [epoch(beat) for beat in dict.fromkeys(look())]


def _gaps(beats: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(beats)]


def test_beats_are_a_minute_to_two_minutes_and_twelve_seconds_apart_and_seldom_alike() -> None:
    gaps = _gaps(_beats(_world()))
    assert 59 <= min(gaps) < 75
    assert 117 < max(gaps) <= 133
    assert len(set(gaps)) > len(gaps) / 2


def test_beats_repeat_with_the_seed_and_differ_between_seeds_and_nodes() -> None:
    world = _world(seed=7)
    first = _beats(world, 600)
    assert _beats(_world(seed=7), 600) == first
    assert _beats(_world(seed=8), 600) != first
    assert _gaps(_beats(world, 600, "node-b")) != _gaps(_beats(world, 600))


@pytest.mark.parametrize(("heartbeat", "longest"), [(60.0, 0.0), (130.0, 0.0), (150.0, 132.0)])
def test_beats_are_exact_where_the_longest_is_no_longer_than_the_shortest(heartbeat: float, longest: float) -> None:
    gaps = _gaps(_beats(_world(heartbeat=heartbeat, heartbeat_longest=longest)))
    assert all(abs(gap - heartbeat) <= 1 for gap in gaps)


def _booted(world: World) -> float:
    """Seconds from a boot to the status that says so; every Lease meanwhile is of that boot already."""
    world.hypervisor.power_cut("node-a")
    world.run_for(100)
    world.hypervisor.power_on("node-a")
    at = world.now
    assert world.run(lambda: _node(world)["status"]["nodeInfo"]["bootID"] == "node-a-boot2", 120)
    lease = epoch(world.store.get("leases", "node-a", "kube-node-lease")["spec"]["renewTime"])
    assert 0 <= world.now - lease <= 10
    return world.now - at


def test_a_boot_shows_in_the_status_up_to_a_minute_after_the_lease() -> None:
    late = [_booted(_world(seed, node_status_after_boot=SLOWEST_STATUS)) for seed in range(12)]
    assert min(late) < 15
    assert 45 < max(late) <= 60
    assert _booted(_world(3, node_status_after_boot=SLOWEST_STATUS)) == late[3]
    assert _booted(_world()) == 0


def test_until_its_status_tells_of_the_boot_a_node_is_unknown_though_its_lease_is_renewed() -> None:
    world = _world(seed=1, node_status_after_boot=SLOWEST_STATUS)
    world.hypervisor.power_cut("node-a")
    world.run_for(100)
    before = world.store.get("leases", "node-a", "kube-node-lease")["spec"]["renewTime"]
    world.hypervisor.power_on("node-a")
    world.run_for(1)
    assert world.store.get("leases", "node-a", "kube-node-lease")["spec"]["renewTime"] != before
    assert condition(_node(world), "Ready")["status"] == "Unknown"
    assert _node(world)["status"]["nodeInfo"]["bootID"] == "node-a-boot1"


def test_the_heartbeat_of_ready_stays_the_kubelets_last_one_while_the_node_is_lost() -> None:
    world = _world()
    before = condition(_node(world), "Ready")["lastHeartbeatTime"]
    world.hypervisor.cut_network("node-a")
    world.run_for(100)
    lost = condition(_node(world), "Ready")
    assert (lost["status"], lost["lastHeartbeatTime"]) == ("Unknown", before)
    world.hypervisor.restore_network("node-a")
    world.run_for(1)
    assert epoch(condition(_node(world), "Ready")["lastHeartbeatTime"]) == int(world.now - 1)


def test_a_kubelet_that_lives_takes_back_an_unknown_within_ten_seconds() -> None:
    world = _world()
    world.run_for(30)
    conditions = [entry | {"status": "Unknown"} for entry in _node(world)["status"]["conditions"]]
    admin = world.api.client("system:admin")
    admin.patch("nodes", "node-a", {"status": {"conditions": conditions}}, subresource="status")
    world.run_for(10)
    assert condition(_node(world), "Ready")["status"] == "True"
