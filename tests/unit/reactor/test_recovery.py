"""How long VMs were down, what their drifts wait for, and what is added up of it: the same wherever it is shown."""

import io
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from rich.console import Console

from reactor.model.drift import Check, OutageRecord, Phase, Record
from reactor.model.fencing import Confirmation, Fencing
from reactor.model.outlook import down
from reactor.model.recovery import (
    BOUNDS,
    ON_PROOF,
    RECOVERY,
    STAGES,
    Histogram,
    Windows,
    amounts,
    ended,
    histogram,
    recovery,
    stages,
)
from reactor.web.page.timeline import timeline
from reactor.web.page.view_models import OutageRow, outage_view
from tests.unit.workers.decide.recorded import SINCE, record
from vmdrift.status.history import EndedOutage, as_object
from vmdrift.status.table import overview

WINDOWS = Windows(300.0, 360.0)


def _completed(after: float) -> Record:
    """A drift whose VM ran elsewhere so many seconds after its node was lost."""
    begun = replace(record(phase=Phase.COMPLETED), created_at=SINCE + 1.0, released_at=SINCE + 2.0)
    return replace(begun, detached_at=SINCE + 3.0, ended_at=SINCE + after)


def _view(one: Record, now: float) -> OutageRow:
    """On the page."""
    return outage_view(OutageRecord(one.drift.outage, SINCE), [one], [], WINDOWS, now)


def _row(one: Record, now: float) -> str:
    """In `vmdrift status`."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(overview([], [one], now, WINDOWS))
    return capture.get().splitlines()[-2]


@pytest.mark.parametrize("reason", ["running-elsewhere", "replicas-restored", "returned-node"])
def test_metric_page_and_history_mean_the_same_by_a_recovery(reason: str) -> None:
    done = replace(_completed(400.0), reason=reason)
    seconds = None if reason == "returned-node" else 400.0
    assert amounts(done).get(f"{RECOVERY} sum") == seconds
    assert _view(done, SINCE + 900).recovery == (seconds and (seconds, seconds))
    assert as_object([EndedOutage(OutageRecord(done.drift.outage, SINCE), (done,), 0, done=True)])["outages"][0][
        "recovery"
    ] == (seconds and {"median": seconds, "longest": seconds})


_UNNOTICED = replace(record(), reason="not-noticed", sentence="Nobody has noticed.", again_at=SINCE + 30.0)
_CONFIRMED = Confirmation("redfish", "bmc-1", "It reads Off.", SINCE + 5.0, "", "")


def _shown(one: Record, outage: OutageRecord) -> str:
    """All of `vmdrift status`."""
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(overview([(outage, [one])], [one], SINCE + 20.0, WINDOWS))
    return capture.get()


def test_before_kubernetes_has_noticed_no_window_runs_and_page_and_status_say_what_is_waited_for() -> None:
    row = _view(_UNNOTICED, SINCE + 20.0)
    assert (row.window, row.waits, row.vms[0].window, row.vms[0].waits) == (None, ON_PROOF, None, ON_PROOF)
    shown = _shown(_UNNOTICED, row.record)
    assert ON_PROOF in shown
    assert "is silent since" in shown
    assert "Window left" not in shown


@pytest.mark.parametrize("reason", ["held", "taint-due"])
def test_that_is_so_for_whatever_else_a_vm_waits(reason: str) -> None:
    check = Check("noticed", held=False, reason="not-noticed", sentence="Nobody has noticed.")
    row = _view(replace(_UNNOTICED, reason=reason, checks=(check,)), SINCE + 20.0)
    assert (row.window, row.waits, row.vms[0].window, row.vms[0].waits) == (None, ON_PROOF, None, "")


def test_with_proof_nothing_is_waited_for() -> None:
    outage = _UNNOTICED.drift.outage
    fencing = Fencing(outage, "boot-1", SINCE, "fenced", "Proven dead.", confirmation=_CONFIRMED)
    known = OutageRecord(outage, SINCE, fencing=fencing)
    row = outage_view(known, [_UNNOTICED], [], WINDOWS, SINCE + 20.0)
    assert (row.window, row.waits) == (None, "")
    assert ON_PROOF not in _shown(_UNNOTICED, known)


def test_the_window_counts_from_when_kubernetes_noticed() -> None:
    noticed = replace(_UNNOTICED.drift, outage=replace(_UNNOTICED.drift.outage, noticed=int(SINCE) + 40))
    waits = replace(_UNNOTICED, drift=noticed, reason="unreachable-window", again_at=SINCE + 340.0)
    row = _view(waits, SINCE + 50.0)
    assert row.window is not None
    assert (row.window.begin, row.window.end, row.waits) == (SINCE + 40.0, SINCE + 340.0, "")
    assert [mark.name for mark in row.vms[0].line.marks] == ["lost", "silent", "unknown", "window"]


def test_a_drift_in_kubernetes_six_minutes_waits_for_their_end_and_not_for_its_next_look() -> None:
    looked = replace(record(phase=Phase.DETACHING), reason="detach-window", released_at=SINCE + 300.0)
    waits = replace(looked, again_at=SINCE + 460.0)
    (shown,) = _view(waits, SINCE + 400.0).vms
    assert shown.window is not None
    assert (shown.window.end, shown.window.left(SINCE + 400.0)) == (SINCE + 660.0, 260.0)
    assert [mark.at for mark in shown.line.marks if mark.name == "detached"] == [SINCE + 660.0]
    assert "260 s" in _row(waits, SINCE + 400.0)


def test_a_window_that_was_put_right_by_another_clock_ends_at_one_moment_everywhere() -> None:
    waits = replace(record(), reason="unreachable-window", again_at=SINCE + 260.0)
    (shown,) = _view(waits, SINCE + 100.0).vms
    assert shown.window is not None
    assert shown.window.end == SINCE + 260.0
    assert [mark.at for mark in shown.line.marks if mark.name == "window"] == [SINCE + 260.0]
    assert "160 s" in _row(waits, SINCE + 100.0)


def test_a_vm_that_was_put_back_onto_the_dead_node_was_not_down_while_it_ran_elsewhere() -> None:
    first = replace(_completed(4000.0), reason="running-elsewhere")
    again = replace(first, again=1, created_at=SINCE + 3900.0)
    assert (recovery(first), recovery(again)) == (4000.0, 100.0)
    assert (stages(again, SINCE + 4000.0)["total"], down(again, SINCE + 4000.0).seconds) == (100.0, 100.0)


def test_nobody_was_down_for_less_than_no_time() -> None:
    early = replace(record(), again_at=SINCE + 300.0)
    (shown,) = _view(early, SINCE - 5.0).vms
    assert (shown.spent, _row(early, SINCE - 5.0).split()[-2:]) == (0.0, ["0", "s"])


def test_the_page_draws_the_stages_that_the_metrics_count() -> None:
    done = replace(_completed(400.0), created_at=float(SINCE), released_at=SINCE + 310.0, detached_at=SINCE + 380.0)
    drawn: defaultdict[str, float] = defaultdict(float)
    for stage in timeline(replace(done, scheduled_at=SINCE + 320.0), WINDOWS, SINCE + 900.0).stages:
        drawn[stage.name] += stage.seconds
    counted = {name: seconds for name, seconds in stages(done, SINCE + 400.0).items() if seconds and name != "total"}
    del drawn["silent"]  # no stage of ours
    assert dict(drawn) == pytest.approx(counted, abs=0.1)


def test_nothing_is_added_up_before_the_end() -> None:
    assert amounts(replace(record(), released_at=SINCE + 301.0)) == {}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_end])
def test_only_a_vm_that_runs_elsewhere_has_recovered(phase: Phase) -> None:
    added = amounts(replace(_completed(400.0), phase=phase))
    assert added[f"ended {phase}"] == 1
    assert (f"{RECOVERY} sum" in added, "starting sum" in added) == (phase is Phase.COMPLETED,) * 2


def test_a_histogram_counts_each_drift_in_every_bucket_that_it_fits_in() -> None:
    totals: Counter[str] = Counter()
    for after in (300.0, 300.1, 100_000.0):
        totals.update(amounts(_completed(after)))
    found = histogram(RECOVERY, totals)
    at = dict(zip((*BOUNDS, "all"), found.counts, strict=True))
    assert (at[240], at[300], at[330], at[7200], at["all"]) == (0, 1, 2, 2, 3)
    assert found.sum == pytest.approx(100_600.1)
    assert all(histogram(stage, totals).counts[-1] == 3 for stage in STAGES)


def test_without_an_end_all_are_nought() -> None:
    assert histogram(RECOVERY, {}) == Histogram((0,) * (len(BOUNDS) + 1), 0.0)
    assert ended({}) == {phase: 0 for phase in Phase if phase.is_end}
