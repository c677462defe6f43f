"""Events are read as real clients write them, in every mode; and nothing but a Problem comes of anything else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.adapters.cloudevents import decode, encode
from reactor.model.event import DRIFT_REQUESTED, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.web.events.attributes import checked
from reactor.web.events.http_binding import Headers, read
from reactor.web.problem import Problem, Problems, all_of
from tests.unit.reactor.web.bad_events import outcome
from tests.unit.reactor.web.requests_of import BATCH, EVENT, HEADERS, NOW, STRUCTURED, changed

LIMIT = 65536
AT = "2026-11-24T03:00:00Z"


def whole(headers: Headers, body: bytes, limit: int = LIMIT) -> list[Event]:
    """All events, or Problem: for a single event as for a batch."""

    def good(event: Event | Problem) -> Event:
        if isinstance(event, Problem):
            raise event
        return event

    found = read(headers, body, limit, NOW)
    return all_of(found, good) if isinstance(found, list) else [found]


def structured(body: Any, kind: str = STRUCTURED) -> list[Event]:
    return whole({"content-type": kind}, body if isinstance(body, bytes) else json.dumps(body).encode())


def binary(body: bytes = b"", kind: str = "application/json", **attributes: str) -> Event:
    told = {f"ce-{name}": value for name, value in attributes.items()}
    (event,) = whole({"content-type": kind, **HEADERS, **told}, body)
    return event


@pytest.mark.parametrize(
    "kind", [STRUCTURED, STRUCTURED.upper(), f"{STRUCTURED}; charset=UTF-8", f'{STRUCTURED};charset="utf-8"']
)
def test_the_mode_is_told_by_content_type_in_any_case(kind: str) -> None:
    (event,) = structured(EVENT, kind)
    assert event == Event(NODE_UNREACHABLE, "/monitoring", "1", "node-a", NOW)
    assert structured([EVENT], kind.lower().replace("cloudevents", "cloudevents-batch")) == [event]
    assert binary() == event


def test_an_empty_batch_is_no_event() -> None:
    assert structured([], BATCH) == []


def test_a_batch_keeps_its_order_and_may_mix_sources() -> None:
    events = structured([changed(id="2", source="/x"), EVENT], BATCH)
    assert [(event.source, event.id) for event in events] == [("/x", "2"), ("/monitoring", "1")]


def test_each_bad_event_of_a_batch_is_told_with_its_index() -> None:
    with pytest.raises(Problems) as caught:
        structured([changed(id=""), EVENT, changed(specversion="0.3"), 1], BATCH)
    told = [(problem.index, problem.attribute) for problem in caught.value.several]
    assert told == [(0, "id"), (2, "specversion"), (3, "body")]


@pytest.mark.parametrize("name", ["ce-id", "CE-ID", "ce-partition", "content-type"])
def test_a_header_that_comes_twice_is_refused_where_the_server_tells_it(name: str) -> None:
    once = [("content-type", "application/json"), *HEADERS.items()]
    assert whole(once, b"") == [binary()]
    with pytest.raises(Problem) as caught:
        whole([*once, (name, "x"), (name, "x")], b"")
    assert (caught.value.status, caught.value.attribute) == (400, name.lower())


def test_headers_that_are_not_ours_may_come_twice() -> None:
    assert whole([*HEADERS.items(), ("via", "a"), ("via", "b")], b"")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%e2%82%ac", "€"),
        ("%61%62", "ab"),
        ("a%2541", "a%41"),
        ('"a b"', "a b"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        ('"%20"', " "),
        ("a b", "a b"),
        (" a\t", "a"),
        ('a"b', 'a"b'),
    ],
)
def test_a_header_is_taken_out_of_quotes_and_percent_decoded_once(written: str, read_as: str) -> None:
    assert binary(id=written).id == read_as


@pytest.mark.parametrize("written", ["é", "€", '"é"', "a%20é"])
def test_a_header_beyond_ascii_is_refused(written: str) -> None:
    with pytest.raises(Problem) as caught:
        binary(id=written)
    assert (caught.value.status, caught.value.attribute, caught.value.found) == (400, "ce-id", written)


def test_a_header_that_is_not_a_cloudevents_one_says_nothing() -> None:
    assert whole({**HEADERS, "x-ce-id": "2", "id": "3"}, b"")[0].id == "1"


def test_attributes_of_a_structured_event_are_not_read_from_headers() -> None:
    headers = {"content-type": STRUCTURED, "ce-id": "2", "ce-subject": "%ff"}
    assert whole(headers, orjson.dumps(dict(EVENT)))[0].id == "1"


def test_absent_time_is_now_and_absent_subject_is_empty() -> None:
    (event,) = structured({**changed(type="other"), "subject": None})
    assert (event.time, event.subject) == (NOW, "")
    assert binary(time=AT).time == datetime.fromisoformat(AT).timestamp()


@pytest.mark.parametrize("kind", ["application/json", "text/json", "application/problem+json", "x/y+json; a=b"])
def test_data_is_json_where_its_type_says_so(kind: str) -> None:
    assert binary(b'{"a": 1}', kind).data == {"a": 1}
    assert structured(changed(data={"a": 1}, datacontenttype=kind))[0].data == {"a": 1}
    assert structured(changed(data_base64="eyJhIjogMX0=", datacontenttype=kind))[0].data == {"a": 1}


def test_data_of_a_type_that_is_not_ours_may_be_anything() -> None:
    assert binary(b"\xff", "image/png", type="other").data == {}
    assert structured(changed(type="other", data=[1]))[0].data == {}
    assert structured(changed(type="other", data="<a/>", datacontenttype="text/xml"))[0].data == {}


def test_what_is_too_long_is_not_even_parsed() -> None:
    with pytest.raises(Problem) as caught:
        whole({"content-type": STRUCTURED}, b"{" * (LIMIT + 1))
    assert caught.value.status == 413
    assert structured(orjson.dumps(dict(EVENT)).ljust(LIMIT))


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_what_is_no_cloudevent_is_told_what_one_would_be(kind: str) -> None:
    with pytest.raises(Problem, match=r"neither a ce-specversion header nor application/cloudevents.json") as caught:
        whole({"content-type": kind}, b"{}")
    assert caught.value.status == 415


# Now what the grammar allows, written by the SDK as a client of ours would.
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip(" \t")
)
_NODE = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z]{1,3})?\Z")
_KINDS = st.sampled_from([NODE_UNREACHABLE, NODE_RECOVERED, NODE_FENCED])
_SAID = st.tuples(_KINDS, _NODE) | st.tuples(st.just(DRIFT_REQUESTED), _NODE.map("shop/{}".format))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_EVENTS = st.builds(
    lambda said, source, event_id, time, data: Event(said[0], source, event_id, said[1], time, data),
    _SAID,
    st.from_regex(r"\A(https://[a-z]{1,9}|urn:[a-z]{1,5})?(/[a-zA-Z0-9.~%&=]{0,9}){1,3}\Z").filter(
        lambda text: "%" not in text
    ),
    _TEXT,
    st.integers(0, 2**32).map(float),
    st.dictionaries(_TEXT, _VALUES, max_size=3),
)
_EXTENSIONS = st.dictionaries(st.from_regex(r"\Ax[a-z0-9]{0,19}\Z"), _TEXT, max_size=2)


def _written(event: Event, extensions: Mapping[str, str]) -> CloudEvent:
    attributes = {
        "specversion": "1.0",
        "type": event.type,
        "source": event.source,
        "id": event.id,
        "subject": event.subject,
        "time": datetime.fromtimestamp(event.time, UTC),
        "datacontenttype": "application/json",
        **extensions,
    }
    return CloudEvent(attributes, dict(event.data))


@given(st.lists(st.tuples(_EVENTS, _EXTENSIONS), min_size=1, max_size=3))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_sdk_writes_is_read_back_in_three_modes(pairs: list[tuple[Event, dict[str, str]]]) -> None:
    bodies = []
    for event, extensions in pairs:
        for write in (to_structured_event, to_binary_event):
            message = write(_written(event, extensions))
            headers = {name.lower(): value for name, value in message.headers.items()}
            assert whole(headers, message.body) == [event]
        bodies.append(to_structured_event(_written(event, extensions)).body)
    batch = b"[" + b",".join(bodies) + b"]"
    assert whole({"content-type": BATCH}, batch, 10 * LIMIT) == [event for event, _ in pairs]


def _grammatical(found: list[Event] | Problem) -> None:
    if isinstance(found, Problem):
        assert found.status in {400, 415, 422}
        assert orjson.dumps(found.as_json())
        return
    for event in found:
        subject = event.subject or None
        checked({"specversion": "1.0", "type": event.type, "source": event.source, "id": event.id, "subject": subject})
        assert decode(orjson.loads(orjson.dumps(encode(replace(event, subject="node"))))).data == event.data


_NAMES = st.sampled_from([*EVENT, *["time", "data", "data_base64", "datacontenttype", "dataschema", "x", "X"], ""])
_LIKELY = st.sampled_from(["1.0", "a", "/a", "e30=", AT, "text/xml", NODE_FENCED, DRIFT_REQUESTED])


@given(st.dictionaries(_NAMES, _LIKELY | _VALUES | st.floats() | st.text(max_size=9), max_size=4))
@settings(deadline=None)
def test_whatever_attributes_are_sent_an_event_or_a_problem_comes_of_it(change: dict[str, Any]) -> None:
    _grammatical(outcome(lambda: structured({**EVENT, **change})))


@given(
    st.dictionaries(st.sampled_from([*HEADERS, "ce-time", "ce-x", "ce-", "content-type"]), st.text(max_size=20)),
    st.binary(max_size=60),
)
@settings(deadline=None)
def test_whatever_headers_and_bytes_are_sent_an_event_or_a_problem_comes_of_it(
    change: dict[str, str], body: bytes
) -> None:
    _grammatical(outcome(lambda: whole({**HEADERS, **change}, body)))
