"""The actors that go to a cluster with machines of its own: whose nodes they serve, and in whose name they write."""

import pytest

from simulator.actors.attach_detach import attachment_name
from simulator.actors.cast import MACHINERY, machinery
from simulator.client import Obj
from simulator.scene import Scene, Storage, Vm, add_node, build
from simulator.timing import Timing
from simulator.world import World

OURS, FOREIGN = "ours", "somebodys"


@pytest.fixture
def world() -> World:
    """Two nodes with a pod and an attachment each; we have the machine of only one."""
    world = World()
    admin = world.api.client("system:admin")
    build(Scene((OURS,), (Vm("vm", Storage.RBD_BLOCK),)), admin, world.hypervisor)
    add_node(admin, world.hypervisor, FOREIGN, 1)
    del world.hypervisor.machines[FOREIGN]
    volume = admin.list("persistentvolumes")[0]
    for node in (OURS, FOREIGN):
        admin.create("volumeattachments", _attachment(volume, node))
    return world


def _attachment(volume: Obj, node: str) -> Obj:
    source = {"persistentVolumeName": volume["metadata"]["name"]}
    spec = {"attacher": volume["spec"]["csi"]["driver"], "nodeName": node, "source": source}
    return {"metadata": {"name": attachment_name(volume, node)}, "spec": spec}


def _pod(world: World, node: str) -> Obj:
    """The pod of virt-handler that every node has from the scene."""
    return world.api.client("system:admin").list("pods", "kubevirt", fields=f"spec.nodeName={node}")[0]


def _lived(world: World, *names: str) -> World:
    world.add(*machinery(world.api.client, world.hypervisor, Timing(), names))
    world.run_for(60)
    return world


def _changed_by_actors(world: World) -> set[tuple[str, str]]:
    """(user, name of the object) of all their writes."""
    writes = [entry for entry in world.api.audit if entry.verb not in {"get", "list", "watch"}]
    return {(entry.user, entry.name) for entry in writes if entry.user != "system:admin"}


def test_only_nodes_with_a_machine_of_ours_are_served(world: World) -> None:
    admin = _lived(world, *MACHINERY).api.client("system:admin")
    assert {va["spec"]["nodeName"] for va in admin.list("volumeattachments") if va.get("status")} == {OURS}
    assert (_pod(world, OURS)["status"]["phase"], _pod(world, FOREIGN)["status"]["phase"]) == ("Running", "Pending")
    assert "conditions" not in admin.get("nodes", FOREIGN)["status"]
    assert "kubevirt.io/heartbeat" not in admin.get("nodes", FOREIGN)["metadata"]["annotations"]
    written = {name for _, name in _changed_by_actors(world)}
    assert not written & {FOREIGN, _pod(world, FOREIGN)["metadata"]["name"]}


def test_a_kubelet_writes_as_its_own_node(world: World) -> None:
    written = _changed_by_actors(_lived(world, "kubelet"))
    assert {user for user, _ in written} == {f"system:node:{OURS}"}
    assert {OURS, _pod(world, OURS)["metadata"]["name"]} <= {name for _, name in written}


@pytest.mark.parametrize("name", MACHINERY)
def test_only_who_is_named_acts(world: World, name: str) -> None:
    users = {user for user, _ in _changed_by_actors(_lived(world, name))}
    assert len(users) == 1
    assert name.removesuffix("let") in users.pop().replace("system:node:", "kube")


def test_nobody_else_can_be_named(world: World) -> None:
    with pytest.raises(KeyError):
        machinery(world.api.client, world.hypervisor, Timing(), ["scheduler"])
