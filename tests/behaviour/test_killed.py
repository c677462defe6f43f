"""A worker, watcher or intake dies before or after any one of its calls: its drift completes, with one DELETE."""

import pytest

from simulator.scene import Scene, Storage, Vm
from tests.branches import Branches
from tests.mortal import Fate, mortal
from tests.virtual import Play

LOST = "node-a"
_MANY = 50  # kills in a story, at least
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("disk", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("plain", node=LOST),
    ),
)


def _story(fate: Fate) -> Play:
    play = Play.of(SCENE)
    play.world.remove(play.reactor)
    play.reactor = mortal(play.world, fate)
    play.world.add(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.until_ended()
    return play


@pytest.mark.long(5)
@pytest.mark.parametrize("reads", [False, pytest.param(True, marks=[pytest.mark.nightly, pytest.mark.timeout(600)])])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_call_each_vm_completes_and_each_pod_is_deleted_once(*, after: bool, reads: bool) -> None:
    with Branches(after=after, reads=reads) as fate:
        _check(_story(fate))
    assert fate.failed == {}
    assert fate.kills > _MANY


def _check(play: Play) -> None:
    assert {record.phase.value for record in play.records} == {"completed"}
    assert len(play.records) == len(SCENE.vms)
    assert len(play.auditor.deleted("pods")) == len(SCENE.vms)
    play.check()


def test_the_undisturbed_story_calls_every_door() -> None:
    fate = Fate()
    _story(fate)
    assert fate.doors == {"ApiCluster", "MemoryStore", "MemoryQueue"}
