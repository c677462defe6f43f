"""What is not a good event is refused, named, and not taken in; the receiver goes on."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.web.problem import CONTENT_TYPE
from tests.unit.reactor.web.bad_events import BAD, Bad
from tests.unit.reactor.web.requests_of import BATCH, EVENT, HEADERS, STRUCTURED, Receiver, changed

_RECEIVER = Receiver()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({bad.why for bad in BAD}) == len(BAD) > 60


@pytest.mark.parametrize("bad", BAD, ids=[bad.why for bad in BAD])
def test_a_bad_event_is_refused_with_the_attribute_that_is_bad(receiver: Receiver, bad: Bad) -> None:
    answer = receiver.post(bad.body, bad.kind, **bad.headers)
    told = orjson.loads(answer.get_data())
    assert (answer.status_code, told.get("attribute", "")) == (bad.status, bad.attribute), told
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert told["status"] == bad.status
    assert len(answer.get_data()) < 1000
    assert receiver.inbox.backlog() == 0


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.kind == STRUCTURED and bad.status != 413])
def test_one_bad_event_spoils_its_batch_and_is_named_by_its_index(receiver: Receiver, bad: Bad) -> None:
    body = b"[" + orjson.dumps(dict(EVENT)) + b"," + bad.body + b"]"
    answer = receiver.post(body, BATCH)
    assert answer.status_code in {400, 422}
    problems = orjson.loads(answer.get_data()).get("problems", [])
    assert [problem["index"] for problem in problems] in ([1], [])  # without: the batch is no JSON at all
    assert receiver.inbox.backlog() == 0


@pytest.mark.parametrize(
    ("batch", "named"),
    [
        ([EVENT, changed(time="no"), changed(id="2"), {}], [(1, "time"), (3, "specversion")]),
        ([changed(subject="No Node"), EVENT, changed(time="no")], [(0, "subject"), (2, "time")]),
        ([changed(subject="No Node")], [(0, "subject")]),
        ([{}], [(0, "specversion")]),
    ],
)
def test_every_bad_event_of_a_batch_is_named(receiver: Receiver, batch: object, named: list[tuple[int, str]]) -> None:
    answer = receiver.post(batch, BATCH)
    problems = orjson.loads(answer.get_data())["problems"]
    assert [(problem["index"], problem["attribute"]) for problem in problems] == named
    assert receiver.inbox.backlog() == 0


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from([*EVENT, "time", "data", "data_base64", "datacontenttype", "dataschema", "x"])


def _never_a_bug(status: int) -> None:
    assert status in {202, 400, 413, 415, 422}


@given(st.dictionaries(_NAMES, _JSON), st.sampled_from((STRUCTURED, BATCH)))
@settings(deadline=None)
def test_whatever_json_is_sent_is_taken_in_or_refused(change: dict[str, object], kind: str) -> None:
    event = {**EVENT, **change}
    body = json.dumps([event] if kind == BATCH else event).encode()
    _never_a_bug(_RECEIVER.post(body, kind).status_code)


@given(st.binary(max_size=200), st.sampled_from((STRUCTURED, BATCH, "application/json", "", "text/plain;charset=\xe9")))
@settings(deadline=None)
def test_whatever_bytes_are_sent_are_refused_or_taken_in(body: bytes, kind: str) -> None:
    _never_a_bug(_RECEIVER.post(body, kind, **HEADERS).status_code)
    _never_a_bug(_RECEIVER.client.post("/alertmanager", data=body).status_code)


_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)


@given(st.sampled_from(sorted(HEADERS)), _HEADER)
@settings(deadline=None)
def test_whatever_stands_in_a_header_is_refused_or_taken_in(name: str, value: str) -> None:
    _never_a_bug(_RECEIVER.post(b"", "application/json", **{**HEADERS, name: value}).status_code)
