"""Is the window over? By the controller manager's clock, of which we know how far it is ahead, or by our own."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy, Record
from reactor.model.identity import Drift
from tests.unit.workers.decide.recorded import DUE, POWER_CUT, SINCE, TERMINATING, cluster, node, record, seen, stamp
from workers.decide.decision import Judgement, Passed
from workers.decide.node import window
from workers.decide.observation import Manager
from workers.observe import manager

_POLICY = Policy()
_ON_TIME = Manager(SINCE + 100.0, 0.0, 0.0)
_SERVER = POWER_CUT + TERMINATING


def _verdict(now: float, ahead: float | None = 0.0, looker: Record | None = None) -> Passed | Judgement:
    return window(looker or record(), replace(_ON_TIME, ahead=ahead), _POLICY, now)


@pytest.mark.parametrize("now", [0.0, SINCE - 1.0, float(SINCE), SINCE + 1.0, DUE - 1.0, DUE - 0.001])
def test_whoever_calls_before_the_windows_end_is_told_to_come_at_its_end(now: float) -> None:
    verdict = _verdict(now)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("unreachable-window", DUE)
    assert "06:13:45Z" in verdict.sentence
    assert "06:18:45Z" in verdict.sentence


@pytest.mark.parametrize("now", [DUE, DUE + 0.001, DUE + 86400.0])
def test_from_its_end_on_the_window_is_over(now: float) -> None:
    assert isinstance(_verdict(now), Passed)


def test_the_window_is_as_long_as_the_installation_wants() -> None:
    policy = replace(_POLICY, unreachable_window=10.0)
    assert isinstance(window(record(), _ON_TIME, policy, SINCE + 9.9), Judgement)
    assert isinstance(window(record(), _ON_TIME, policy, SINCE + 10.0), Passed)


def test_the_window_starts_when_the_node_turned_unknown_not_when_its_newer_taint_was_added() -> None:
    newer = tuple(replace(taint, added=SINCE + 1259.0) for taint in node().taints)
    lost = replace(node(), taints=newer).outage
    assert lost is not None
    assert isinstance(_verdict(DUE, looker=record(drift=Drift(record().drift.vm, lost))), Passed)


@pytest.mark.parametrize("ahead", [7.0, -7.0, 3600.0])
def test_a_clock_that_is_known_to_be_off_is_corrected(ahead: float) -> None:
    early = _verdict(DUE - ahead - 0.1, ahead)
    assert isinstance(early, Judgement)
    assert early.again_at == DUE - ahead
    assert f"{ahead:+.0f} s off" in early.sentence
    assert isinstance(_verdict(DUE - ahead, ahead), Passed)


@pytest.mark.parametrize("ahead", [86400.0, -86400.0])
def test_whether_it_leads_since_before_the_outage_is_asked_by_its_own_clock(ahead: float) -> None:
    """Ours may be a day off."""
    leads = replace(_ON_TIME, acquired=SINCE - 10.0, ahead=ahead)
    looker = record(created_at=SINCE - ahead + 1.0)
    early = window(looker, leads, _POLICY, DUE - ahead - 0.1)
    assert isinstance(early, Judgement)
    assert (early.again_at, "a clock that is" in early.sentence) == (DUE - ahead, True)
    new = window(looker, replace(leads, acquired=SINCE + 0.5), _POLICY, DUE - ahead - 0.1)
    assert isinstance(new, Judgement)
    assert (new.again_at, "manager that is gone" in new.sentence) == (DUE - ahead + 1.0, True)


@pytest.mark.parametrize("known", [replace(_ON_TIME, ahead=None), None])
def test_by_a_clock_that_may_be_wrong_the_window_counts_from_our_first_sight(known: Manager | None) -> None:
    late = record(created_at=SINCE + 100.0)
    early = window(late, known, _POLICY, DUE + 99.9)
    assert isinstance(early, Judgement)
    assert early.again_at == DUE + 100.0
    assert "may be wrong" in early.sentence
    assert isinstance(window(late, known, _POLICY, DUE + 100.0), Passed)


@pytest.mark.parametrize("known", [replace(_ON_TIME, ahead=None), None])
def test_a_clock_that_is_an_hour_ahead_makes_nobody_wait_for_an_hour(known: Manager | None) -> None:
    first = record(created_at=SINCE - 3600.0)
    early = window(first, known, _POLICY, DUE - 3600.1)
    assert isinstance(early, Judgement)
    assert early.again_at == DUE - 3600.0
    assert isinstance(window(first, known, _POLICY, DUE - 3600.0), Passed)


@pytest.mark.parametrize("ahead", [0.0, -9.0])
def test_an_outage_cannot_have_begun_after_it_was_seen_whoever_leads_now(ahead: float) -> None:
    """Written by a controller manager ten minutes ahead; another one, well on time, leads since."""
    early = replace(record(), created_at=SINCE - 600.0)
    verdict = _verdict(SINCE - 500.0, ahead, early)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at == SINCE - 600.0 + 300.0
    assert "later than it was first seen" in verdict.sentence
    assert isinstance(_verdict(SINCE - 300.0, ahead, early), Passed)


@pytest.mark.parametrize("clock", [_SERVER, _SERVER - 1.0, _SERVER + 0.9, int(_SERVER)])
def test_the_recorded_controller_manager_agrees_with_the_api_server_and_us(clock: float) -> None:
    found = manager(cluster(TERMINATING), lambda: clock)
    assert found == Manager(_SERVER, 1795414186.040422, 0.0)


@pytest.mark.parametrize(
    ("renewed", "ahead"),
    [
        (_SERVER + 2.0, 0.0),
        (_SERVER - 2.5, 0.0),
        (int(_SERVER) + 5.0, 5.0),
        (int(_SERVER) - 5.0, -5.0),
        (int(_SERVER) + 10.0, 10.0),
        (int(_SERVER) + 11.0, None),
        (int(_SERVER) - 11.0, None),
        (int(_SERVER) - 3600.0, None),
    ],
)
def test_a_lease_tells_by_the_servers_clock_how_far_its_holders_is_ahead(renewed: float, ahead: float | None) -> None:
    assert _manager_of(renewed, _SERVER) == ahead


@pytest.mark.parametrize("ours", [-3600.0, -60.0, 60.0, 3600.0])
def test_our_own_clock_is_reckoned_with_too(ours: float) -> None:
    clock = int(_SERVER) + ours
    assert _manager_of(_SERVER, clock) == -ours
    assert _manager_of(int(_SERVER) + 5.0, clock) == 5.0 - ours


def _manager_of(renewed: float, clock: float) -> float | None:
    """How far the controller manager is ahead of our clock when its Lease says `renewed`."""
    there = cluster(TERMINATING)
    spec = {"spec": {"renewTime": stamp(renewed)}}
    there.api.client("admin").patch("leases", "kube-controller-manager", spec, "kube-system")
    found = manager(there, lambda: clock)
    assert found is not None
    return found.ahead


def test_a_cluster_that_shows_no_controller_manager_has_none() -> None:
    there = cluster(TERMINATING)
    there.api.client("admin").patch("leases", "kube-controller-manager", {"spec": {"renewTime": None}}, "kube-system")
    assert manager(there, lambda: _SERVER) is None
    there.api.client("admin").delete("leases", "kube-controller-manager", "kube-system")
    assert manager(there, lambda: _SERVER) is None


def test_the_manager_is_read_while_its_clock_still_matters() -> None:
    assert seen("vm-rbd").manager is not None
