"""BMCs that lie, mix machines up or keep silent, and machines whose firmware says that they are others."""

import pytest

from reactor.model.errors import FenceError
from rehearsal.twins.bmc import MachineBmcs
from simulator.scene import Scene, Vm, staged
from simulator.world import World

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
SAME = "4c4c4544-0043-3510-8051-b7c04f4a3532"


@pytest.fixture
def world() -> World:
    return staged(Scene(NODES, (Vm("web", node=LOST),)))


def _bmcs(world: World) -> MachineBmcs:
    machines = world.hypervisor.machines
    return MachineBmcs(world.hypervisor, {name: machine.system_uuid for name, machine in machines.items()})


def _told(world: World, node: str) -> str:
    """The system UUID in its Node's status."""
    return str(world.store.get("nodes", node)["status"]["nodeInfo"]["systemUUID"])


@pytest.mark.parametrize("word", ["Off", "PoweringOff", "Off" * 100])
def test_a_bmc_may_say_off_of_a_machine_that_is_on(world: World, word: str) -> None:
    bmcs = _bmcs(world)
    bmcs.words[LOST] = word
    assert bmcs.read(LOST).power == word[:60]
    assert world.hypervisor.running(("default", "web")) == [LOST]


def test_an_off_may_be_another_machines_of_the_same_uuid(world: World) -> None:
    for node in (LOST, "node-b"):
        world.hypervisor.set_firmware(node, SAME)
    bmcs = _bmcs(world)
    bmcs.swapped[LOST] = "node-b"
    world.hypervisor.power_cut("node-b")
    assert (bmcs.read(LOST).power, bmcs.read(LOST).uuid) == ("Off", SAME)
    assert world.hypervisor.machines[LOST].powered


def test_an_order_to_a_swapped_bmc_of_the_same_uuid_hits_the_other_machine(world: World) -> None:
    bmcs = MachineBmcs(world.hypervisor, dict.fromkeys(NODES, SAME), swapped={LOST: "node-b"})
    bmcs.force_off(LOST, SAME)
    assert bmcs.orders == ["node-b"]
    assert [stop.node for stop in world.hypervisor.stops] == ["node-b"]


def test_a_bmc_may_carry_an_order_out_without_an_answer(world: World) -> None:
    bmcs = _bmcs(world)
    bmcs.mute.add(LOST)
    with pytest.raises(FenceError, match="does not answer in time"):
        bmcs.force_off(LOST, bmcs.uuids[LOST])
    assert not world.hypervisor.machines[LOST].powered


def test_kubelets_report_the_uuid_that_the_firmware_bears(world: World) -> None:
    own = _told(world, "node-c")
    world.hypervisor.set_firmware(LOST, SAME)
    world.hypervisor.set_firmware("node-b", SAME)
    world.run_for(301)
    assert [_told(world, node) for node in NODES] == [SAME, SAME, own]
    world.hypervisor.set_firmware(LOST, "")
    world.run_for(301)
    assert _told(world, LOST) == ""
