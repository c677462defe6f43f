"""What was read from JSON is what its class says, or it cannot be read."""

import json
from typing import Any

import orjson
import pytest

from reactor.adapters.redis.outbox import Delivery
from reactor.model.change import Change
from reactor.model.confirmation_source import Source
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import BadInput
from reactor.model.fencing import Attempt, ChosenRelease, Confirmation, Fencing, ReleaseWay
from reactor.model.receipt import Receipt
from tests.contracts.samples import LOST_AT, outage, outage_record, record

FILE = Fencing(
    outage(),
    "boot",
    LOST_AT,
    attempts=(Attempt("redfish", LOST_AT),),
    confirmation=Confirmation("event", "ann", "looked", LOST_AT, "", "", (("driver", ""),)),
    release=ChosenRelease(ReleaseWay.TAINT, "why", LOST_AT),
    bystanders=(("shop/db", "local-storage"),),
    said=(Source("event", "ann"),),
)
RECEIPT = Receipt("/pdu", "1", "io.vmdrift.node.fenced", "node-a", "pdu", LOST_AT)
READ: dict[str, tuple[Any, dict[str, Any]]] = {
    "record": (Record.of, record().as_json()),
    "outage": (OutageRecord.of, outage_record().as_json()),
    "change": (Change.of, Change.into(record()).as_json()),
    "receipt": (Receipt.of, RECEIPT.as_json()),
    "letter": (lambda data: Delivery.of(orjson.dumps(data)), {"id": "1-0", "event": {}, "since": LOST_AT}),
    "fencing": (lambda data: Fencing.of(json.dumps(data)), json.loads(FILE.as_text())),
}


@pytest.mark.parametrize("kind", READ)
def test_what_was_written_is_read(kind: str) -> None:
    read, written = READ[kind]
    assert read(written)


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("found", [[], [{}], {"a": []}, -1e300, 2**63, True, "", None, "\ud800"])
def test_whatever_stands_in_a_field_it_fits_or_nothing_is_read(kind: str, found: Any) -> None:
    read, written = READ[kind]
    for field in written:
        try:
            made = read({**written, field: found})
        except (BadInput, orjson.JSONEncodeError):
            continue
        assert repr(made)
        assert hash(made.outage.id if kind == "outage" else str(made))


@pytest.mark.parametrize(
    ("kind", "field", "found"),
    [
        ("record", "again_at", "now"),
        ("record", "created_at", 1e300),
        ("record", "checks", [{"name": [], "ok": 1, "sentence": {}}]),
        ("outage", "seen_at", {}),
        ("outage", "outage", {**outage().as_json(), "since": 2**63}),
        ("change", "drift", {"vm": {"kind": []}}),
        ("receipt", "at", "[]"),
        ("letter", "event", []),
        ("fencing", "at", "noon"),
        ("fencing", "confirmation", "yes"),
        ("fencing", "said", [{"provider": 1}]),
    ],
)
def test_what_is_of_another_kind_is_named(kind: str, field: str, found: Any) -> None:
    read, written = READ[kind]
    with pytest.raises(BadInput):
        read({**written, field: found})
