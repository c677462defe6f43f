"""What the hypervisor writes down for a judge: living machines stopped, by whom, and how long VMs were down."""

import pytest

from rehearsal.twins.bmc import MachineBmcs
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.fencing import CLASS, add_storage_clients
from simulator.machines.harm import Stop, Uptime
from simulator.scene import Scene, Storage, Vm, staged
from simulator.world import World

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
WEB, DB = ("default", "web"), ("default", "db")


@pytest.fixture
def world() -> World:
    return staged(Scene(NODES, (Vm("web", node=LOST), Vm("db", Storage.RBD_BLOCK, node=LOST))))


def test_a_living_machine_that_loses_power_is_a_stop_with_the_vms_that_ran_there(world: World) -> None:
    hypervisor = world.hypervisor
    hypervisor.power_cut(LOST)
    hypervisor.power_cut(LOST)
    hypervisor.power_cut("node-b")
    assert hypervisor.stops == [Stop(LOST, world.now, "", (DB, WEB)), Stop("node-b", world.now)]


def test_a_bmc_and_a_remediation_stop_machines_in_their_own_name(world: World) -> None:
    bmcs = MachineBmcs(world.hypervisor, {LOST: "uuid"})
    bmcs.force_off(LOST, "uuid")
    bmcs.force_off(LOST, "uuid")
    admin = world.api.client("system:admin")
    world.add(Remediator(admin, world.hypervisor))
    for node in (LOST, "node-b"):
        admin.create("fenceagentsremediations", {"metadata": {"name": node, "namespace": "fencing"}, "spec": {}})
    world.run_for(10)
    told = [(stop.node, stop.by, stop.vms, stop.how) for stop in world.hypervisor.stops]
    assert told == [(LOST, "redfish", (DB, WEB), "power"), ("node-b", "remediation", (), "power")]


def test_storage_that_is_taken_from_a_living_machine_is_a_stop_with_the_vms_that_wrote_there(world: World) -> None:
    admin = world.api.client("system:admin")
    world.add(NetworkFencer(admin, world.hypervisor, add_storage_clients(admin, NODES)))
    spec = {"networkFenceClassName": CLASS, "fenceState": "Fenced", "cidrs": ["10.9.0.1/32"]}
    admin.create("networkfences", {"metadata": {"name": "first"}, "spec": spec})
    world.run_for(5)
    (stop,) = world.hypervisor.stops
    assert (stop.node, stop.by, stop.vms, stop.how) == (LOST, "network-fence", (DB,), "storage")
    admin.create("networkfences", {"metadata": {"name": "again"}, "spec": spec})
    world.run_for(5)
    assert world.hypervisor.stops == [stop]


def test_what_is_off_is_not_stopped_by_a_block(world: World) -> None:
    world.hypervisor.power_cut(LOST)
    world.hypervisor.block_storage(LOST)
    assert [stop.how for stop in world.hypervisor.stops] == ["power"]


def test_how_long_a_vm_ran_nowhere_is_known_to_the_second(world: World) -> None:
    uptime, began = world.hypervisor.uptime, world.now
    world.run_for(100)
    assert uptime.seconds_down(WEB, began, world.now) == 0
    world.hypervisor.power_cut(LOST)
    world.run_for(400)
    assert uptime.seconds_down(WEB, began, world.now) == 400
    for pod in world.api.client("system:admin").list("pods", labels="kubevirt.io=virt-launcher"):
        world.api.client("system:admin").delete("pods", pod["metadata"]["name"], "default", grace=0)
    world.run_for(1000)
    assert 400 < uptime.seconds_down(WEB, began, world.now) < 410
    assert 760 < uptime.seconds_down(DB, began, world.now) < 780
    assert uptime.seconds_down(("default", "never-was"), began, world.now) == world.now - began


def test_a_vm_that_runs_twice_is_up_until_the_last_of_it_ends() -> None:
    world = staged(Scene(NODES, (Vm("web", node=LOST),)))
    world.hypervisor.cut_network(LOST)
    world.run_for(400)
    for pod in world.api.client("system:admin").list("pods", labels="kubevirt.io=virt-launcher"):
        world.api.client("system:admin").delete("pods", pod["metadata"]["name"], "default", grace=0)
    world.run_for(20)
    first, second = world.hypervisor.running(WEB), world.hypervisor.uptime
    assert len(first) == 2
    began = world.now
    world.hypervisor.power_cut(LOST)
    world.run_for(20)
    assert second.seconds_down(WEB, began, world.now) == 0


def test_spans_are_counted_within_what_is_asked_for() -> None:
    uptime = Uptime()
    uptime.up(WEB, 10)
    uptime.up(WEB, 15)
    uptime.down(WEB, 20)
    uptime.down(WEB, 25)
    uptime.up(WEB, 40)
    assert uptime.seconds_down(WEB, 0, 50) == 30
    assert uptime.seconds_down(WEB, 12, 18) == 0
    assert uptime.seconds_down(WEB, 22, 42) == 18
