"""Whatever happens in whatever order (tests.properties.machine): about a minute of it, or a quarter of an hour."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import TALLY, Outages

_ANY = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
_MINUTE = settings(
    _ANY,
    max_examples=110,
    stateful_step_count=20,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.target],
)
_NIGHT = settings(_ANY, max_examples=450, stateful_step_count=40, print_blob=True)


def _lives(chosen: settings, report: Callable[[str, object], None]) -> None:
    TALLY.clear()
    try:
        run_state_machine_as_test(Outages, settings=chosen)
    finally:
        report("state machine", ", ".join(f"{number} {what}" for what, number in TALLY.items()))


@pytest.mark.long(25)
@pytest.mark.timeout(600)
def test_no_order_of_events_makes_the_reactor_do_what_it_must_not(
    record_property: Callable[[str, object], None],
) -> None:
    _lives(_MINUTE, record_property)
    assert TALLY["released"] > 50, "the worlds are too kind"
    assert TALLY["released with proof"] > 10, "nobody proves anything"
    assert TALLY["double writers"] > 0, "no world shows what silence cannot tell"


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_quarter_of_an_hours_lives(record_property: Callable[[str, object], None]) -> None:
    _lives(_NIGHT, record_property)
