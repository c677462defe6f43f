"""A worker, watcher or intake dies before or after any one of its calls: its drift completes, with one DELETE."""

import pytest

from simulator.scene import Scene, Storage, Vm
from tests.mortal import Fate, mortal
from tests.virtual import Play

LOST = "node-a"
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("disk", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("plain", node=LOST),
    ),
)
_PARTS = 4  # of the calls of a story: so many tests, so that one failure names its part


def _story(fate: Fate) -> Play:
    play = Play.of(SCENE)
    play.world.remove(play.reactor)
    play.reactor = mortal(play.world, fate)
    play.world.add(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.until_ended()
    return play


@pytest.fixture(scope="module")
def calls() -> int:
    """How many calls the undisturbed story takes."""
    fate = Fate()
    _story(fate)
    return fate.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("part", range(_PARTS))
def test_killed_at_every_call_each_vm_completes_and_each_pod_is_deleted_once(
    calls: int, part: int, *, after: bool
) -> None:
    for at in range(part, calls, _PARTS):
        fate = Fate(at, after=after)
        play = _story(fate)
        assert fate.killed
        assert {record.phase.value for record in play.records} == {"completed"}, fate.where
        assert len(play.records) == len(SCENE.vms), fate.where
        assert len(play.auditor.deleted("pods")) == len(SCENE.vms), fate.where
        play.check()


def test_the_undisturbed_story_calls_every_door() -> None:
    fate = Fate()
    _story(fate)
    assert fate.doors == {"ApiCluster", "MemoryStore", "MemoryQueue"}
