"""What fenced a node is taken back when its boot has ended, and not before."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.fencing import Attempt, ChosenRelease, ProviderStatus, ReleaseWay, State
from tests.unit.workers.fencing.views import (
    BACK,
    FILE,
    NOBODY,
    NODE,
    NOW,
    OFF,
    OURS,
    POLICY,
    PROOF,
    PROVEN,
    REBOOTED,
    drift,
    seen,
)
from workers.fencing.decide import next_move
from workers.fencing.decide.view import FenceView, Leftover, RemoveTaint, SetTaint, Unfence

_TAINTED = replace(PROVEN, release=ChosenRelease(ReleaseWay.TAINT, "All.", 1095.0), ready_since=1100.0)
_BLOCKED = {"network-fence": OURS}
_OLD, _NEW = Leftover("default/old", 1094.0), Leftover("default/new", 1096.0)


def _view(node: Any = REBOOTED, **more: Any) -> FenceView:
    return seen(**{"node": node, "standings": {"event": NOBODY}, **more})


@pytest.mark.parametrize(
    "node",
    [REBOOTED, replace(NODE, boot="boot-2"), replace(BACK, ready="False"), None, replace(BACK, uid="uid-b")],
)
def test_where_nothing_of_ours_is_left_the_file_is_closed(node: Any) -> None:
    assert next_move(_view(node), PROVEN, POLICY, NOW).file is None


def test_after_a_reboot_providers_take_back_what_they_made() -> None:
    move = next_move(_view(standings=_BLOCKED), PROVEN, POLICY, NOW)
    assert move.deed == Unfence(("network-fence",))
    assert move.file
    assert move.file.reason == "unfencing"


@pytest.mark.parametrize("node", [BACK, None, replace(BACK, uid="uid-b")])
def test_a_node_that_is_heard_again_with_the_same_boot_or_was_deleted_stays_fenced_until_a_person_says_so(
    node: Any,
) -> None:
    move = next_move(_view(node, standings=_BLOCKED), PROVEN, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.reason) == (None, "half-fenced")
    asked = next_move(_view(node, standings=_BLOCKED, unfence="ann looked."), PROVEN, POLICY, NOW)
    assert asked.deed == Unfence(("network-fence",))


_KEPT_OFF = {"metal3": OURS, "network-fence": OURS}


def test_of_a_node_that_is_proven_dead_only_what_keeps_it_off_is_taken_back_when_a_person_says_so() -> None:
    dead = seen(standings=_KEPT_OFF)
    proven = replace(PROVEN, confirmation=replace(PROOF, provider="metal3"))
    assert not isinstance(next_move(dead, proven, POLICY, NOW).deed, Unfence)
    move = next_move(replace(dead, unfence="ann looked."), proven, POLICY, NOW)
    assert move.deed == Unfence(("metal3",))
    assert move.file
    assert (move.file.reason, move.file.proof) == ("unfencing", proven.proof)
    assert move.file.sentence == "ann looked. What keeps node-a off (metal3) is taken back."
    nothing_left = replace(dead, unfence="ann looked.", standings={"metal3": NOBODY, "network-fence": OURS})
    assert not isinstance(next_move(nothing_left, proven, POLICY, NOW).deed, Unfence)


def test_what_keeps_it_off_and_may_not_prove_it_any_more_is_taken_back_too() -> None:
    asked = seen(standings={"redfish": OFF}, left=_KEPT_OFF, unfence="ann looked.")
    assert next_move(asked, PROVEN, POLICY, NOW).deed == Unfence(("metal3",))


def test_whoever_waits_for_the_proof_is_woken_before_and_the_taint_is_set_before() -> None:
    proven = replace(PROVEN, confirmation=replace(PROOF, provider="metal3"))
    waiting = drift("vm")
    asked = seen(standings=_KEPT_OFF, unfence="ann looked.", drifts=(waiting,))
    move = next_move(asked, proven, POLICY, NOW)
    assert (move.deed, move.wake) == (Unfence(("metal3",)), (waiting,))
    due = drift("vm", "taint-due", weighed=PROOF.at)
    assert isinstance(next_move(replace(asked, drifts=(due,)), proven, POLICY, NOW).deed, SetTaint)


def test_who_reads_of_a_proof_reads_that_nobody_can_switch_it_on() -> None:
    move = next_move(seen(standings={"redfish": OFF, "metal3": OURS}), PROVEN, POLICY, NOW)
    assert move.file
    assert move.file.sentence.endswith(" It is kept off by metal3 until `vmdrift unfence node-a`.")
    again = next_move(seen(standings={"redfish": OFF, "metal3": OURS}), move.file, POLICY, NOW)
    assert again.file
    assert again.file.sentence == move.file.sentence


def test_of_a_node_that_is_not_proven_dead_it_stays_as_it_would_be_asked_for_again() -> None:
    asked = seen(standings={"metal3": ProviderStatus(State.WORKING, "Soon.", ours=True)}, unfence="ann looked.")
    assert not isinstance(next_move(asked, FILE, POLICY, NOW).deed, Unfence)


def test_whoever_only_observes_lets_nothing_boot() -> None:
    asked = seen(standings=_KEPT_OFF, unfence="ann looked.")
    move = next_move(asked, PROVEN, replace(POLICY, mode="observe"), NOW)
    assert move.deed is None
    assert move.file
    assert move.file.sentence.startswith("Only observing, so nothing is taken back.")


@pytest.mark.parametrize("state", [State.WORKING, State.MUTE, State.FAILED])
def test_of_a_node_that_is_heard_again_what_is_not_done_is_taken_back_before_it_hits_a_machine_that_lives(
    state: State,
) -> None:
    asked = replace(FILE, attempts=(Attempt("network-fence", NOW - 5),))
    move = next_move(_view(BACK, standings={"network-fence": replace(OURS, state=state)}), asked, POLICY, NOW)
    assert move.deed == Unfence(("network-fence",))
    assert move.file
    assert move.file.sentence == (
        "Node node-a is heard again: what network-fence was asked for, and has not done, is taken back."
    )
    done = next_move(_view(BACK, standings={"network-fence": OURS}), asked, POLICY, NOW)
    assert (done.deed, done.file and done.file.reason) == (None, "half-fenced")


def test_under_a_hold_nothing_is_taken_back_unless_a_person_asks_for_it() -> None:
    held = _view(standings=_BLOCKED, holds=("Held by ann: firmware.",))
    move = next_move(held, PROVEN, POLICY, NOW)
    assert move.deed is None
    assert move.file
    assert move.file.sentence.startswith("Held by ann: firmware, so nothing is taken back.")
    assert next_move(replace(held, unfence="bob asks"), PROVEN, POLICY, NOW).deed == Unfence(("network-fence",))


def test_a_proof_does_not_count_once_its_boot_was_heard_again() -> None:
    move = next_move(_view(BACK, standings=_BLOCKED), PROVEN, POLICY, NOW)
    assert move.file
    assert move.file.proof is None


def test_our_taint_goes_when_another_boot_is_ready_and_nothing_of_before_is_left() -> None:
    node = replace(REBOOTED, tainted="marks")
    move = next_move(_view(node, pods=(_NEW,), attachments=(_NEW,)), _TAINTED, POLICY, NOW)
    assert move.deed == RemoveTaint()


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({}, {"pods": (_OLD, _NEW)}),
        ({}, {"attachments": (_OLD,)}),
        ({"boot": "boot-1"}, {}),
    ],
)
def test_else_it_stays_and_goes_with_a_warning_after_its_time(change: Any, more: Any) -> None:
    view = _view(replace(REBOOTED, tainted="marks", **change), **more)
    move = next_move(view, _TAINTED, POLICY, 1699.0)
    assert move.file
    assert (move.deed, move.file.reason) == (None, "tainted")
    late = next_move(view, _TAINTED, POLICY, 1700.0)
    assert isinstance(late.deed, RemoveTaint)
    assert late.deed.warning.startswith("Node node-a is Ready since 00:18:20Z, but ")


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_it_stays_while_the_node_is_not_ready_and_the_time_begins_anew(ready: str) -> None:
    node = replace(REBOOTED, ready=ready, tainted="marks")
    move = next_move(_view(node), _TAINTED, POLICY, 9999.0)
    assert move.file
    assert (move.deed, move.file.ready_since) == (None, None)


def test_a_taint_that_is_not_ours_is_left_alone() -> None:
    assert next_move(_view(replace(REBOOTED, tainted="")), _TAINTED, POLICY, NOW).file is None


def test_what_was_never_asked_for_is_no_reason_to_keep_a_file() -> None:
    assert next_move(_view(BACK), FILE, POLICY, NOW).file is None
