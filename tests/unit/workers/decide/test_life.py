"""Is anything of the lost node alive? By values that change between two looks, however far its clock is off."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy, Signs
from tests.unit.workers.decide.recorded import SINCE, node_of, seen, signs
from workers.decide import life
from workers.decide.decision import Judgement, Passed
from workers.decide.observation import Observation

_SEEN, _KNOWN = seen("vm-rbd"), signs()
_GRACE = Policy().virt_handler_grace
_NOW = SINCE + 1000.0


def _with(lease: str | None = _KNOWN.lease, heartbeat: str = _KNOWN.heartbeat) -> Observation:
    return replace(_SEEN, lease=lease, node=replace(node_of(_SEEN), heartbeat=heartbeat))


def test_the_recorded_node_said_nothing_from_the_power_cut_on() -> None:
    assert life.signs(_KNOWN, _SEEN, _NOW) == _KNOWN
    assert Signs("2026-11-23T06:12:54.094890Z", "2026-11-23T06:12:33Z", SINCE) == _KNOWN


@pytest.mark.parametrize("known", [None, _KNOWN])
def test_a_node_that_could_not_be_looked_at_says_nothing_new(known: Signs | None) -> None:
    assert life.signs(known, replace(_SEEN, node=None), _NOW) == known
    assert life.signs(known, _with(lease=None, heartbeat="another"), _NOW) == known


def test_the_first_look_is_no_sign_of_life_however_fresh_the_stamps_are() -> None:
    fresh = _with("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    assert life.signs(None, fresh, _NOW) == Signs("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z", _NOW)


@pytest.mark.parametrize("stamp", ["2099-01-01T00:00:00Z", "1999-01-01T00:00:00Z", ""])
@pytest.mark.parametrize(
    ("changed", "alive"),
    [({"lease"}, "kubelet"), ({"heartbeat"}, "virt-handler"), ({"lease", "heartbeat"}, "virt-handler")],
)
def test_any_other_value_than_before_is_a_sign_of_life_later_and_earlier_ones_too(
    changed: set[str], alive: str, stamp: str
) -> None:
    found = life.signs(_KNOWN, _with(**dict.fromkeys(changed, stamp)), _NOW)
    assert found == replace(_KNOWN, **dict.fromkeys(changed, stamp), since=_NOW, alive=alive)


@pytest.mark.parametrize("steady_since", [_KNOWN.since + 0.1, _NOW])
def test_a_step_of_the_one_clock_starts_the_silence_again_and_says_nothing_of_life(steady_since: float) -> None:
    alive = replace(_KNOWN, alive="kubelet")
    stepped = replace(_SEEN, steady_since=steady_since)
    assert life.signs(alive, stepped, _NOW) == replace(alive, since=_NOW)
    assert life.signs(replace(alive, since=steady_since), stepped, _NOW).since == steady_since  # type: ignore[union-attr]


def test_what_was_first_read_at_a_moment_yet_to_come_was_read_before_the_clock_was_set_back() -> None:
    assert life.signs(replace(_KNOWN, since=_NOW + 3600.0), _SEEN, _NOW) == replace(_KNOWN, since=_NOW)


def test_who_was_alive_is_remembered_while_nothing_changes_again() -> None:
    alive = replace(_KNOWN, since=_NOW - 50.0, alive="kubelet")
    assert life.signs(alive, _SEEN, _NOW) == alive


@pytest.mark.parametrize(
    ("alive", "reason", "part"),
    [
        ("", "watching-for-life", "Watching the node"),
        ("kubelet", "kubelet-alive", "The kubelet's Lease changed"),
        ("virt-handler", "virt-handler-alive", "Virt-handler's heartbeat changed"),
    ],
)
@pytest.mark.parametrize("after", [0.0, 1.0, _GRACE - 0.1])
def test_for_the_whole_grace_after_the_last_change_nothing_is_done(
    alive: str, reason: str, part: str, after: float
) -> None:
    verdict = life.silent(replace(_KNOWN, alive=alive), Policy(), SINCE + after)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == (reason, SINCE + _GRACE)
    assert part in verdict.sentence
    assert "06:13:45Z" in verdict.sentence
    assert "06:16:45Z" in verdict.sentence


@pytest.mark.parametrize("alive", ["", "kubelet", "virt-handler"])
def test_who_was_silent_for_the_grace_counts_as_gone(alive: str) -> None:
    verdict = life.silent(replace(_KNOWN, alive=alive), Policy(), SINCE + _GRACE)
    assert isinstance(verdict, Passed)
    assert "06:13:45Z" in verdict.sentence


def test_the_grace_is_as_long_as_the_installation_wants() -> None:
    policy = Policy(virt_handler_grace=10.0)
    assert isinstance(life.silent(_KNOWN, policy, SINCE + 9.9), Judgement)
    assert isinstance(life.silent(_KNOWN, policy, SINCE + 10.0), Passed)


def test_of_a_node_that_was_never_looked_at_nothing_is_known() -> None:
    verdict = life.silent(None, Policy(), _NOW)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("watching-for-life", None)
