"""A rehearsal of what was there before a recorded loss says what then happened."""

from itertools import chain
from statistics import median

from tests.scenarios.rehearsed_traces import LOSSES, compared

_MEDIAN, _MOST = 1.0, 3.0  # seconds of virtual time; docs/rehearsal.md has the figures


def test_no_outcome_is_wrong_and_seconds_are_those_that_were_recorded() -> None:
    found = list(chain.from_iterable(map(compared, LOSSES)))
    assert [one for one in found if one.is_wrong] == []
    errors = sorted(one.error for one in found if one.recorded is not None)
    assert len(errors) > 12
    assert median(errors) < _MEDIAN
    assert errors[-1] < _MOST
