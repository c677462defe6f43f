"""How a launcher is let go of: one DELETE each, and what a finalizer keeps is named. On recorded objects."""

from dataclasses import replace

from reactor.model.drift import Phase, Policy
from tests.unit.workers.decide.recorded import POWER_CUT, RELEASED, launcher, record, seen
from workers.decide import decide
from workers.decide.decision import Release
from workers.decide.release import one_by_one

_POD = launcher("vm-rbd")
_KEPT = replace(_POD, terminating=True, forced=True, finalizers=("example.com/release", "example.com/other"))


def test_a_launcher_that_a_finalizer_keeps_is_deleted_once_and_the_finalizer_named() -> None:
    assert one_by_one((replace(_KEPT, forced=False),)).action == Release((replace(_KEPT, forced=False),))
    kept = one_by_one((_KEPT,))
    assert (kept.reason, kept.phase, kept.action) == ("launcher-kept", Phase.BLOCKED, None)
    assert "finalizer example.com/release, example.com/other keeps it" in kept.sentence


def test_what_else_is_left_goes_meanwhile() -> None:
    assert one_by_one((_KEPT, _POD)).action == Release((_POD,))


def test_the_six_minutes_count_from_when_it_is_gone() -> None:
    observation = replace(seen("vm-rbd"), launchers=(_KEPT,))
    looker = record("vm-rbd", phase=Phase.RELEASED, reason="force-deleted", released_at=POWER_CUT + RELEASED)
    decision = decide(observation, looker, Policy(), POWER_CUT + RELEASED)
    assert (decision.judgement.reason, decision.in_use) == ("launcher-kept", True)
