"""How many nodes may be fenced in a while, and what counts."""

from dataclasses import replace
from math import inf

import pytest

from reactor.model.fence_requests import FenceRequest, fences
from reactor.model.fencing import Attempt, Fencing
from tests.unit.workers.fencing.views import FILE, NOW, POLICY
from workers.fencing.decide.rate import counted, dated_back, ours, too_soon

_TWO = replace(POLICY, max_fences=2, fence_period=600.0)
_B, _C = FenceRequest("node-b", "boot-b", NOW - 100), FenceRequest("node-c", "boot-c", NOW - 500)


def test_as_many_as_may_be_leave_no_room_until_the_first_of_them_is_old_enough() -> None:
    why = too_soon([_C, _B], FILE, _TWO, NOW)
    assert why == "2 nodes were fenced within 600 s (node-c, node-b), as many as may be. Not before 00:20:00Z."
    assert too_soon([_C, _B], FILE, _TWO, NOW + 99)
    assert too_soon([_C, _B], FILE, _TWO, NOW + 100) == ""


def test_fewer_leave_room() -> None:
    assert too_soon([_B], FILE, _TWO, NOW) == ""


def test_a_boot_that_counts_already_may_be_asked_for_again_by_the_next_provider() -> None:
    mine = FenceRequest(FILE.node.name, FILE.boot, NOW - 10)
    assert too_soon([_B, _C, mine], FILE, _TWO, NOW) == ""
    assert counted({mine.key: mine}, FILE, _TWO, NOW) == {}


def test_one_that_a_clock_ahead_wrote_counts() -> None:
    assert too_soon([_B, replace(_C, at=NOW + 50)], FILE, _TWO, NOW)


def test_those_in_the_future_count_as_of_now_and_what_cannot_be_read_for_ever() -> None:
    ahead, unknown = replace(_C, at=NOW + 50), replace(_B, at=inf)
    assert dated_back({_B.key: _B, _C.key: ahead}, NOW) == {_C.key: replace(_C, at=NOW).as_text()}
    assert dated_back({_B.key: unknown}, NOW) == {}


def test_what_counts_no_more_is_forgotten_when_the_next_one_is_counted() -> None:
    old = replace(_C, at=NOW - 600)
    found = counted({_B.key: _B, old.key: old}, FILE, _TWO, NOW)
    mine = FenceRequest(FILE.node.name, FILE.boot, NOW)
    assert found == {old.key: None, mine.key: mine.as_text()}


def test_an_entry_is_read_as_it_was_written_and_another_boot_is_another_one() -> None:
    again = replace(_B, boot="boot-b2")
    assert fences({"data": {_B.key: _B.as_text(), again.key: again.as_text(), "fence_x": "{}"}}) == {
        _B.key: _B,
        again.key: again,
    }


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"node": "a", "boot": "b", "at": "soon"}'])
def test_one_that_cannot_be_read_counts_for_ever(text: str) -> None:
    done = fences({"data": {"fenced_x": text}})
    assert too_soon(done.values(), FILE, replace(_TWO, max_fences=1), NOW)
    assert counted(done, FILE, replace(_TWO, max_fences=9), NOW).keys() == {FenceRequest("node-a", "boot-1", NOW).key}


def test_what_somebody_was_asked_for_is_ours_and_what_others_proved_is_not() -> None:
    asked = replace(FILE, attempts=(Attempt("redfish", NOW),))
    known: dict[str, Fencing] = {"a": asked, "b": FILE, "c": replace(FILE, releases=("default/vm",))}
    assert ours(known) == {"a", "c"}
