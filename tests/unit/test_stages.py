"""What is added up of ended drifts, and the histograms that are made of it."""

from collections import Counter
from dataclasses import replace

import pytest

from reactor.model.drift import Phase, Record
from reactor.model.stages import BOUNDS, RECOVERY, STAGES, Histogram, amounts, ended, histogram
from tests.unit.decide.recorded import SINCE, record


def _completed(after: float) -> Record:
    """A drift whose VM ran elsewhere so many seconds after its node was lost."""
    begun = replace(record(phase=Phase.COMPLETED), created_at=SINCE + 1.0, released_at=SINCE + 2.0)
    return replace(begun, detached_at=SINCE + 3.0, ended_at=SINCE + after)


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
