"""The whole judgement: the order of the checks, what is shown, and when something is done."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from tests.unit.decide.recorded import (
    DUE,
    POWER_CUT,
    RELEASED,
    RUNNING,
    SINCE,
    UNKNOWN,
    cluster,
    held,
    launcher,
    node_of,
    record,
    seen,
    vm_of,
    vmi_of,
    volume,
)
from workers.decide import decide, lost_launchers, replacement
from workers.decide.decision import Decision, Detach, Release
from workers.decide.observation import Observation, Volume
from workers.observe import observe

_AUTO, _DELETE = Policy(), Policy(detach="delete")
_OBSERVE = Policy(mode="observe", detach="delete")
_BEFORE = ["node", "window", "placement", "storage", "comeback", "launcher", "hold"]
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
def test_every_recorded_vm_that_cannot_is_refused_for_good(vm: str, reason: str) -> None:
    decision = decide(seen(vm), record(vm), _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.REFUSED, reason)
    assert (decision.judgement.action, decision.again_at) == (None, None)


@pytest.mark.parametrize("now", [float(SINCE), DUE - 1.0, DUE - 0.01])
def test_called_early_nothing_is_done_whatever_the_cluster_looks_like(now: float) -> None:
    decision = _decide(_STUCK, now=now)
    assert (decision.judgement.reason, decision.again_at) == ("unreachable-window", DUE)
    assert decision.judgement.action is None
    assert [(check.name, check.held) for check in decision.checks] == [("node", True), ("window", False)]


_HOSTDISK = (Volume("scratch", "hostDisk"),)


def _broken(*parts: str) -> Observation:
    """The stuck VM with these prerequisites broken."""
    pod, vm = launcher("vm-rbd"), vm_of(_STUCK)
    template = {**vm.template, "nodeSelector": {"zone": "nowhere"}} if "placement" in parts else vm.template
    strategy = "Manual" if "comeback" in parts else vm.run_strategy
    return replace(
        _STUCK,
        vm=replace(vm, template=template, run_strategy=strategy),
        launchers=(replace(pod, terminating="launcher" not in parts),),
        volumes=_HOSTDISK if "storage" in parts else _STUCK.volumes,
        holds=("Somebody says so.",) if "hold" in parts else (),
    )


_REASONS = {
    "placement": "pinned-to-node",
    "storage": "node-local-volume",
    "comeback": "run-strategy",
    "launcher": "not-terminating",
    "hold": "held",
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
    assert (decision.again_at is None) is decision.judgement.phase.is_end


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "node-deleted"),
        ({"uid": "another"}, "node-replaced"),
        ({"ready": "True"}, "node-returned"),
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


def test_once_kubernetes_has_removed_the_pods_of_a_deleted_node_the_drift_goes_on() -> None:
    left = seen("vm-rbd", RELEASED)
    decision = _decide(replace(left, node=None), _DELETE)
    assert (decision.judgement.reason, decision.judgement.action) == ("detach-window", None)
    assert [(check.name, check.reason) for check in decision.checks] == [
        ("node", "node-deleted"),
        ("volumes", "detach-window"),
    ]


def test_observing_never_acts_and_says_what_it_would_do() -> None:
    decision = _decide(_STUCK, _OBSERVE)
    assert (decision.judgement.reason, decision.judgement.action) == ("observe-only", None)
    assert (
        f"kubectl -n run1 delete pod {launcher('vm-rbd').name} --grace-period=0 --force" in decision.judgement.sentence
    )
    after = decide(seen("vm-rbd", RELEASED), _RELEASED, _OBSERVE, _LATER)
    assert (after.judgement.reason, after.judgement.action) == ("observe-only", None)
    assert f"kubectl delete volumeattachment {held().name}" in after.judgement.sentence


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


def test_the_six_minutes_are_told_after_the_release() -> None:
    decision = decide(seen("vm-rbd", RELEASED), _RELEASED, _AUTO, _LATER)
    assert decision.judgement.reason == "detach-window"
    assert decision.again_at == POWER_CUT + 544.3 + 360.0
    assert [(check.name, check.held) for check in decision.checks] == [("node", True), ("volumes", False)]
    assert not decision.detached


@pytest.mark.parametrize("vm", ["vm-man", "vm-once"])
def test_a_vm_that_does_not_come_back_is_not_waited_for_though_somebody_released_it(vm: str) -> None:
    decision = decide(seen(vm, RELEASED), record(vm), _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.REFUSED, "run-strategy")


def test_a_vm_that_was_started_by_hand_after_the_release_is_followed_to_its_end() -> None:
    running = seen("vm-rbd", RUNNING)
    manual = replace(running, vm=replace(vm_of(running), run_strategy="Manual"))
    assert decide(manual, _RELEASED, _AUTO, POWER_CUT + RUNNING).judgement.reason == "running-elsewhere"


def test_the_end_is_told_when_the_vm_runs_elsewhere() -> None:
    decision = decide(seen("vm-rbd", RUNNING), _RELEASED, _AUTO, POWER_CUT + RUNNING)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.COMPLETED, "running-elsewhere")
    assert (decision.again_at, decision.detached) == (None, True)


@pytest.mark.parametrize(
    ("annotation", "policy", "deletes"),
    [
        (None, _AUTO, False),
        (None, _DELETE, True),
        ("delete", _AUTO, True),
        ("wait", _DELETE, False),
        ("nonsense", _DELETE, False),
    ],
)
def test_the_vms_annotation_decides_over_the_installation_how_its_volumes_are_freed(
    annotation: str | None, policy: Policy, *, deletes: bool
) -> None:
    observation = seen("vm-rbd", RELEASED)
    wish = {"vmdrift.io/detach": annotation} if annotation else {}
    observation = replace(observation, vm=replace(vm_of(observation), annotations=wish))
    action = decide(observation, _RELEASED, policy, _LATER).judgement.action
    assert action == (Detach((held(),)) if deletes else None)


@pytest.mark.parametrize(
    "change",
    [{"ready": "True"}, {"ready": "False"}, {"uid": "another"}, {"ready_since": SINCE + 60.0}, None],
    ids=["back", "kubelet alive", "replaced", "lost anew", "deleted"],
)
def test_nothing_is_detached_from_a_node_that_is_not_in_this_outage(change: dict[str, Any] | None) -> None:
    observation = seen("vm-rbd", RELEASED)
    changed = None if change is None else replace(node_of(observation), **change)
    decision = decide(replace(observation, node=changed), _RELEASED, _DELETE, _LATER)
    assert decision.judgement.action is None
    assert decision.judgement.reason == "detach-window"


def test_nothing_is_detached_while_the_lost_launcher_is_still_there() -> None:
    both = replace(_STUCK, volumes=(replace(volume(), held=held()),))
    decision = decide(both, _RELEASED, _DELETE, _LATER)
    assert decision.judgement.action == Release((launcher("vm-rbd"),))


def test_a_release_of_which_nothing_is_known_counts_from_the_new_instance() -> None:
    decision = _decide(seen("vm-rbd", RELEASED))
    created = vmi_of(seen("vm-rbd", RELEASED)).created
    assert (decision.released_at, decision.again_at) == (created, created + 360.0)


def test_a_release_of_which_nothing_is_known_at_all_counts_from_now() -> None:
    nothing = replace(seen("vm-rbd", RELEASED), vmi=None, launchers=())
    assert _decide(nothing).released_at == _LATER


@pytest.mark.parametrize("known", [True, False])
def test_without_the_lost_instances_uid_it_is_told_from_its_replacement_by_age(known: bool) -> None:
    mine = record("vm-rbd") if known else record("vm-rbd", vmi_uid="")
    assert replacement(_STUCK, mine) is None
    assert lost_launchers(_STUCK, mine) == (launcher("vm-rbd"),)
    after = seen("vm-rbd", RELEASED)
    assert replacement(after, mine) == after.vmi
    assert lost_launchers(after, mine) == ()


def test_a_replacement_that_came_up_on_the_returned_node_is_not_taken_for_the_lost_one() -> None:
    after = seen("vm-rbd", RELEASED)
    home = replace(after, launchers=tuple(replace(pod, node="node-a") for pod in after.launchers))
    assert lost_launchers(home, _RELEASED) == ()
    assert decide(home, _RELEASED, _AUTO, _LATER).judgement.action is None


def test_the_same_reason_again_and_again_is_looked_at_ever_less_often() -> None:
    blocked = _broken("hold")
    for tries, pause in [(0, 1), (1, 2), (2, 5), (9, 30)]:
        decision = _decide(blocked, phase=Phase.BLOCKED, reason="held", tries=tries)
        assert decision.again_at == _LATER + pause
    assert _decide(blocked, phase=Phase.BLOCKED, reason="other", tries=9).again_at == _LATER + 1


def test_before_the_window_ends_nothing_but_the_node_is_read() -> None:
    early = observe(cluster(UNKNOWN), record("vm-rbd"), _AUTO, DUE - 1.0)
    assert (early.vm, early.vmi, early.launchers) == (None, None, ())
    assert _decide(early, now=DUE - 1.0).judgement.reason == "unreachable-window"
