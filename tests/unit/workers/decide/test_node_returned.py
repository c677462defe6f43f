"""The node is back: the drift ends when the VM really runs, or it says what the VM lacks. On recorded objects."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from tests.unit.workers.decide.recorded import DUE, READY, SINCE, launcher, node_of, record, seen, vm_of, vmi_of
from workers.decide import decide
from workers.decide.decision import Decision
from workers.decide.observation import Observation

_STUCK = seen("vm-rbd")
_NOW = SINCE + 700.0
_BACK = replace(node_of(_STUCK), ready="True", ready_since=SINCE + 690.0)
_DOWN = replace(_STUCK, node=_BACK)
_ALIVE = replace(seen("vm-rbd", READY), node=_BACK, launchers=(replace(launcher("vm-rbd"), terminating=False),))


def _lives(**changes: Any) -> Observation:
    """The lost instance has come through."""
    vmi = replace(vmi_of(_STUCK), conditions=frozenset({"Ready"}), **changes)
    return replace(_DOWN, vmi=vmi, launchers=(replace(launcher("vm-rbd"), terminating=False),))


def _decide(seen_now: Observation, now: float = _NOW, **changes: Any) -> Decision:
    return decide(seen_now, record("vm-rbd", **changes), Policy(), now)


def test_a_vm_that_came_through_ends_its_drift() -> None:
    decision = _decide(_lives())
    assert (decision.judgement.reason, decision.again_at) == ("node-returned", None)


@pytest.mark.parametrize(
    "seen_now",
    [
        _DOWN,
        replace(_DOWN, vmi=None, launchers=()),
        _lives(phase="Scheduled"),
        replace(_lives(), vmi=replace(vmi_of(_STUCK), conditions=frozenset({"no Ready"}))),
    ],
    ids=["its launcher is Terminating", "nothing is there", "it starts", "what was told before the loss"],
)
def test_one_that_does_not_run_yet_is_looked_at_again_and_after_two_minutes_told(seen_now: Observation) -> None:
    first = _decide(seen_now)
    assert (first.judgement.reason, first.judgement.action) == ("returning", None)
    assert first.again_at == _NOW + 3.0
    later = _decide(seen_now, phase=Phase.STARTING, reason="returning", changed_at=_NOW - 120.0)
    assert (later.judgement.phase, later.judgement.reason) == (Phase.BLOCKED, "not-running-again")


def test_what_it_lacks_is_named() -> None:
    kept = replace(launcher("vm-rbd"), finalizers=("example.com/release",))
    told = _decide(replace(_DOWN, launchers=(kept,))).judgement.sentence
    assert told.endswith(f"{kept.name} is still Terminating there, kept by finalizer example.com/release.")


@pytest.mark.parametrize(("strategy", "reason"), [("Manual", "run-strategy"), ("Halted", "vm-stopped")])
def test_one_that_nobody_starts_again_is_not_waited_for(strategy: str, reason: str) -> None:
    down = replace(_DOWN, vm=replace(vm_of(_STUCK), run_strategy=strategy), vmi=None, launchers=())
    decision = _decide(down)
    assert (decision.judgement.reason, decision.again_at) == (reason, None)


def test_a_refusal_stays_what_it_is_until_the_vm_runs_and_ends_then() -> None:
    refused: dict[str, Any] = {"phase": Phase.REFUSED, "reason": "policy-never", "sentence": "Never."}
    waits, ends = _decide(_DOWN, **refused), _decide(_lives(), **refused)
    assert (waits.judgement.reason, ends.judgement.reason) == ("policy-never", "policy-never")
    assert (waits.again_at, ends.again_at) == (_NOW + 5.0, None)
    late = _decide(_DOWN, _NOW + 120.0, **refused)
    assert late.judgement.reason == "not-running-again"


def test_a_node_that_was_replaced_is_no_other_case() -> None:
    assert _decide(replace(_lives(), node=replace(_BACK, uid="new"))).judgement.reason == "node-replaced"
    assert _decide(replace(_DOWN, node=replace(_BACK, uid="new"))).judgement.reason == "returning"


def test_one_that_was_replaced_and_lost_again_is_another_outage() -> None:
    lost = replace(_DOWN, node=replace(_BACK, uid="new", ready="Unknown"))
    assert (_decide(lost).judgement.reason, _decide(lost).again_at) == ("node-replaced", None)


def test_a_released_vm_whose_launcher_is_still_there_is_not_told_as_over() -> None:
    decision = _decide(_DOWN, phase=Phase.RELEASED, reason="force-deleted", released_at=DUE)
    assert decision.judgement.reason == "returning"
