"""Whatever happens in whatever order (tests.properties.machine): some worlds each time, a thousand each night."""

from collections.abc import Callable

import pytest

from tests.properties.drawn import any_seed, draw
from tests.properties.machine import TALLY
from tests.properties.tally import Tally

_PARTS = 4  # of the night, so that several can be drawn side by side
_BATCH = 25  # worlds from one seed: Hypothesis turns to variations of what it liked, and leaves the rest out
_SELDOM = 5  # kinds of trouble that chance may leave out of one part
Report = Callable[[str, object], None]


def _drawn(worlds: int, steps: int, report: Report) -> None:
    number = any_seed()
    try:
        draw(worlds, steps, number)
    finally:
        report("state machine", f"seed {number}: {TALLY}")


@pytest.mark.long(25)
@pytest.mark.timeout(600)
def test_no_order_of_events_makes_the_product_do_what_it_must_not(record_property: Report) -> None:
    _drawn(6, 15, record_property)


@pytest.mark.nightly
@pytest.mark.long(1200)
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_night_of_a_thousand_worlds_in_which_every_kind_of_trouble_strikes(
    record_property: Report, part: int
) -> None:
    whole = Tally()
    for _ in range(1000 // _PARTS // _BATCH):
        _drawn(_BATCH, 30, record_property)
        whole.merge(TALLY)
    record_property("no world of this part struck by", ", ".join(whole.missing) or "nothing: all kinds struck")
    assert len(whole.missing) <= _SELDOM, part
