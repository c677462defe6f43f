"""A deed in words, and which outages it concerns."""

from dataclasses import replace

import pytest

from reactor.adapters.cloudevents import encode
from reactor.model.deed import DEEDS, Deed, set_by
from reactor.model.drift import OutageRecord
from reactor.model.errors import BadInput
from reactor.model.intervention import CANCEL, HOLD, Intervention
from tests.contracts.samples import LOST_AT, outage, record
from tests.support.schemas import check

NOW, DAY = 1795502400.0, 86400.0  # 2026-11-24, 06:40:00Z
WEB = "vm/shop/web"
HELD = Deed("hold", "node/node-a", "ann", "cli", "firmware.", NOW, NOW + 1800)
OUTAGE = OutageRecord(outage(), LOST_AT)


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        (HELD, "ann (cli) held node-a until 07:10:00Z: firmware."),
        (replace(HELD, target="all", until=None), "ann (cli) held everything: firmware."),
        (replace(HELD, what="resume", until=None, why=""), "ann (cli) resumed node-a."),
        (
            replace(HELD, what="cancel", target=WEB, until=None),
            "ann (cli) cancelled the recovery of shop/web: firmware.",
        ),
        (replace(HELD, what="confirm-off", until=None), "ann (cli) confirmed that node-a is off: firmware."),
    ],
)
def test_it_says_who_through_what_did_what_and_why(deed: Deed, sentence: str) -> None:
    assert deed.sentence == sentence
    assert deed.said(NOW) == f"06:40:00Z {sentence}"


def test_it_says_the_date_where_it_is_another_day() -> None:
    said = "2026-11-24 06:40:00Z ann (cli) held node-a until 2026-11-24 07:10:00Z: firmware."
    assert HELD.said(NOW + DAY) == said


@pytest.mark.parametrize("what", DEEDS)
def test_each_reads_back_and_its_event_is_as_its_schema_says(what: str) -> None:
    deed = replace(HELD, what=what, outages=("o-1",))
    assert Deed.of(deed.as_json()) == deed
    event = deed.event("/clusters/x/workers")
    assert (event.type, event.subject) == (f"io.vmdrift.intervention.{what}", "node-a")
    check(encode(event))
    assert event.id == deed.event("/y").id != replace(deed, at=NOW + 1).event("/y").id


@pytest.mark.parametrize(
    "data", [{}, {**HELD.as_json(), "what": "explode"}, {**HELD.as_json(), "at": "now"}, {**HELD.as_json(), "more": 1}]
)
def test_what_is_none_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="deed"):
        Deed.of(data)


def test_what_was_asked_for_an_outage_has_no_end_of_its_own() -> None:
    """The month for which a cancel is remembered is nothing that anybody asked for."""
    cancel = Intervention(CANCEL, "vm/shop/web", "ann", "new", NOW, NOW + 30 * DAY, outage="o-1")
    assert set_by(cancel, "page", ["o-1"]).until is None
    assert set_by(Intervention(HOLD, "all", "ann", "x", NOW, NOW + 60), "page", []).until == NOW + 60


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ({"outages": (OUTAGE.outage.id,)}, True),
        ({"outages": ("another",)}, False),
        ({"at": LOST_AT - 60.0}, True),
        ({"at": LOST_AT - 60.0, "target": "vm/shop/web"}, True),
        ({"at": LOST_AT - 60.0, "target": "all"}, True),
        ({"at": LOST_AT - 60.0, "target": "vm/shop/other"}, False),
        ({"at": LOST_AT - 60.0, "target": "node/node-b"}, False),
        ({"at": LOST_AT - 2 * DAY}, False),
        ({"at": LOST_AT + 5000.0}, False),
    ],
)
def test_what_was_done_shortly_before_an_outage_concerns_it_too(change: dict[str, object], *, meant: bool) -> None:
    over = replace(OUTAGE, recovered_at=LOST_AT + 1000.0)
    assert replace(HELD, **change).concerns(over, [record("web")]) is meant  # type: ignore[arg-type]
