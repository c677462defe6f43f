"""Which machine a node is, and in which boot."""

from uuid import UUID

from simulator.scene import Scene, staged
from simulator.shapes import node
from simulator.world import World

LOST = "node-a"


def _staged() -> World:
    return staged(Scene((LOST, "node-b"), ()))


def test_a_nodes_first_status_says_which_machine_it_is_and_in_which_boot() -> None:
    info = node(LOST, 0)["status"]["nodeInfo"]
    assert info["bootID"] == f"{LOST}-boot1"
    assert str(UUID(info["systemUUID"])) == info["systemUUID"]
    assert node(LOST, 0)["status"]["nodeInfo"] == info
    assert node("node-b", 1)["status"]["nodeInfo"]["systemUUID"] != info["systemUUID"]


def test_a_boot_changes_the_boot_and_not_the_machine() -> None:
    world = _staged()
    before = world.store.get("nodes", LOST)["status"]["nodeInfo"]
    world.hypervisor.power_cut(LOST)
    world.hypervisor.power_on(LOST)
    world.run_for(5)
    assert world.store.get("nodes", LOST)["status"]["nodeInfo"] == before | {"bootID": f"{LOST}-boot2"}


def test_a_kubelet_says_of_a_node_that_others_registered_which_machine_it_is() -> None:
    world = _staged()
    wrong = {"status": {"nodeInfo": {"systemUUID": "x", "bootID": "y"}}}
    world.api.client("system:admin").patch("nodes", LOST, wrong, subresource="status")
    world.run_for(301)
    machine = world.hypervisor.machines[LOST]
    info = world.store.get("nodes", LOST)["status"]["nodeInfo"]
    assert (info["systemUUID"], info["bootID"]) == (machine.system_uuid, machine.boot_id)
