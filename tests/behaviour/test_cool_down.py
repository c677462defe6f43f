"""Most of the cluster was lost until a moment ago: then nothing is done, whether anybody looked meanwhile or not."""

import random

import pytest

from reactor.model.drift import Policy
from simulator.migrating import migrate
from simulator.scene import Scene, Storage, Vm
from simulator.store.objects import rfc3339
from tests.support.virtual import Play

NODES = tuple(f"node-{letter}" for letter in "abcde")
LOST, OTHERS = NODES[0], NODES[1:4]


def _healed(before: float, back: bool) -> Play:
    """A switch that dies port by port, repaired so many seconds before the first node's window ends."""
    play = Play.of(Scene(NODES, tuple(Vm(f"vm-{node[-1]}", node=node) for node in NODES)))
    hypervisor = play.world.hypervisor
    hypervisor.cut_network(LOST)
    play.world.run_for(60)
    for node in OTHERS:
        hypervisor.cut_network(node)
    assert play.until("vm-a", ("waiting", "unreachable-window"), limit=100)
    due = play.record("vm-a").again_at
    assert due
    play.world.run_for(due - play.world.now - before)
    for node in OTHERS:
        hypervisor.restore_network(node)
    if back:
        play.world.run_for(40)
        hypervisor.restore_network(LOST)
    return play


@pytest.mark.parametrize("before", [60.0, 18.0, 2.0, -12.0])
def test_a_node_that_is_back_a_moment_after_the_others_is_left_alone(before: float) -> None:
    play = _healed(before, back=True)
    play.world.run_for(400)
    assert play.auditor.deletions == []
    assert play.world.hypervisor.double_runs == []


def test_one_that_stays_away_is_left_a_minute_and_a_half_after_the_others_are_back() -> None:
    play = _healed(18.0, back=False)
    back = play.world.now
    assert play.world.run(lambda: bool(play.auditor.deletions), 400)
    assert 80.0 <= play.auditor.deletions[0].at - back < 130.0
    assert play.story("vm-b") == ("cancelled", "node-returned")


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_whatever_the_clock_of_a_node_that_is_back_shows(ahead: float) -> None:
    play = Play.of(Scene(NODES[:4], (Vm("vm-a", node=LOST),)), Policy(max_unreachable="1"))
    play.world.hypervisor.set_clock("node-b", ahead)
    play.world.run_for(600)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.world.hypervisor.cut_network("node-b")
    play.world.run_for(230)
    play.world.hypervisor.restore_network("node-b")
    back = play.world.now
    assert play.world.run(lambda: bool(play.auditor.deletions), 400)
    assert 80.0 <= play.auditor.deletions[0].at - back < 130.0


@pytest.mark.parametrize("age", [0.0, 3600.0])
def test_a_node_that_an_autoscaler_has_just_added_keeps_nobody_waiting(age: float) -> None:
    """The control is one that was there before, and became Ready at the same moment."""
    play = Play.of(Scene(NODES[:3], (Vm("vm-a", node=LOST),)))
    play.world.run_for(600)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(340)
    known, now = play.world.store.get("nodes", "node-b"), play.world.now
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(now)}
    new = {"name": "new", "creationTimestamp": rfc3339(now - age)}
    play.world.store.create("nodes", {**known, "metadata": new, "status": {**known["status"], "conditions": [ready]}})
    assert play.world.run(lambda: bool(play.auditor.deletions), 30) is (age == 0.0)


@pytest.mark.parametrize("seed", range(2))
def test_a_node_that_flaps_gives_no_second_writer_and_leaves_no_vm_down(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - what happens must repeat
    vms = (Vm("vm", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST))
    play = Play.of(Scene(NODES[:3], vms), seed=seed)
    for _ in range(12):
        play.world.hypervisor.cut_network(LOST)
        play.world.run_for(dice.choice([45, 60, 90, 150, 280, 320, 340]))
        play.world.hypervisor.restore_network(LOST)
        play.world.run_for(dice.choice([1, 2, 5, 11, 30]))
    play.world.run_for(900)
    assert (play.world.hypervisor.double_runs, play.world.hypervisor.double_writes) == ([], [])
    assert play.running("vm")
    assert play.running("plain")


@pytest.mark.parametrize("who", ["source", "target"])
def test_a_migration_in_flight_whose_one_side_is_proven_dead_gives_no_second_writer(who: str) -> None:
    vm = Vm("db", Storage.RBD_SHARED, node=LOST)
    play = Play.of(Scene(NODES[:3], (vm,)), Policy(fencing=("event",)))
    migrate(play.world, vm)
    at = {pod["spec"].get("nodeName") for pod in play.world.api.client("system:admin").list("pods", "default")}
    lost = LOST if who == "source" else next(node for node in at if node != LOST)
    play.world.hypervisor.power_cut(lost)
    play.world.run_for(70)
    play.confirm(lost)
    play.world.run_for(900)
    assert play.world.hypervisor.double_writes == []
    assert play.running("db")
