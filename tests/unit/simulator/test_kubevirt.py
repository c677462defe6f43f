"""What KubeVirt asks of a virt-handler, as a real one was seen to: whose name it writes in, and what it writes."""

import pytest

from simulator.actors.cast import Phases, control_plane, kubevirt, machinery
from simulator.actors.objects import condition
from simulator.api.node_restriction import HANDLER
from simulator.api.patch import merge
from simulator.client import ApiError, Client, Obj
from simulator.scene import Scene, Storage, Vm, build, staged
from simulator.timing import Timing
from simulator.world import World

VMIS = "virtualmachineinstances"
A, B = "worker-1", "worker-2"


@pytest.fixture
def world() -> World:
    """Two nodes, and a VM on the first."""
    return staged(Scene((A, B), (Vm("vm", node=A, namespace="default"),)))


def _vmi(client: Client) -> Obj:
    return client.get(VMIS, "vm", "default")


def _labelled(client: Client, label: str = "seen") -> None:
    client.patch(VMIS, "vm", {"metadata": {"labels": {label: "yes"}}}, "default")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("", "422 .* Node restriction failed, virt-handler service account is missing node name"),
        (B, "422 .* Node restriction, virt-handler is only allowed to modify VMIs it owns"),
    ],
)
def test_a_virt_handler_that_does_not_name_the_instances_node_is_refused(world: World, node: str, words: str) -> None:
    handler = world.api.client(HANDLER, node)
    with pytest.raises(ApiError, match=words):
        _labelled(handler, "refused")
    with pytest.raises(ApiError, match=words):
        handler.update(VMIS, _vmi(handler))
    assert "refused" not in _vmi(handler)["metadata"]["labels"]


@pytest.mark.parametrize("node", ["", B])
def test_a_virt_handler_beats_for_its_own_node_only(world: World, node: str) -> None:
    beat = {"metadata": {"annotations": {"kubevirt.io/heartbeat": "now"}}}
    with pytest.raises(ApiError, match=r"403 .* this user cannot modify this node"):
        world.api.client(HANDLER, node).patch("nodes", A, beat)
    world.api.client(HANDLER, A).patch("nodes", A, beat)


def test_a_virt_handler_writes_the_instances_of_its_node_and_those_that_come_to_it(world: World) -> None:
    _labelled(world.api.client(HANDLER, A))
    state = {"status": {"migrationState": {"sourceNode": A, "targetNode": B}}}
    world.api.client("system:kubevirt:virt-controller").patch(VMIS, "vm", state, "default")
    _labelled(world.api.client(HANDLER, B))


def test_an_instance_whose_conditions_lost_their_nulls_stays_as_it_is_until_they_are_back(world: World) -> None:
    handler = world.api.client(HANDLER, A)
    right = {"status": {"conditions": _vmi(handler)["status"]["conditions"]}}
    handler.patch(VMIS, "vm", right, "default")  # a merge patch, which loses them
    world.hypervisor.power_cut(A)
    world.run_for(100)
    assert condition(_vmi(handler), "Ready")["status"] == "True"
    refused = [entry for entry in world.api.audit if (entry.resource, entry.code) == (VMIS, 422)]
    assert {(entry.verb, entry.user) for entry in refused} == {("patch", "system:kubevirt:virt-controller")}
    handler.update(VMIS, merge(_vmi(handler), right))
    world.run_for(10)
    assert condition(_vmi(handler), "Ready")["status"] == "False"


def test_a_hotplugged_volume_is_not_attached_before_virt_handler_has_told_the_selinux_context() -> None:
    world = World()
    admin, handler = world.api.client("system:admin"), world.api.client(HANDLER, A)
    build(Scene((A,), (Vm("vm", Storage.RBD_HOTPLUGGED, node=A, namespace="default"),)), admin, world.hypervisor)
    without = ("kubelet", "csi-attacher")
    world.add(*control_plane(world.api.client, Timing(), Phases()), *kubevirt(world.api.client, Timing(), Phases()))
    world.add(*machinery(world.api.client, world.hypervisor, Timing(), without))
    world.run_for(60)
    handler.update(VMIS, merge(_vmi(admin), {"status": {"phase": "Running"}}))
    world.run_for(60)
    (volume,) = (entry for entry in _vmi(admin)["status"]["volumeStatus"] if "hotplugVolume" in entry)
    assert (volume["phase"], volume["reason"]) == ("Bound", "PVCNotReady")
    assert admin.list("pods", "default", "kubevirt.io=hotplug-disk") == []
    handler.update(VMIS, merge(_vmi(admin), {"status": {"selinuxContext": "none"}}))
    world.run_for(60)
    (attachment,) = admin.list("pods", "default", "kubevirt.io=hotplug-disk")
    assert attachment["status"]["phase"] == "Running"


def test_a_hotplugged_disk_is_on_the_bus_that_was_recorded() -> None:
    world = World()
    admin = world.api.client("system:admin")
    build(Scene((A,), (Vm("vm", Storage.RBD_HOTPLUGGED, node=A, namespace="default"),)), admin, world.hypervisor)
    spec = admin.get("virtualmachines", "vm", "default")["spec"]["template"]["spec"]
    buses = {disk["name"]: disk["disk"]["bus"] for disk in spec["domain"]["devices"]["disks"]}
    assert buses == {"root": "virtio", "data": "scsi"}
