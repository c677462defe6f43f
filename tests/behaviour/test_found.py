"""What the random worlds found (tests.properties), each retold as short as it can be."""

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP
from simulator import shapes
from simulator.audit import Request
from simulator.client import Obj
from simulator.manager import ControllerManager
from simulator.scene import Scene, Storage, Vm, staged
from tests.support.auditor import OURS
from tests.support.undated import Undated
from tests.support.virtual import Play

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")


def _play(vm: Vm) -> Play:
    return Play.of(Scene(_NODES, (vm,)))


def _led_by_a_clock_ahead(play: Play, skew: float) -> ControllerManager:
    manager = ControllerManager(play.world)
    manager.restart()
    manager.leader.skew = skew
    play.world.run_for(60)
    return manager


def test_a_disk_that_nobody_attaches_is_not_waited_for() -> None:
    play = _play(Vm("scratch", Storage.LOCAL, node=LOST))
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(100)
    admin = play.world.api.client("admin")
    admin.delete("nodes", LOST)
    play.world.run_for(300)
    admin.create("nodes", shapes.node(LOST, 0))
    play.world.hypervisor.restore_network(LOST)
    assert play.until_ended(limit=300)
    assert play.story("scratch") == ("completed", "returned-node")
    assert play.running("scratch") == [LOST]


@pytest.mark.parametrize("skew", [600.0, -600.0, 9.0, -9.0])
def test_a_controller_manager_whose_clock_is_wrong_neither_delays_nor_hurries_a_drift(skew: float) -> None:
    play = _play(Vm("web", node=LOST, toleration=10))
    _led_by_a_clock_ahead(play, skew)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.records), 100)
    begin = play.world.now
    play.until_ended()
    assert 295 < play.world.now - begin < 310
    assert play.story("web") == ("completed", "running-elsewhere")


@pytest.mark.parametrize(("before", "after"), [(-600.0, 0.0), (-600.0, -9.0), (-9.0, 9.0)])
def test_the_clock_of_the_next_controller_manager_says_nothing_of_what_the_last_one_wrote(
    before: float, after: float
) -> None:
    play = _play(Vm("web", node=LOST, toleration=10))
    manager = _led_by_a_clock_ahead(play, before)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.records), 100)
    begin = play.world.now
    manager.leader.skew = after
    manager.restart("manager-2")
    while not play.auditor.deletions:
        play.world.run_for(5)
        play.reactor.again()
    assert 295 < play.auditor.deletions[0].at - begin < 310


def test_an_eviction_that_is_due_by_a_wrong_clock_is_not_waited_for_longer_than_it_can_take() -> None:
    play = _play(Vm("web", node=LOST))
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.records), 100)
    play.world.run_for(250)
    manager = ControllerManager(play.world)
    manager.leader.skew = 600.0
    manager.restart()
    assert play.until_ended(limit=700)
    assert play.story("web") == ("completed", "running-elsewhere")


def test_a_vm_whose_node_loses_power_while_it_starts_is_started_again() -> None:
    play = _play(Vm("web", node=LOST))
    admin, hypervisor = play.world.api.client("admin"), play.world.hypervisor
    admin.delete("virtualmachineinstances", "web", "default")
    scheduled = "Scheduled"
    assert play.world.run(
        lambda: (
            admin.get("virtualmachineinstances", "web", "default").get("status", {}).get("phase") == scheduled
            and play.running("web") == [LOST]
        ),
        60,
    )
    hypervisor.power_cut(LOST)
    hypervisor.power_on(LOST)
    assert play.world.run(lambda: len(play.running("web")) == 1, 600)


def test_a_vm_is_not_taken_for_pinned_while_all_other_nodes_are_registered_anew() -> None:
    play = _play(Vm("web", node=LOST))
    admin, hypervisor = play.world.api.client("admin"), play.world.hypervisor
    hypervisor.power_cut(LOST)
    play.world.run_for(300)
    for node in _NODES[1:]:
        hypervisor.power_cut(node)
        admin.delete("nodes", node)
    play.world.run_for(200)
    assert play.story("web")[0] == "blocked"
    for number, node in enumerate(_NODES[1:], 1):
        admin.create("nodes", shapes.node(node, number))
        hypervisor.power_on(node)
    assert play.until("web", ("completed", "running-elsewhere"), limit=900)
    assert play.running("web") != []


def test_a_node_that_never_said_a_word_is_lost_too() -> None:
    play = _play(Vm("web", node=LOST))
    admin, hypervisor = play.world.api.client("admin"), play.world.hypervisor
    hypervisor.power_cut(LOST)
    admin.delete("nodes", LOST)
    admin.create("nodes", shapes.node(LOST, 0))
    assert play.until("web", ("completed", "running-elsewhere"), limit=500)
    assert play.running("web") != []
    play.check()


def _undated() -> tuple[Play, Undated]:
    world = staged(Scene(_NODES, (Vm("db", Storage.RBD_BLOCK, node=LOST),)))
    undated = Undated(world, LOST)
    return Play.on(world), undated


def test_a_node_that_is_lost_since_nobody_knows_when_is_left_alone_for_as_long_and_then_goes_on() -> None:
    play, undated = _undated()
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.records), 100)
    undated.on = True
    play.world.run_for(900)
    assert play.story("db") == ("blocked", "lost-since-unknown")
    assert play.auditor.deleted("pods") == []
    assert len(play.outages()) == 1
    undated.on = False
    assert play.until("db", ("completed", "running-elsewhere"), limit=900)
    play.check()


def test_a_node_that_is_lost_since_nobody_knows_when_opens_no_outage() -> None:
    play, undated = _undated()
    undated.on = True
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(900)
    assert play.records == []


def test_a_fence_pass_that_never_sees_what_it_has_written_comes_again_later_and_not_at_once_for_ever() -> None:
    scene = Scene(_NODES, (Vm("web", node=LOST),))
    play = Play.of(scene, Policy(fencing=("event",)))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(100)
    stale, get = play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"), play.world.api.get

    def read(request: Request) -> Obj:
        frozen = request.user in OURS and (request.resource, request.name) == ("configmaps", CONFIG_MAP)
        return stale if frozen else get(request)

    vars(play.world.api).update(get=read)
    play.confirm(LOST)
    play.world.run_for(60)  # a world in which somebody acts at once and for ever never settles: RuntimeError
    assert play.running("web") == []
