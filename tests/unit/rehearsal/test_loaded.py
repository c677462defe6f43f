"""A cluster that was read and loaded again lives on as the one that it was read from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from rehearsal.loaded import loaded
from rehearsal.outage import Played, played
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import DEMO, LOST, Scene, Storage, Vm, staged
from simulator.world import World
from tests.support.virtual import Play
from vmdrift.snapshot import everything
from workers.decide.decision import Passed

STAY = {"shop/licence": "pinned-to-node", "shop/scratch": "node-local-volume"}


def _read(world: World) -> Mapping[str, Any]:
    return everything(ApiCluster(world.api, "admin"), world.now).objects


@pytest.fixture(scope="module")
def demo() -> tuple[Mapping[str, Any], float]:
    world = staged(DEMO)
    return _read(world), world.now


def _rehearsed(demo: tuple[Mapping[str, Any], float], policy: Policy, **more: bool) -> dict[str, Played]:
    return {str(one.vm): one for one in played(loaded(*demo), [LOST], policy, **more)}


@pytest.mark.parametrize("fencing", [(), ("redfish",)])
def test_every_vm_ends_as_where_the_same_cluster_is_played_without_being_read(
    demo: tuple[Mapping[str, Any], float], fencing: tuple[str, ...]
) -> None:
    policy = Policy(fencing=fencing)
    found = _rehearsed(demo, policy)
    play = Play.of(DEMO, replace(policy, fencing=()), waker=True)
    play.world.hypervisor.power_cut(LOST)
    assert play.until_ended(1500)
    assert {vm: (one.phase, one.reason) for vm, one in found.items()} == {
        f"shop/{vm.name}": play.story(vm.name) for vm in DEMO.vms if vm.node == LOST
    }
    assert {vm: one.reason for vm, one in found.items() if one.down is None} == STAY
    assert not any(one.twice for one in found.values())


def test_with_proof_vms_run_again_within_half_a_minute_and_where_bmcs_are_dark_after_the_windows(
    demo: tuple[Mapping[str, Any], float],
) -> None:
    proven, dark = (_rehearsed(demo, Policy(fencing=("redfish",)), silent=silent) for silent in (False, True))
    assert all(one.down < 30 for one in proven.values() if one.down is not None)
    assert all(one.down > 300 for one in dark.values() if one.down is not None)
    assert {vm for vm, one in proven.items() if one.down} == {vm for vm, one in dark.items() if one.down}


def test_a_volume_that_the_lost_node_holds_costs_six_minutes_more(demo: tuple[Mapping[str, Any], float]) -> None:
    found = _rehearsed(demo, Policy())
    web, database = found["shop/web"].down, found["shop/database"].down
    assert web
    assert database
    assert 350 < database - web < 380


def test_a_node_that_was_lost_when_it_was_read_stays_so() -> None:
    play = Play.of(Scene(("node-a", "node-b", "node-c"), (Vm("web", node="node-b"),)))
    play.world.hypervisor.power_cut("node-a")
    play.world.run_for(120)
    world = loaded(_read(play.world), play.world.now)
    assert not world.hypervisor.machines["node-a"].powered
    (web,) = played(world, ["node-b"], Policy(max_unreachable="2"))
    assert web.node == "node-c"


def test_two_nodes_that_are_lost_at_once_are_played_at_once() -> None:
    vms = (Vm("one", node="node-a"), Vm("two", node="node-b"), Vm("disk", Storage.RBD_BLOCK, node="node-b"))
    world = staged(Scene(tuple(f"node-{letter}" for letter in "abcdef"), vms))
    found = played(loaded(_read(world), world.now), ["node-a", "node-b"], Policy())
    assert {one.vm.name: one.phase for one in found} == dict.fromkeys(("one", "two", "disk"), "completed")
    assert not {one.node for one in found} & {"node-a", "node-b"}
    three = played(loaded(_read(world), world.now), ["node-a", "node-b", "node-c"], Policy())
    assert {one.reason for one in three} == {"too-many-nodes-lost"}


def test_where_a_check_of_the_product_is_broken_the_rehearsal_shows_it(
    demo: tuple[Mapping[str, Any], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the product's own code that is played, and no copy of its rules."""
    before = _rehearsed(demo, Policy())["shop/licence"]
    monkeypatch.setattr("workers.decide.placement", lambda *_: Passed("It may go anywhere."))
    after = _rehearsed(demo, Policy())["shop/licence"]
    assert (before.phase, before.reason) == ("refused", "pinned-to-node")
    assert (after.phase, after.reason) == ("failed", "start-deadline")
