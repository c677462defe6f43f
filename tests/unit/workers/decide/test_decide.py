"""The whole judgement: the order of the checks, what is shown, and when something is done."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from reactor.model.identity import INSTANCE, Drift, VmRef
from tests.unit.workers.decide.recorded import (
    DUE,
    POWER_CUT,
    RELEASED,
    SINCE,
    UNKNOWN,
    cluster,
    held,
    launcher,
    node_of,
    outage,
    record,
    seen,
    signs,
    vm_of,
    vmi_of,
    volume,
)
from workers.decide import decide, lost_launchers, replacement
from workers.decide.basis import LOOK
from workers.decide.decision import Decision, Release
from workers.decide.observation import Observation, Volume
from workers.observe import observe
from workers.observe.cache import Surroundings

_AUTO, _DELETE = Policy(), Policy(detach="delete")
_OBSERVE = Policy(mode="observe", detach="delete")
_BEFORE = [
    "node",
    "window",
    "proof",
    "signs of life",
    "quorum",
    "placement",
    "storage",
    "comeback",
    "policy",
    "launcher",
    "no hold",
]
_LATER = POWER_CUT + RELEASED
_STUCK = seen("vm-rbd")
_RELEASED = record("vm-rbd", phase=Phase.RELEASED, reason="force-deleted", released_at=POWER_CUT + 544.3)


def _decide(observation: Observation, policy: Policy = _AUTO, now: float = _LATER, **changes: Any) -> Decision:
    return decide(observation, record("vm-rbd", **changes), policy, now)


def test_when_every_prerequisite_holds_the_launcher_is_released() -> None:
    decision = _decide(_STUCK)
    assert decision.judgement.action == Release((launcher("vm-rbd"),))
    assert decision.judgement.reason == "force-deleted"
    assert [check.name for check in decision.checks] == _BEFORE
    assert all(check.held and check.sentence and not check.reason for check in decision.checks)


@pytest.mark.parametrize("vm", ["vm-cd", "vm-rbd", "vm-rbdfs", "vm-hp", "vm-rof"])
def test_every_recorded_vm_that_can_leave_is_released(vm: str) -> None:
    assert decide(seen(vm), record(vm), _AUTO, _LATER).judgement.action == Release((launcher(vm),))


@pytest.mark.parametrize(
    ("vm", "reason"), [("vm-pin", "pinned-to-node"), ("vm-man", "run-strategy"), ("vm-once", "run-strategy")]
)
def test_every_recorded_vm_that_cannot_is_refused_and_looked_at_again(vm: str, reason: str) -> None:
    decision = decide(seen(vm), record(vm), _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.REFUSED, reason)
    assert (decision.judgement.action, decision.again_at, len(decision.basis)) == (None, _LATER + LOOK, 16)


@pytest.mark.parametrize("now", [float(SINCE), DUE - 1.0, DUE - 0.01])
def test_called_early_nothing_is_done_whatever_the_cluster_looks_like(now: float) -> None:
    decision = _decide(_STUCK, now=now)
    assert (decision.judgement.reason, decision.again_at) == ("unreachable-window", DUE)
    assert decision.judgement.action is None
    assert [(check.name, check.held) for check in decision.checks] == [
        ("node", True),
        ("window", False),
        ("proof", True),
    ]


_HOSTDISK = (Volume("scratch", "hostDisk"),)


def _broken(*parts: str) -> Observation:
    """The stuck VM with these prerequisites broken."""
    pod, vm, node = launcher("vm-rbd"), vm_of(_STUCK), node_of(_STUCK)
    template = {**vm.template, "nodeSelector": {"zone": "nowhere"}} if "placement" in parts else vm.template
    strategy = "Manual" if "comeback" in parts else vm.run_strategy
    return replace(
        _STUCK,
        node=replace(node, heartbeat="just now") if "signs of life" in parts else node,
        renewals={} if "quorum" in parts else _STUCK.renewals,
        vm=replace(vm, template=template, run_strategy=strategy),
        launchers=(replace(pod, terminating="launcher" not in parts),),
        volumes=_HOSTDISK if "storage" in parts else _STUCK.volumes,
        namespace={"vmdrift.io/policy": "never"} if "policy" in parts else {},
        holds=("Somebody says so.",) if "no hold" in parts else (),
    )


_REASONS = {
    "signs of life": "virt-handler-alive",
    "quorum": "control-plane-unsteady",
    "placement": "pinned-to-node",
    "storage": "node-local-volume",
    "comeback": "run-strategy",
    "policy": "policy-never",
    "launcher": "not-terminating",
    "no hold": "held",
}


@pytest.mark.parametrize("first", range(len(_REASONS)))
def test_the_first_prerequisite_that_does_not_hold_decides_and_all_are_shown(first: int) -> None:
    broken = list(_REASONS)[first:]
    decision = _decide(_broken(*broken))
    assert decision.judgement.reason == _REASONS[broken[0]]
    assert decision.judgement.action is None
    assert [check.name for check in decision.checks] == _BEFORE
    assert {check.name: check.reason for check in decision.checks if not check.held} == {
        name: _REASONS[name] for name in broken
    }


@pytest.mark.parametrize("part", _REASONS)
def test_one_prerequisite_that_does_not_hold_is_enough(part: str) -> None:
    decision = _decide(_broken(part))
    assert decision.judgement.reason == _REASONS[part]
    assert decision.judgement.action is None
    assert bool(decision.basis) is decision.judgement.phase.is_end
    assert decision.again_at is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "node-deleted"),
        ({"uid": "another"}, "node-replaced"),
        ({"ready": "True"}, "returning"),
        ({"ready": "False"}, "kubelet-reports-not-ready"),
        ({"ready_since": SINCE + 60.0}, "newer-outage"),
    ],
)
def test_when_the_outage_is_not_this_one_any_more_nothing_is_released(
    change: dict[str, Any] | None, reason: str
) -> None:
    changed = None if change is None else replace(node_of(_STUCK), **change)
    decision = _decide(replace(_STUCK, node=changed))
    assert (decision.judgement.reason, decision.judgement.action) == (reason, None)


def test_observing_never_acts_and_says_what_it_would_do() -> None:
    decision = _decide(_STUCK, _OBSERVE)
    assert (decision.judgement.reason, decision.judgement.action) == ("observe-only", None)
    assert f"force-delete pod run1/{launcher('vm-rbd').name}, unless it has changed" in decision.judgement.sentence
    after = decide(seen("vm-rbd", RELEASED), _RELEASED, _OBSERVE, _LATER)
    assert (after.judgement.reason, after.judgement.action) == ("observe-only", None)
    assert f"delete VolumeAttachment {held().name}, unless it has changed" in after.judgement.sentence


@pytest.mark.parametrize("change", [{"uid": "another"}, {"deleting": True}], ids=["made anew", "going"])
@pytest.mark.parametrize("released_at", [None, SINCE + 500.0])
def test_a_vm_that_was_deleted_is_left_alone(change: dict[str, Any], released_at: float | None) -> None:
    gone = replace(_STUCK, vm=replace(vm_of(_STUCK), **change))
    for observation in (gone, replace(_STUCK, vm=None)):
        decision = _decide(observation, released_at=released_at)
        assert (decision.judgement.reason, decision.judgement.action) == ("vm-deleted", None)


def test_a_launcher_on_another_node_is_never_released() -> None:
    target = replace(launcher("vm-rbd"), name="target", node="node-b")
    both = replace(_STUCK, launchers=(launcher("vm-rbd"), target))
    assert _decide(both).judgement.action == Release((launcher("vm-rbd"),))
    assert _decide(replace(_STUCK, launchers=(target,))).judgement.action is None


def test_the_same_instance_on_another_node_has_been_migrated() -> None:
    moved = replace(_STUCK, launchers=(), vmi=replace(vmi_of(_STUCK), node="node-b"))
    assert _decide(moved).judgement.reason == "not-on-node"


def test_nothing_is_detached_while_the_lost_launcher_is_still_there() -> None:
    both = replace(_STUCK, volumes=(replace(volume(), held=held()),))
    decision = decide(both, _RELEASED, _DELETE, _LATER)
    assert decision.judgement.action == Release((launcher("vm-rbd"),))


@pytest.mark.parametrize("known", [True, False])
def test_without_the_lost_instances_uid_it_is_told_from_its_replacement_by_age(known: bool) -> None:
    mine = record("vm-rbd") if known else record("vm-rbd", vmi_uid="")
    assert replacement(_STUCK, mine) is None
    assert lost_launchers(_STUCK, mine) == (launcher("vm-rbd"),)
    after = seen("vm-rbd", RELEASED)
    assert replacement(after, mine) == after.vmi
    assert lost_launchers(after, mine) == ()


def test_the_same_reason_again_and_again_is_looked_at_ever_less_often() -> None:
    blocked = _broken("no hold")
    for tries, pause in [(0, 1), (1, 2), (2, 5), (9, 30)]:
        decision = _decide(blocked, phase=Phase.BLOCKED, reason="held", tries=tries)
        assert decision.again_at == _LATER + pause
    assert _decide(blocked, phase=Phase.BLOCKED, reason="other", tries=9).again_at == _LATER + 1


def test_before_the_window_ends_nothing_but_the_node_is_read() -> None:
    early = observe(cluster(UNKNOWN), record("vm-rbd"), _AUTO, DUE - 1.0, Surroundings(lambda: POWER_CUT + UNKNOWN))
    assert (early.vm, early.vmi, early.launchers, early.lease) == (None, None, (), None)
    assert _decide(early, now=DUE - 1.0).judgement.reason == "unreachable-window"


def test_the_first_look_at_a_node_begins_its_grace() -> None:
    decision = _decide(_STUCK, signs=None)
    assert (decision.judgement.reason, decision.judgement.action) == ("watching-for-life", None)
    assert decision.signs == signs(since=_LATER)
    assert decision.again_at == _LATER + 180.0


@pytest.mark.parametrize(
    ("change", "alive"), [({"lease": "just now"}, "kubelet"), ({"heartbeat": "just now"}, "virt-handler")]
)
def test_a_sign_of_life_blocks_and_is_remembered(change: dict[str, str], alive: str) -> None:
    node = replace(node_of(_STUCK), heartbeat=change.get("heartbeat", node_of(_STUCK).heartbeat))
    decision = _decide(replace(_STUCK, node=node, lease=change.get("lease", _STUCK.lease)))
    assert (decision.judgement.reason, decision.judgement.action) == (f"{alive}-alive", None)
    assert decision.signs == signs(**change, since=_LATER, alive=alive)


def test_a_cluster_out_of_order_is_remembered_until_the_cool_down_is_over() -> None:
    unsteady = _decide(replace(_STUCK, renewals={}))
    assert (unsteady.judgement.reason, unsteady.unsteady) == ("control-plane-unsteady", True)
    cooling = _decide(_STUCK, unsteady_at=_LATER - 89.0)
    assert (cooling.judgement.reason, cooling.unsteady, cooling.again_at) == ("cool-down", False, _LATER + 1.0)
    assert _decide(_STUCK, unsteady_at=_LATER - 90.0).judgement.reason == "force-deleted"


def test_while_the_nodes_have_not_been_read_nothing_is_said_of_the_cluster() -> None:
    assert not _decide(replace(_STUCK, nodes=(), renewals={}), now=DUE - 1.0).unsteady


@pytest.mark.parametrize("policy", ["observe", "whatever"])
def test_a_vm_that_is_only_to_be_observed_is_not_touched(policy: str) -> None:
    wished = replace(_STUCK, vm=replace(vm_of(_STUCK), annotations={"vmdrift.io/policy": policy}))
    decision = _decide(wished)
    assert (decision.judgement.reason, decision.judgement.action) == ("observe-only", None)
    assert "Would now force-delete pod run1/" in decision.judgement.sentence


@pytest.mark.parametrize(
    ("owner", "reason", "phase"), [("", "bare-instance", Phase.REFUSED), ("web", "force-deleted", Phase.RELEASED)]
)
def test_an_instance_without_a_vm_is_released_only_if_a_replica_set_replaces_it(
    owner: str, reason: str, phase: Phase
) -> None:
    drift = Drift(VmRef("run1", "vm-rbd", vmi_of(_STUCK).uid, INSTANCE, owner), outage())
    instance = replace(_STUCK, vm=replace(vm_of(_STUCK), uid=drift.vm.uid, run_strategy=""))
    decision = _decide(instance, drift=drift)
    assert (decision.judgement.reason, decision.judgement.phase) == (reason, phase)


def test_launcher_and_hotplug_pods_of_the_lost_node_are_released_together() -> None:
    plug = replace(launcher("vm-rbd"), name="hp-volume-x", uid="x", hotplug=True)
    away = replace(plug, name="hp-volume-y", node="node-b")
    decision = _decide(replace(_STUCK, launchers=(launcher("vm-rbd"), plug, away)))
    assert decision.judgement.action == Release((launcher("vm-rbd"), plug))


@pytest.mark.parametrize("phase", ["Failed", "Succeeded", "Scheduled", "Pending", "Unknown"])
def test_the_phase_of_the_lost_instance_does_not_matter_with_always(phase: str) -> None:
    odd = replace(_STUCK, vmi=replace(vmi_of(_STUCK), phase=phase))
    assert _decide(odd).judgement.action == Release((launcher("vm-rbd"),))


def test_with_delete_unevicted_a_launcher_that_is_never_evicted_is_released() -> None:
    for_ever = replace(launcher("vm-rbd"), terminating=False, tolerates=None)
    stuck = replace(_STUCK, launchers=(for_ever,))
    assert _decide(stuck).judgement.reason == "not-terminating"
    assert _decide(stuck, Policy(delete_unevicted=True)).judgement.action == Release((for_ever,))


def test_a_process_whose_clock_is_off_leaves_what_rests_on_silence_to_another_one() -> None:
    off = replace(_STUCK, clock_off="Its clock is off.")
    decision = decide(off, record("vm-rbd", signs=signs()), _AUTO, DUE + 200.0)
    assert (decision.judgement.reason, decision.judgement.sentence) == ("clock-off", "Its clock is off.")
    assert decision.judgement.action is None
    right = decide(_STUCK, record("vm-rbd", signs=signs()), _AUTO, DUE + 200.0)
    assert isinstance(right.judgement.action, Release)


def test_and_what_is_waited_for_anyway_is_said_all_the_same() -> None:
    off = replace(_STUCK, clock_off="Its clock is off.", holds=("Held by ann.",))
    assert decide(off, record("vm-rbd", signs=signs()), _AUTO, DUE + 200.0).judgement.reason == "held"
