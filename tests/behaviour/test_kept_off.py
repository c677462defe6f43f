"""A host of Metal3's that was switched off for a fence stays off, whoever switches it on, until a person says so."""

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP, fencings
from reactor.model.intervention import UNFENCE
from rehearsal.twins.bmc import MachineBmcs
from simulator.actors.metal3_operator import Metal3Operator
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import METAL3, add_hosts
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.branches import AFTER, EVERY, Branches
from tests.support.killing import Fate, KillableReactor
from tests.support.virtual import Play
from workers.fencing.providers.metal3 import REBOOT
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
SCENE = Scene((LOST, "node-b", "node-c"), (Vm("disk", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST)))
_MANY = 15  # kills in a story, at least


def _play(*fencing: str, fate: Fate | None = None) -> tuple[Play, Metal3Operator]:
    policy = Policy(fencing=fencing)
    play = Play.of(SCENE, policy)
    admin, hypervisor = play.world.api.client("system:admin"), play.world.hypervisor
    operator = Metal3Operator(admin, hypervisor, add_hosts(admin, hypervisor.machines))
    play.world.add(operator)
    if fate:
        play.world.remove(play.reactor)
        play.reactor = KillableReactor(play.world, policy)
        play.reactor.hand_over_fencing(fate)
        play.world.add(play.reactor)
    bmcs = MachineBmcs(hypervisor, {name: machine.system_uuid for name, machine in hypervisor.machines.items()})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    play.world.hypervisor.cut_network(LOST)
    return play, operator


def _powered(play: Play) -> bool:
    return play.world.hypervisor.machines[LOST].powered


def _annotated(play: Play) -> bool:
    host = play.world.store.get("baremetalhosts", f"host-{LOST}", METAL3)
    return REBOOT in (host["metadata"].get("annotations") or {})


def _sentence(play: Play) -> str:
    return fencings(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))[LOST].sentence


def _ready(play: Play) -> bool:
    conditions = play.world.store.get("nodes", LOST)["status"]["conditions"]
    return [c["status"] for c in conditions if c["type"] == "Ready"] == ["True"]


def _tidy(play: Play) -> bool:
    return not (_annotated(play) or fencings(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift")))


def _check(play: Play) -> None:
    assert {record.phase.value for record in play.records} == {"completed"}
    assert play.world.hypervisor.double_runs == []
    assert play.world.hypervisor.double_writes == []
    play.check()


def _story(fate: Fate | None = None) -> Play:
    """Lost, switched off, released; and back when a person says so."""
    play, _ = _play("metal3", fate=fate)
    play.until_ended(400)
    play.world.hypervisor.restore_network(LOST)
    play.world.run_for(60)
    play.ask(UNFENCE, LOST)
    play.world.run(lambda: _tidy(play) and _ready(play), 200)
    play.world.run_for(30)
    return play


def test_its_vms_run_elsewhere_and_it_is_back_when_a_person_says_so() -> None:
    play = _story()
    _check(play)
    assert _tidy(play)
    assert _ready(play)
    assert play.world.hypervisor.machines[LOST].boots == 2


@AFTER
@EVERY
def test_killed_at_every_call_of_the_fence_pass_it_ends_the_same(*, after: bool, every: bool) -> None:
    with Branches(after=after, every=every) as fate:
        play = _story(fate)
        _check(play)
        assert _tidy(play)
    assert fate.failed == {}
    assert fate.kills > (_MANY if every else _MANY // 8)


def test_until_then_nobody_switches_it_on_and_whoever_looks_reads_what_to_do() -> None:
    play, _ = _play("metal3")
    assert play.until_ended(400)
    play.world.hypervisor.restore_network(LOST)
    play.world.run_for(3600)
    assert not _powered(play)
    assert f"It is kept off until `vmdrift unfence {LOST}`." in _sentence(play)
    _check(play)


def test_one_that_fails_and_works_again_when_another_has_proven_it_dead_keeps_it_off_and_is_named() -> None:
    play, operator = _play("metal3", "redfish")
    operator.fails = "BMC: 503"
    assert play.until_ended(400)
    operator.fails = ""
    play.world.run_for(300)
    assert not _powered(play)
    assert _annotated(play)
    assert f"It is kept off by metal3 until `vmdrift unfence {LOST}`." in _sentence(play)
    play.ask(UNFENCE, LOST)
    play.world.hypervisor.restore_network(LOST)
    assert play.world.run(lambda: _tidy(play) and _ready(play), 300)
    _check(play)


def test_what_was_not_done_goes_by_itself_when_no_vm_waits_for_it_any_more() -> None:
    play, operator = _play("metal3")
    operator.hangs = True
    assert play.world.run(lambda: _annotated(play), 300)
    for vm in SCENE.vms:
        play.world.api.client("system:admin").patch(
            "virtualmachines", vm.name, {"spec": {"runStrategy": "Halted", "running": None}}, "default"
        )
    assert play.world.run(lambda: not _annotated(play), 1500)
    operator.hangs = False
    play.world.run_for(300)
    assert _powered(play)


@pytest.mark.parametrize("lie", [False, True])
def test_a_node_that_lives_on_after_its_host_was_said_to_be_off_refutes_it(*, lie: bool) -> None:
    play, operator = _play("metal3")
    operator.lies = lie
    assert play.world.run(lambda: any(record.proof.value == "fenced" for record in play.records), 400)
    play.world.hypervisor.restore_network(LOST)
    play.world.run_for(120)
    assert _powered(play) is lie
    file = fencings(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))[LOST]
    assert [str(source) for source in file.refuted] == (["metal3"] if lie else [])


def test_what_cannot_be_read_when_it_is_back_is_not_forgotten() -> None:
    play, operator = _play("metal3")
    assert play.until_ended(400)
    operator.hangs = True

    def forbidden(request: Request) -> ApiError | None:
        ours = (request.user, request.resource) == (FENCING, "baremetalhosts")
        return ApiError(403, "Forbidden", "a right is missing") if ours else None

    play.world.api.faults.append(forbidden)
    play.world.hypervisor.restore_network(LOST)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(300)
    assert _ready(play)
    assert not _tidy(play)
    play.world.api.faults.remove(forbidden)
    assert play.world.run(lambda: _tidy(play), 60)
