"""The taint NoSchedule on a node that is proven dead: when it is set, and when it is taken back."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Disk, Phase, Policy, Record
from reactor.model.fencing import ChosenRelease, ReleaseWay
from reactor.model.node import OUT_OF_SERVICE, UNREACHABLE_TAINT, NodeView, Taint
from tests.unit.workers.fencing.views import NODE, NOW, OFF, POLICY, PROOF, PROVEN, drift, seen
from workers.fencing.decide import next_move
from workers.fencing.decide.obstacle import MARGIN
from workers.fencing.decide.out_of_service import out_of_service
from workers.fencing.decide.view import FenceCase, FenceDecision, FenceView, Leftover, RemoveTaint, SetTaint

_DUE = drift("due", "taint-due", weighed=PROOF.at)
_LAUNCHER = Leftover("default/virt-launcher-due", 900.0, "default/due", tolerates=300.0)
_STAYS = Leftover("default/virt-launcher-pin", 900.0, "default/pin", tolerates=300.0)
_OTHER = Leftover("shop/db-0", 900.0, tolerates=300.0, terminating=True)
_PINNED = drift("pin", "pinned-to-node", Phase.REFUSED, weighed=PROOF.at)
_CHOSEN = ChosenRelease(ReleaseWay.NO_SCHEDULE, "Out.", NOW - 5, ("default/virt-launcher-due",), 1, NOW - 5)
_SET = replace(PROVEN, release=_CHOSEN)
_EVICTS = Taint(UNREACHABLE_TAINT, "", "NoExecute", 1000.0)
_DISK = Disk("data", "persistentVolumeClaim", "due-disk", "rbd", ("ReadWriteOnce",), ("node-a",))
_DETACHING = drift("due", "detached-by-taint", Phase.DETACHING, weighed=PROOF.at, released_at=NOW - 4, disks=(_DISK,))
_ATTACHED = replace(_DETACHING, disks=(replace(_DISK, holders=("node-b",)),))


def _tainted(effect: str = "NoSchedule", **more: Any) -> NodeView:
    taints = (Taint(OUT_OF_SERVICE, "nodeshutdown", effect), _EVICTS)
    return replace(NODE, **{"taints": taints, "tainted": "marks", **more})


def _view(*drifts: Record, **more: Any) -> FenceView:
    pods = (_LAUNCHER, _STAYS, _OTHER)
    drifts = drifts or (_DUE, _PINNED)
    return seen(**{"standings": {"redfish": OFF}, "drifts": drifts, "pods": pods, "manager_ahead": 0.0, **more})


def _way(move: FenceDecision) -> tuple[ReleaseWay | None, str]:
    assert move.file
    return move.file.release.way if move.file.release else None, move.file.reason


def test_as_soon_as_one_vm_may_be_released_it_is_set_whatever_else_is_there() -> None:
    move = next_move(_view(), PROVEN, POLICY, NOW)
    assert move.deed == SetTaint("NoSchedule")
    assert _way(move) == (ReleaseWay.NO_SCHEDULE, "fenced")
    assert move.file
    assert move.file.release
    assert move.file.release.pods == (_LAUNCHER.name, _STAYS.name)


def test_without_a_vm_that_is_released_by_it_it_is_not_set() -> None:
    move = next_move(_view(_PINNED), PROVEN, POLICY, NOW)
    assert (move.deed, move.file) == (None, PROVEN)


@pytest.mark.parametrize(
    ("policy", "more"), [(replace(POLICY, mode="observe"), {}), (POLICY, {"holds": ("Held by ann.",)})]
)
def test_where_one_only_observes_or_somebody_holds_the_node_it_is_not_set(policy: Policy, more: Any) -> None:
    assert next_move(_view(**more), PROVEN, policy, NOW).deed is None


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (replace(_STAYS, terminating=True), "is Terminating"),
        (replace(_STAYS, tolerates=100.0 + MARGIN), "may evict its launcher from"),
        (replace(_STAYS, vm="default/new", terminating=True), "default/new may not move (it was not checked yet)"),
    ],
)
def test_where_it_would_take_a_vm_that_may_not_move_the_others_are_released_one_by_one(pod: Any, said: str) -> None:
    node = replace(NODE, taints=(_EVICTS,))
    move = next_move(_view(node=node, pods=(_LAUNCHER, pod)), PROVEN, POLICY, NOW)
    assert (move.deed, _way(move)) == (None, (ReleaseWay.FORCE_DELETE, "would-evict"))
    assert move.file
    assert said in move.file.sentence
    back = next_move(_view(node=_tainted(), pods=(_LAUNCHER, pod)), _SET, POLICY, NOW)
    assert (back.deed, _way(back)) == (RemoveTaint("NoSchedule"), (ReleaseWay.FORCE_DELETE, "would-evict"))


@pytest.mark.parametrize(
    ("pod", "ahead"),
    [
        (replace(_STAYS, tolerates=101.0 + MARGIN), 0.0),
        (replace(_STAYS, tolerates=None), 0.0),
        (replace(_LAUNCHER, terminating=True), 0.0),
        (_OTHER, 0.0),
        (replace(_STAYS, vm="", terminating=True), 0.0),
        (replace(_STAYS, tolerates=101.0 + MARGIN), None),
    ],
    ids=["later", "never", "one that moves", "no launcher", "no VM's launcher", "a clock that is not known"],
)
def test_else_it_may_be_set(pod: Any, ahead: float | None) -> None:
    view = _view(node=replace(NODE, taints=(_EVICTS,)), pods=(pod,), manager_ahead=ahead)
    assert next_move(view, PROVEN, POLICY, NOW).deed == SetTaint("NoSchedule")


def test_a_vm_that_is_evicted_as_soon_as_the_node_is_unknown_keeps_it_away_before_that() -> None:
    view = _view(node=replace(NODE, taints=()), pods=(_LAUNCHER, replace(_STAYS, tolerates=MARGIN)))
    assert _way(next_move(view, PROVEN, POLICY, NOW)) == (ReleaseWay.FORCE_DELETE, "would-evict")


def test_the_eviction_is_reckoned_by_our_clock_and_not_by_the_controller_managers() -> None:
    late = replace(_STAYS, tolerates=101.0 + MARGIN)
    view = _view(node=replace(NODE, taints=(_EVICTS,)), pods=(_LAUNCHER, late), manager_ahead=2.0)
    assert _way(next_move(view, PROVEN, POLICY, NOW))[0] is ReleaseWay.FORCE_DELETE


def test_a_terminating_vm_that_nobody_has_judged_under_the_proof_is_waited_for_and_no_longer_than_half_a_minute() -> (
    None
):
    view = _view(_DUE, drift("pin"), pods=(_LAUNCHER, replace(_STAYS, terminating=True)))
    assert next_move(view, PROVEN, POLICY, PROOF.at + 29).file == PROVEN
    assert _way(next_move(view, PROVEN, POLICY, PROOF.at + 30))[0] is ReleaseWay.FORCE_DELETE


def test_it_stays_until_every_volume_is_attached_elsewhere() -> None:
    assert next_move(_view(_DETACHING, node=_tainted()), _SET, POLICY, NOW).deed is None
    move = next_move(_view(_ATTACHED, node=_tainted()), _SET, POLICY, NOW)
    assert (move.deed, _way(move)) == (RemoveTaint("NoSchedule"), (ReleaseWay.NO_SCHEDULE, "fenced"))


@pytest.mark.parametrize("reason", ["api-unavailable", "changed-underway"])
def test_nor_is_it_taken_back_while_a_pod_cannot_be_deleted_just_now(reason: str) -> None:
    failing = drift("due", reason, Phase.BLOCKED, weighed=PROOF.at)
    assert next_move(_view(failing, node=_tainted()), _SET, POLICY, NOW).deed is None


def test_nor_right_after_redis_has_forgotten_what_was_released() -> None:
    view = _view(_PINNED, node=_tainted(), pods=(_STAYS,))
    assert next_move(view, _SET, POLICY, NOW).deed is None
    assert next_move(view, _SET, POLICY, NOW + 26).deed == RemoveTaint("NoSchedule")


def test_before_kubernetes_notices_it_stays_whatever_is_attached_and_is_set_again() -> None:
    view = _view(replace(_ATTACHED, phase=Phase.COMPLETED), node=_tainted(ready="True", ready_since=900.0))
    assert out_of_service(FenceCase(view, _SET, POLICY, NOW), PROOF, ()).deed is None
    removed = replace(view, node=_tainted(ready="True", taints=()))
    assert out_of_service(FenceCase(removed, _SET, POLICY, NOW), PROOF, ()).deed == SetTaint("NoSchedule")


def test_nor_does_it_go_before_kubernetes_notices_where_nothing_was_released() -> None:
    view = _view(_PINNED, node=_tainted(ready="True"))
    late = NOW + 60
    assert out_of_service(FenceCase(view, _SET, POLICY, late), PROOF, ()).deed is None
    noticed = replace(view, node=_tainted())
    assert out_of_service(FenceCase(noticed, _SET, POLICY, late), PROOF, ()).deed == RemoveTaint("NoSchedule")


def test_what_was_set_with_no_execute_is_left_to_its_own_rules() -> None:
    all_of_it = replace(_SET, release=replace(_CHOSEN, way=ReleaseWay.TAINT))
    assert next_move(_view(_ATTACHED, node=_tainted("NoExecute")), all_of_it, POLICY, NOW).deed is None


def test_under_a_hold_it_stays_but_for_a_vm_that_it_would_take() -> None:
    held = _view(_ATTACHED, _PINNED, node=_tainted(), holds=("Held by ann.",))
    assert next_move(held, _SET, POLICY, NOW).deed is None
    late = replace(held, pods=(replace(_STAYS, terminating=True),))
    assert next_move(late, _SET, POLICY, NOW).deed == RemoveTaint("NoSchedule")


def test_a_taint_that_somebody_else_set_is_used_and_left_alone() -> None:
    theirs = _tainted("NoExecute", tainted="")
    move = next_move(_view(node=theirs), PROVEN, POLICY, NOW)
    assert (move.deed, _way(move)) == (None, (ReleaseWay.NO_SCHEDULE, "fenced"))
    assert next_move(_view(_ATTACHED, node=theirs), _SET, POLICY, NOW).deed is None


def test_one_that_somebody_removed_is_set_again_after_a_while_and_it_is_said() -> None:
    view = _view(_DETACHING, node=_tainted(taints=()))
    early = next_move(view, _SET, POLICY, NOW - 4.5)
    assert (early.deed, early.again_at) == (None, NOW - 4)
    move = next_move(view, _SET, POLICY, NOW)
    assert (move.deed, _way(move)[1]) == (SetTaint("NoSchedule"), "taint-removed")
    assert move.file
    assert move.file.sentence.startswith("Somebody removed the out-of-service taint of node-a")


def test_not_for_ever_and_not_once_nothing_needs_it() -> None:
    often = replace(_SET, release=replace(_CHOSEN, tries=6))
    move = next_move(_view(_DETACHING, node=_tainted(taints=())), often, POLICY, NOW)
    assert (move.deed, _way(move)) == (None, (ReleaseWay.FORCE_DELETE, "taint-removed"))
    done = next_move(_view(_ATTACHED, node=_tainted(taints=())), _SET, POLICY, NOW)
    assert done.deed == RemoveTaint("NoSchedule")  # our annotation is left


def test_what_was_given_up_is_not_set_again_and_what_is_left_of_it_goes() -> None:
    given_up = replace(_SET, release=replace(_CHOSEN, way=ReleaseWay.FORCE_DELETE))
    assert next_move(_view(), given_up, POLICY, NOW).deed is None
    assert next_move(_view(node=_tainted()), given_up, POLICY, NOW).deed == RemoveTaint("NoSchedule")


_VOID = replace(_SET, void="it spoke")


def test_where_the_proof_is_void_it_goes_if_nothing_was_deleted() -> None:
    move = next_move(_view(node=_tainted(), standings={}), _VOID, POLICY, NOW)
    assert (move.deed, _way(move)[1]) == (RemoveTaint("NoSchedule"), "untainting")


@pytest.mark.parametrize("change", [{"pods": (_STAYS,)}, {"drifts": (_DETACHING,)}], ids=["pods", "records"])
@pytest.mark.parametrize("ready", ["Unknown", "True"])
def test_else_it_stays_until_a_new_boot_or_a_persons_word(change: Any, ready: str) -> None:
    view = _view(**{"node": _tainted(ready=ready), "standings": {}, **change})
    move = next_move(view, _VOID, POLICY, NOW)
    assert (move.deed, _way(move)[1]) == (None, "half-fenced")
    assert move.again_at <= NOW + MARGIN / 3
    assert move.file
    assert "Reboot it, or `vmdrift unfence node-a`." in move.file.sentence
    assert next_move(replace(view, unfence="ann looked."), _VOID, POLICY, NOW).deed == RemoveTaint("NoSchedule")
    reboot = replace(view, node=_tainted(ready="True", boot="boot-2"))
    assert next_move(reboot, _VOID, POLICY, NOW).deed == RemoveTaint("NoSchedule")


@pytest.mark.parametrize("stays", [_STAYS, _LAUNCHER], ids=["may never move", "might have moved with proof"])
def test_but_not_so_long_that_it_costs_a_vm_which_may_live_its_launcher(stays: Leftover) -> None:
    drifts = (_DUE, _PINNED, replace(_DETACHING, drift=drift("gone").drift))
    view = _view(*drifts, node=_tainted(), standings={}, pods=(replace(stays, terminating=True),))
    move = next_move(view, _VOID, POLICY, NOW)
    assert (move.deed, _way(move)[1]) == (RemoveTaint("NoSchedule"), "would-evict")
    assert next_move(replace(view, holds=("Held by ann.",)), _VOID, POLICY, NOW).deed == RemoveTaint("NoSchedule")
    assert move.file
    assert "which is Terminating: its out-of-service taint is taken back." in move.file.sentence
    heard = replace(view, node=_tainted(ready="True"))  # pod garbage collection leaves such a node alone
    assert next_move(heard, _VOID, POLICY, NOW).deed is None


def test_what_is_not_known_counts_as_released() -> None:
    unknown = replace(_VOID, release=None)
    assert _way(next_move(_view(node=_tainted(), standings={}), unknown, POLICY, NOW))[1] == "half-fenced"
