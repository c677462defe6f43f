"""Which way the VMs of a node that is proven dead are released: one by one, or all by Kubernetes' taint."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy, Record
from reactor.model.fencing import ChosenRelease, ReleaseWay
from reactor.model.node import OUT_OF_SERVICE, Taint
from tests.unit.workers.fencing.views import NODE, NOW, OFF, POLICY, PROOF, PROVEN, drift, seen
from workers.decide.release import TAINT_TAKES
from workers.fencing.decide import next_move
from workers.fencing.decide.view import FenceView, Leftover, SetTaint

_TAINT = replace(POLICY, fenced_release="taint")
_DUE = drift("due", "taint-due", weighed=PROOF.at)
_PODS = (Leftover("default/virt-launcher-due", 900.0, "default/due"), Leftover("kube-system/proxy", 900.0, stays=True))


def _view(*drifts: Record, **more: Any) -> FenceView:
    return seen(**{"standings": {"redfish": OFF}, "drifts": drifts or (_DUE,), "pods": _PODS, **more})


def test_where_every_vm_is_to_be_moved_the_taint_is_chosen_and_what_it_removes_is_listed() -> None:
    move = next_move(_view(), PROVEN, _TAINT, NOW)
    assert move.file
    assert move.file.release == ChosenRelease(
        ReleaseWay.TAINT, "Every VM on the node is to be moved.", NOW, ("default/virt-launcher-due",)
    )
    assert (move.deed, move.wake) == (None, (_DUE,))


def test_it_is_set_after_that_was_written_down_and_again_while_it_is_missing() -> None:
    chosen = replace(PROVEN, release=ChosenRelease(ReleaseWay.TAINT, "All.", NOW))
    assert next_move(_view(), chosen, _TAINT, NOW).deed == SetTaint()
    there = replace(NODE, taints=(Taint(OUT_OF_SERVICE, "nodeshutdown", "NoExecute"),))
    assert next_move(_view(node=there), chosen, _TAINT, NOW).deed is None
    assert next_move(_view(), chosen, _TAINT, NOW + TAINT_TAKES).deed is None


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            drift("other", "pinned-to-node", Phase.REFUSED, weighed=PROOF.at),
            "default/other is refused (pinned-to-node)",
        ),
        (drift("other", "observe-only", Phase.BLOCKED, weighed=PROOF.at), "default/other is blocked (observe-only)"),
        (drift("other", "held", Phase.BLOCKED, weighed=PROOF.at), "default/other is blocked (held)"),
        (drift("other", "cancelled-by-hand", Phase.CANCELLED), "default/other is cancelled (cancelled-by-hand)"),
        (drift("other", "vm-stopped", Phase.CANCELLED), "default/other is cancelled (vm-stopped)"),
    ],
)
def test_one_vm_that_is_not_to_be_moved_keeps_it_away(other: Record, why: str) -> None:
    move = next_move(_view(_DUE, other), PROVEN, _TAINT, NOW)
    assert move.file
    assert move.file.release == ChosenRelease(ReleaseWay.FORCE_DELETE, f"One by one, not by taint: {why}.", NOW)


@pytest.mark.parametrize(
    "other",
    [
        drift("other", "vm-deleted", Phase.CANCELLED),
        drift("other", "not-on-node", Phase.CANCELLED),
        drift("other", "force-deleted", Phase.RELEASED, weighed=PROOF.at),
        drift("other", "running-elsewhere", Phase.COMPLETED),
    ],
)
def test_one_that_is_not_there_any_more_does_not(other: Record) -> None:
    move = next_move(_view(_DUE, other), PROVEN, _TAINT, NOW)
    assert move.file
    assert move.file.release
    assert move.file.release.way is ReleaseWay.TAINT


def test_a_vm_that_nobody_has_looked_at_yet_keeps_it_away() -> None:
    unknown = Leftover("default/virt-launcher-new", 900.0, "default/new")
    move = next_move(_view(pods=(*_PODS, unknown)), PROVEN, _TAINT, NOW)
    assert move.file
    assert move.file.release
    assert "default/new has not been looked at" in move.file.release.why


def test_it_waits_half_a_minute_for_all_to_be_looked_at_and_no_longer() -> None:
    view = _view(_DUE, drift("late"))
    assert next_move(view, PROVEN, _TAINT, PROOF.at + 29).file == PROVEN
    move = next_move(view, PROVEN, _TAINT, PROOF.at + 30)
    assert move.file
    assert move.file.release
    assert move.file.release.way is ReleaseWay.FORCE_DELETE


@pytest.mark.parametrize("policy", [POLICY, _TAINT])
def test_a_person_may_want_it_whatever_it_hits(policy: Any) -> None:
    refused = drift("other", "pinned-to-node", Phase.REFUSED, weighed=PROOF.at)
    one_by_one = replace(PROVEN, release=ChosenRelease(ReleaseWay.FORCE_DELETE, "One by one.", NOW - 5))
    move = next_move(_view(_DUE, refused, although="Taint asked for by ann."), one_by_one, policy, NOW)
    assert move.file
    assert move.file.release
    assert (move.file.release.way, move.file.release.why) == (ReleaseWay.TAINT, "Taint asked for by ann.")


@pytest.mark.parametrize("although", ["", "Taint asked for by ann."])
def test_a_fence_of_some_storage_never_leads_to_it_whoever_wants_it(although: str) -> None:
    blocked = replace(PROVEN, confirmation=replace(PROOF, storage=(("rbd", "ceph"),)))
    move = next_move(_view(although=although), blocked, _TAINT, NOW)
    assert move.file
    assert move.file.release
    assert (move.deed, move.file.release.way) == (None, ReleaseWay.FORCE_DELETE)
    assert "only storage is blocked" in move.file.sentence
    then = next_move(_view(although=although), move.file, _TAINT, NOW)
    assert (then.file, then.deed) == (move.file, None)


def test_without_that_setting_nothing_of_it_is_considered() -> None:
    assert next_move(_view(), PROVEN, POLICY, NOW).file == PROVEN


def test_without_a_vm_that_is_released_by_it_it_is_not_chosen() -> None:
    gone = drift("gone", "running-elsewhere", Phase.COMPLETED)
    assert next_move(_view(gone, pods=()), PROVEN, _TAINT, NOW).file == PROVEN


@pytest.mark.parametrize(
    ("policy", "more"), [(replace(_TAINT, mode="observe"), {}), (_TAINT, {"holds": ("Held by ann.",)})]
)
def test_neither_the_setting_nor_a_person_has_it_set_where_one_only_observes_or_somebody_holds_the_node(
    policy: Policy, more: dict[str, Any]
) -> None:
    chosen = replace(PROVEN, release=ChosenRelease(ReleaseWay.TAINT, "All.", NOW))
    assert next_move(_view(**more), chosen, policy, NOW).deed is None
    assert next_move(_view(although="Taint asked for by ann.", **more), chosen, policy, NOW).deed is None
