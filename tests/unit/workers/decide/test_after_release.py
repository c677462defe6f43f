"""The judgement once no launcher is left on the lost node: by our doing, an operator's, or Kubernetes' own."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from reactor.model.identity import INSTANCE, Drift, VmRef
from reactor.model.times import clock_time
from tests.unit.workers.decide.recorded import (
    POWER_CUT,
    RELEASED,
    RUNNING,
    SINCE,
    held,
    node_of,
    outage,
    record,
    seen,
    signs,
    vm_of,
    vmi_of,
)
from workers.decide import decide, lost_launchers
from workers.decide.decision import Decision, Detach
from workers.decide.observation import Observation

_AUTO, _DELETE, _LEAVE = Policy(), Policy(detach="delete"), Policy(tenants_may=("detach",))
_LATER = POWER_CUT + RELEASED
_LEFT = seen("vm-rbd", RELEASED)
_RELEASED = record("vm-rbd", phase=Phase.RELEASED, reason="force-deleted", released_at=POWER_CUT + 544.3)


def _decide(observation: Observation, policy: Policy = _AUTO, now: float = _LATER, **changes: Any) -> Decision:
    return decide(observation, record("vm-rbd", **changes), policy, now)


def test_once_kubernetes_has_removed_the_pods_of_a_deleted_node_the_drift_goes_on() -> None:
    left = seen("vm-rbd", RELEASED)
    decision = _decide(replace(left, node=None), _DELETE)
    assert (decision.judgement.reason, decision.judgement.action) == ("detach-window", None)
    assert [(check.name, check.reason) for check in decision.checks] == [
        ("node", "node-deleted"),
        ("proof", ""),
        ("volumes", "detach-window"),
    ]


def test_the_six_minutes_are_told_after_the_release() -> None:
    decision = decide(seen("vm-rbd", RELEASED), _RELEASED, _AUTO, _LATER)
    assert decision.judgement.reason == "detach-window"
    assert decision.again_at == _LATER + 60.0
    assert "06:28:02Z" in decision.judgement.sentence
    assert [(check.name, check.held) for check in decision.checks] == [
        ("node", True),
        ("proof", True),
        ("volumes", False),
    ]
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
        ("delete", _AUTO, False),
        ("delete", _LEAVE, True),
        ("wait", _DELETE, False),
        ("nonsense", _DELETE, False),
    ],
)
def test_the_vms_annotation_decides_how_its_volumes_are_freed_where_it_may(
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


def test_a_release_of_which_nothing_is_known_counts_from_the_new_instance() -> None:
    decision = _decide(seen("vm-rbd", RELEASED))
    created = vmi_of(seen("vm-rbd", RELEASED)).created
    assert decision.released_at == created
    assert clock_time(created + 360.0) in decision.judgement.sentence


def test_a_release_of_which_nothing_is_known_at_all_counts_from_now() -> None:
    nothing = replace(seen("vm-rbd", RELEASED), vmi=None, launchers=())
    assert _decide(nothing).released_at == _LATER


def test_a_replacement_that_came_up_on_the_returned_node_is_not_taken_for_the_lost_one() -> None:
    after = seen("vm-rbd", RELEASED)
    there = replace(after, launchers=tuple(replace(pod, node="node-a") for pod in after.launchers))
    home = replace(there, node=replace(node_of(after), ready="True", ready_since=SINCE + 690.0))
    assert lost_launchers(home, _RELEASED) == ()
    assert decide(home, _RELEASED, _AUTO, _LATER).judgement.action is None
    assert lost_launchers(there, _RELEASED) == there.launchers  # the node is lost still, and so is what was put there


def test_nothing_is_detached_from_a_node_whose_virt_handler_lives() -> None:
    alive = replace(_LEFT, node=replace(node_of(_LEFT), heartbeat="just now"))
    decision = decide(alive, _RELEASED, _DELETE, _LATER)
    assert (decision.judgement.reason, decision.judgement.action) == ("detach-window", None)
    assert decision.signs is not None
    assert decision.signs.alive == "virt-handler"


def test_nothing_is_detached_from_a_node_whose_kubelet_lives() -> None:
    decision = decide(replace(_LEFT, lease="just now"), _RELEASED, _DELETE, _LATER)
    assert (decision.judgement.reason, decision.judgement.action) == ("detach-window", None)


def test_nothing_is_detached_from_a_node_that_was_not_watched_for_the_grace() -> None:
    forgotten = replace(_RELEASED, signs=None)
    decision = decide(_LEFT, forgotten, _DELETE, _LATER)
    assert (decision.judgement.action, decision.again_at) == (None, _LATER + 60.0)
    known = replace(_RELEASED, signs=decision.signs)
    assert decide(_LEFT, known, _DELETE, _LATER + 180.0).judgement.action == Detach((held(),))


def test_policy_never_detaches_nothing_even_where_delete_is_wished() -> None:
    wish = {"vmdrift.io/policy": "never", "vmdrift.io/detach": "delete"}
    stubborn = replace(_LEFT, vm=replace(vm_of(_LEFT), annotations=wish))
    decision = decide(stubborn, _RELEASED, _LEAVE, _LATER)
    assert (decision.judgement.reason, decision.judgement.action) == ("detach-window", None)


@pytest.mark.parametrize("strategy", ["Halted", "Always"])
def test_a_vm_that_was_stopped_after_its_release_is_not_waited_for(strategy: str) -> None:
    stopped = replace(vm_of(_LEFT), run_strategy=strategy, stopping=strategy == "Always")
    gone = replace(_LEFT, vm=stopped, vmi=None, launchers=(), volumes=())
    decision = decide(gone, _RELEASED, _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.CANCELLED, "vm-stopped")


@pytest.mark.parametrize("change", [{"deleting": True}, {"uid": "another"}, None], ids=["deleting", "another", "gone"])
def test_a_vm_that_was_deleted_after_its_release_is_not_waited_for(change: dict[str, Any] | None) -> None:
    vm = None if change is None else replace(vm_of(_LEFT), **change)
    decision = decide(replace(_LEFT, vm=vm), _RELEASED, _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.CANCELLED, "vm-deleted")


def test_a_bare_instance_whose_pod_somebody_else_removed_is_refused_all_the_same() -> None:
    drift = Drift(VmRef("run1", "vm-rbd", vmi_of(_LEFT).uid, INSTANCE), outage())
    bare = replace(
        _LEFT, vm=replace(vm_of(_LEFT), uid=drift.vm.uid, run_strategy=""), vmi=None, launchers=(), volumes=()
    )
    assert decide(bare, record(drift=drift), _AUTO, _LATER).judgement.reason == "bare-instance"


def test_the_signs_of_life_are_kept_through_the_release() -> None:
    assert decide(_LEFT, _RELEASED, _AUTO, _LATER).signs == signs()


def test_what_is_unschedulable_is_starting_and_no_refusal() -> None:
    pinned = seen("vm-pin", RELEASED)
    decision = decide(pinned, record("vm-pin", released_at=POWER_CUT + 544.3), _AUTO, _LATER)
    assert (decision.judgement.phase, decision.judgement.reason) == (Phase.STARTING, "unschedulable")
