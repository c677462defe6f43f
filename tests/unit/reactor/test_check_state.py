"""A check that is on plan is not shown as a failure, and missing proof not as a success."""

from dataclasses import replace

import pytest

from reactor.model.check_state import CheckState, shown_checks
from reactor.model.drift import Check, Phase, Proof, Record
from tests.contracts.samples import record


def one(name: str, reason: str = "", **more: object) -> tuple[str, str, str]:
    checks = (Check(name, held=not reason, reason=reason, sentence="So it is."),)
    of: Record = replace(record(), checks=checks, **more)  # type: ignore[arg-type]
    (shown,) = shown_checks(of)
    return shown.mark, shown.name, shown.word


@pytest.mark.parametrize("reason", ["unreachable-window", "watching-for-life", "eviction-due", "cool-down"])
def test_what_is_waited_for_as_planned_is_waiting(reason: str) -> None:
    assert one("window", reason) == ("◷", "window", "waiting")


@pytest.mark.parametrize("reason", ["kubelet-alive", "no-node-fits", "not-fenced", "a-reason-of-a-later-version"])
def test_what_stands_against_it_has_failed(reason: str) -> None:
    assert one("placement", reason) == ("✗", "placement", "failed")


def test_proof_is_a_success_only_where_there_is_some() -> None:
    assert one("proof", proof=Proof.SILENT) == ("○", "proof", "none yet")
    assert one("proof", proof=Proof.NONE) == ("○", "proof", "none yet")
    assert one("proof", proof=Proof.FENCED) == ("✓", "proof", "passed")
    assert one("proof", "not-fenced", proof=Proof.SILENT) == ("✗", "proof", "failed")


def test_a_hold_is_called_so() -> None:
    assert one("no hold") == ("✓", "hold", "none")
    assert one("no hold", "held") == ("✗", "hold", "held")


def test_where_it_only_observes_the_policy_is_what_blocks() -> None:
    assert one("policy") == ("✓", "policy", "passed")
    assert one("policy", phase=Phase.BLOCKED) == ("✓", "policy", "passed")
    blocked = replace(
        record(), phase=Phase.BLOCKED, reason="observe-only", sentence="Only observing.",
        checks=(Check("policy", held=True, reason="", sentence="It may move."),),
    )  # fmt: skip
    (shown,) = shown_checks(blocked)
    assert (shown.state, shown.word, shown.sentence) == (CheckState.FAILED, "observes only", "Only observing.")
