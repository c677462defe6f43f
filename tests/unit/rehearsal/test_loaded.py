"""A cluster that was read and loaded again lives on as the one that it was read from."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from reactor.model.drift import Policy
from rehearsal.course import Course, Part
from rehearsal.loaded import loaded
from rehearsal.outage import Played, played
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import DEMO, LOST, Scene, Storage, Vm, staged
from simulator.world import World
from tests.support.virtual import Play
from vmdrift.snapshot import everything
from workers.decide.decision import Passed

_AS_IS = Course()
STAY = {"shop/licence": "pinned-to-node", "shop/scratch": "node-local-volume"}


def _read(world: World) -> Mapping[str, Any]:
    return everything(ApiCluster(world.api, "admin"), world.now).objects


@pytest.fixture(scope="module")
def demo() -> tuple[Mapping[str, Any], float]:
    world = staged(DEMO)
    return _read(world), world.now


def _rehearsed(demo: tuple[Mapping[str, Any], float], policy: Policy, course: Course = _AS_IS) -> dict[str, Played]:
    return {str(one.vm): one for one in played(loaded(*demo), [LOST], policy, course)}


def _reason(one: Played) -> str:
    assert one.record
    return one.record.reason


@pytest.mark.parametrize("fencing", [(), ("redfish",)])
def test_every_vm_ends_as_where_the_same_cluster_is_played_without_being_read(
    demo: tuple[Mapping[str, Any], float], fencing: tuple[str, ...]
) -> None:
    policy = Policy(fencing=fencing)
    found = _rehearsed(demo, policy)
    play = Play.of(DEMO, replace(policy, fencing=()), waker=True)
    play.world.hypervisor.power_cut(LOST)
    assert play.until_ended(1500)
    assert {vm: (one.record.phase.value, one.record.reason) for vm, one in found.items() if one.record} == {
        f"shop/{vm.name}": play.story(vm.name) for vm in DEMO.vms if vm.node == LOST
    }
    assert {vm: _reason(one) for vm, one in found.items() if one.down is None} == STAY
    assert not any(one.twice for one in found.values())


def test_with_proof_vms_run_again_within_half_a_minute_and_where_bmcs_are_dark_after_the_windows(
    demo: tuple[Mapping[str, Any], float],
) -> None:
    policy = Policy(fencing=("redfish",))
    proven, dark = (_rehearsed(demo, policy, Course(proof_after=after)) for after in (0.0, inf))
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
    assert {one.vm.name: one.record.phase.value for one in found if one.record} == dict.fromkeys(
        ("one", "two", "disk"), "completed"
    )
    assert not {one.node for one in found} & {"node-a", "node-b"}
    three = played(loaded(_read(world), world.now), ["node-a", "node-b", "node-c"], Policy())
    assert {_reason(one) for one in three} == {"too-many-nodes-lost"}


def test_where_a_check_of_the_product_is_broken_the_rehearsal_shows_it(
    demo: tuple[Mapping[str, Any], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the product's own code that is played, and no copy of its rules."""
    before = _rehearsed(demo, Policy())["shop/licence"]
    monkeypatch.setattr("workers.decide.placement", lambda *_: Passed("It may go anywhere."))
    after = _rehearsed(demo, Policy())["shop/licence"]
    assert _reason(before) == "pinned-to-node"
    assert _reason(after) == "start-deadline"


def test_a_bmc_that_answers_after_a_while_is_proof_from_then_on(demo: tuple[Mapping[str, Any], float]) -> None:
    found = _rehearsed(demo, Policy(fencing=("redfish",)), Course(proof_after=90.0))
    assert all(90 <= one.down < 120 for one in found.values() if one.down is not None)


def test_a_node_that_is_back_runs_what_could_not_go_elsewhere(demo: tuple[Mapping[str, Any], float]) -> None:
    found = _rehearsed(demo, Policy(), Course(back_after=900.0))
    back = {vm: one for vm, one in found.items() if one.node == LOST}
    assert back.keys() == STAY.keys()
    assert all(one.down and 900 < one.down < 1200 for one in back.values())


@pytest.mark.parametrize("part", list(Part))
def test_what_vm_drift_loses_of_itself_keeps_no_vm_down(demo: tuple[Mapping[str, Any], float], part: Part) -> None:
    policy = Policy(fencing=("redfish",))
    whole, found = (_rehearsed(demo, policy, course) for course in (_AS_IS, Course(lose=frozenset({part}))))
    assert {vm for vm, one in found.items() if one.down is None} == STAY.keys()
    assert not any(one.twice for one in found.values())
    later = [found[vm].down - one.down for vm, one in whole.items() if one.down and found[vm].down]  # type: ignore[operator]
    assert (min(later) > 50) == (part is Part.OWN_NODE)
