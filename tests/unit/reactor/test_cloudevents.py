"""CloudEvents in structured JSON: read as they were written, and refused by name when they are malformed."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.adapters.cloudevents import decode, encode
from reactor.model.errors import BadInput
from reactor.model.event import Event, recovered, unreachable, watcher_source
from reactor.model.identity import NodeRef, Outage

OUTAGE = Outage(NodeRef("node-a", "uid-a"), 1_700_000_000)
EVENT = unreachable(OUTAGE, watcher_source("cluster-uid"))
WIRE = encode(EVENT)

words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30)
values = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words, st.lists, max_leaves=5)
events = st.builds(
    Event,
    type=words,
    source=st.uuids().map("/clusters/{}/watcher".format),
    id=words,
    subject=words,
    time=st.integers(0, 2**32).map(float),
    data=st.dictionaries(words, values, max_size=4),
)


def test_this_is_what_travels() -> None:
    assert WIRE == {
        "specversion": "1.0",
        "type": "io.vmdrift.node.unreachable",
        "source": "/clusters/cluster-uid/watcher",
        "id": "uid-a_1700000000",
        "subject": "node-a",
        "time": "2023-11-14T22:13:20Z",
        "datacontenttype": "application/json",
        "data": {"outage": {"node": {"name": "node-a", "uid": "uid-a"}, "since": 1_700_000_000}},
    }


# No test may depend on how busy the machine is.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert decode(orjson.loads(orjson.dumps(encode(event)))) == event


def test_times_keep_their_fractions_to_the_microsecond() -> None:
    event = recovered(OUTAGE, "/source", 1_700_000_000.25)
    assert decode(encode(event)).time == 1_700_000_000.25


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    assert decode(WIRE | {"time": "2023-11-15T00:13:20+02:00"}).time == OUTAGE.since


@pytest.mark.parametrize("name", ["type", "source", "id", "subject", "specversion", "time", "data"])
def test_a_missing_attribute_is_named(name: str) -> None:
    body = {key: value for key, value in WIRE.items() if key != name}
    with pytest.raises(BadInput, match=rf"^event\.{name}: "):
        decode(body)


MALFORMED: dict[str, list[Any]] = {
    "type": ["", None, 5, [], True],
    "source": ["", None, {}],
    "id": ["", None, 5],
    "subject": ["", None, ["x"]],
    "specversion": ["", "0.3", "2.0", 1.0, None],
    "time": ["", "yesterday", "2023-11-14T22:13:20", "2023-11-14", 1_700_000_000, None, "2023-13-45T00:00:00Z"],
    "data": [None, "{}", [], 5, "eyJ9"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, given in MALFORMED.items() for value in given])
def test_a_malformed_attribute_is_named(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=rf"^event(\.{name})?: "):
        decode(WIRE | {name: value})


def nested(depth: int) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for _ in range(depth):
        body = {"a": body}
    return body


HOSTILE: list[dict[str, Any]] = [
    {"data": nested(5000)},
    {"data": {"a": 2**70}},
    {"Bad_Name": "x"},
    {"dataschema": 5},
    {"datacontenttype": ["x"]},
    {"data_base64": "%%%"},
    {"extension": {"a": 1}},
]


@pytest.mark.parametrize("more", HOSTILE)
def test_whatever_the_library_stumbles_over_is_at_most_bad_input(more: dict[str, Any]) -> None:
    with suppress(BadInput):
        assert decode(WIRE | more).id == EVENT.id


def test_what_was_found_is_shown_cut_short() -> None:
    with pytest.raises(BadInput) as caught:
        decode(WIRE | {"time": "x" * 10_000})
    assert len(str(caught.value)) < 300
