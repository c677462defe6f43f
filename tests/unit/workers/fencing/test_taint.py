"""The taint NoExecute, which removes all that is on a node that is proven dead: only where a person asks for it."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from reactor.model.fencing import ChosenRelease, ReleaseWay
from reactor.model.node import OUT_OF_SERVICE, Taint
from tests.unit.workers.fencing.views import NODE, NOW, OFF, POLICY, PROOF, PROVEN, drift, seen
from workers.decide.release import TAINT_TAKES
from workers.fencing.decide import next_move
from workers.fencing.decide.view import FenceView, Leftover, SetTaint

_DUE = drift("due", "taint-due", weighed=PROOF.at)
_REFUSED = drift("other", "pinned-to-node", Phase.REFUSED, weighed=PROOF.at)
_PODS = (Leftover("default/virt-launcher-due", 900.0, "default/due"), Leftover("kube-system/proxy", 900.0, stays=True))
_CHOSEN = replace(PROVEN, release=ChosenRelease(ReleaseWay.TAINT, "All.", NOW))


def _view(**more: Any) -> FenceView:
    asked = {"drifts": (_DUE, _REFUSED), "pods": _PODS, "although": "Taint asked for by ann."}
    return seen(**{"standings": {"redfish": OFF}, **asked, **more})


@pytest.mark.parametrize("way", [None, ReleaseWay.FORCE_DELETE, ReleaseWay.NO_SCHEDULE])
def test_a_person_may_want_it_whatever_it_hits_and_what_it_removes_is_listed(way: ReleaseWay | None) -> None:
    before = replace(PROVEN, release=ChosenRelease(way, "Otherwise.", NOW - 5) if way else None)
    move = next_move(_view(), before, POLICY, NOW)
    assert move.file
    assert move.file.release == ChosenRelease(
        ReleaseWay.TAINT, "Taint asked for by ann.", NOW, ("default/virt-launcher-due",)
    )
    assert (move.deed, move.wake) == (None, (_DUE,))


@pytest.mark.parametrize(("effect", "deed"), [("NoExecute", None), ("NoSchedule", SetTaint("NoExecute"))])
def test_it_is_set_after_that_was_written_down_and_again_while_it_is_missing(effect: str, deed: Any) -> None:
    assert next_move(_view(), _CHOSEN, POLICY, NOW).deed == SetTaint("NoExecute")
    there = replace(NODE, taints=(Taint(OUT_OF_SERVICE, "nodeshutdown", effect),), tainted="marks")
    assert next_move(_view(node=there), _CHOSEN, POLICY, NOW).deed == deed
    assert next_move(_view(), _CHOSEN, POLICY, NOW + TAINT_TAKES).deed is None


def test_a_fence_of_some_storage_never_leads_to_it_whoever_wants_it() -> None:
    blocked = replace(PROVEN, confirmation=replace(PROOF, storage=(("rbd", "ceph"),)))
    move = next_move(_view(), blocked, POLICY, NOW)
    assert move.file
    assert move.file.release
    assert (move.deed, move.file.release.way) == (None, ReleaseWay.FORCE_DELETE)
    assert "only storage is blocked" in move.file.sentence
    then = next_move(_view(), move.file, POLICY, NOW)
    assert (then.file, then.deed) == (move.file, None)


@pytest.mark.parametrize(
    ("policy", "more"), [(replace(POLICY, mode="observe"), {}), (POLICY, {"holds": ("Held by ann.",)})]
)
def test_it_is_not_set_where_one_only_observes_or_somebody_holds_the_node(policy: Policy, more: Any) -> None:
    assert next_move(_view(**more), _CHOSEN, policy, NOW).deed is None
