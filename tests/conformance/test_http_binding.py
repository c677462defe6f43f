"""CloudEvents' conformance suite, its HTTP binding, against the real receiver over HTTP, in all three modes."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.model.times import parse_time
from reactor.web.events.http_binding import LONGEST, read
from tests.acceptance.conftest import GRACE
from tests.acceptance.test_receiver import TOKEN, Receiver
from tests.conformance.cases import BATCH, Case, Sent, every, minimum, scenarios
from tests.support.forked import ForkedProcesses
from tests.support.http import Answered, ask
from tests.support.sites import Roles

pytestmark = pytest.mark.xdist_group("conformance")  # one receiver for all of them

FENCED, UNREACHABLE = "io.vmdrift.node.fenced", "io.vmdrift.node.unreachable"
EVERY = pytest.mark.parametrize("case", every(), ids=lambda case: case.name)
OBJECTS = [case for case in every() if isinstance(case.data, dict)]  # our types take no other data
NAMED = pytest.mark.parametrize("case", OBJECTS, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """With one sender, who may send everything."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, ForkedProcesses(Path(name), GRACE) as processes:
        file = Path(name) / "senders.json"
        sender = {"name": "conformance", "token": TOKEN, "types": ["*", FENCED]}
        file.write_bytes(orjson.dumps({"senders": [sender]}))
        yield Receiver(Roles(processes, Path(name)), VMDRIFT_WEB_PROCESSES="1", VMDRIFT_TOKENS_FILE=str(file))


def answered(receiver: Receiver, sent: Sent) -> Answered:
    return ask(f"{receiver.url}/events", sent.body, sent.kind, **sent.headers, Authorization=f"Bearer {TOKEN}")


def state(receiver: Receiver, answer: Answered) -> Mapping[str, Any]:
    place = receiver.url + answer.body["events"][0]["status"]
    found: Mapping[str, Any] = ask(place, Authorization=f"Bearer {TOKEN}").body
    return found


@EVERY
def test_an_event_of_the_suite_is_accepted_and_its_type_is_read(receiver: Receiver, case: Case) -> None:
    answer = answered(receiver, case.sent())
    assert (answer.status, answer.body["events"]) == (202, [])
    assert answer.body["ignored"] == [f"{case.attributes['type']} is not an accepted type of event."]


@NAMED
def test_its_attributes_and_its_data_are_read_back_where_we_have_a_use_for_its_type(
    receiver: Receiver, case: Case
) -> None:
    proof = {"uid": "u", "bootID": "b", "how": orjson.dumps(case.data).decode()}
    ours = Case(case.name, case.mode, case.content_type, {**case.attributes, "id": case.name}, proof)
    ours = ours.with_type(FENCED, subject="node-a")
    answer = answered(receiver, ours.sent())
    assert answer.status == 202
    told = state(receiver, answer)
    assert {name: told[name] for name in ("source", "event", "type", "subject", "data")} == {
        "source": case.attributes["source"],
        "event": case.name,
        "type": FENCED,
        "subject": "node-a",
        "data": proof,
    }


@EVERY
def test_each_of_its_attributes_is_looked_at(receiver: Receiver, case: Case) -> None:
    """An attribute that is broken is refused by name, so none is passed over."""
    for name in case.attributes:
        broken = Case(case.name, case.mode, case.content_type, {**case.attributes, name: "\x07"}, case.data)
        answer = answered(receiver, broken.sent())
        problem = answer.body["problems"][0] if case.content_type == BATCH else answer.body
        assert (answer.status, problem["attribute"]) == (400, name)


@NAMED
def test_time_and_data_are_what_the_suite_says(case: Case) -> None:
    """The receiver keeps neither of a hint, so this is of its parser."""
    sent = case.with_type(UNREACHABLE, subject="node-a").sent()
    found = read({**sent.headers, "content-type": sent.kind}, sent.body, LONGEST, 0.0)
    (event,) = found if isinstance(found, list) else [found]
    assert not isinstance(event, Exception)
    written = case.attributes.get("time")
    assert event.data == case.data
    assert event.time == (parse_time(written) if written else 0.0)


def test_all_of_the_suite_in_one_batch(receiver: Receiver) -> None:
    cases = [case for case in (*scenarios(), *minimum()) if case.mode == "structured"]
    answer = answered(receiver, Sent(BATCH, {}, orjson.dumps([case.event() for case in cases])))
    assert (answer.status, len(answer.body["ignored"])) == (202, len(cases))
    assert len(cases) == 9
