"""The sink, over real HTTP: what is sent, and how each answer is understood."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from urllib3 import Timeout

from reactor.adapters.sink import Answer, HttpSink
from reactor.model.errors import SettingsError
from reactor.settings import Settings
from tests.support.receivers import Receiver, receiving

NOW = 1795500000.0
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/clusters/u/workers",
    "type": "io.vmdrift.vm.drift.completed",
    "subject": "shop/db",
    "datacontenttype": "application/json",
    "data": {"sentence": "Done."},
    "sequence": "000001",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def _sink(**env: str) -> HttpSink:
    return HttpSink(Settings.read(env), lambda: NOW)


def test_an_event_is_posted_in_structured_mode_as_the_cloudevents_library_reads_it(receiver: Receiver) -> None:
    answer = _sink(VMDRIFT_SINK=receiver.url).deliver(EVENT)
    assert answer == Answer(202, "the sink answers 202 Accepted")
    assert receiver.got == [EVENT]
    assert receiver.headers[0]["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert "authorization" not in receiver.headers[0]
    import orjson

    read = from_http_event(HTTPMessage(receiver.headers[0], orjson.dumps(receiver.got[0])))
    assert (read.get_id(), read.get_type(), read.get_extension("sequence")) == ("1", EVENT["type"], "000001")


def test_k_sink_is_the_sink_where_no_other_is_set(receiver: Receiver) -> None:
    assert _sink(K_SINK=receiver.url).deliver(EVENT).status == 202
    assert _sink(K_SINK="http://127.0.0.1:1", VMDRIFT_SINK=receiver.url).deliver(EVENT).status == 202


def test_knatives_overrides_are_extensions_of_every_event(receiver: Receiver) -> None:
    _sink(VMDRIFT_SINK=receiver.url, K_CE_OVERRIDES='{"extensions":{"cluster":"a"}}').deliver(EVENT)
    assert receiver.got == [{**EVENT, "cluster": "a"}]


def test_the_token_is_read_anew_each_time(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "token"
    sink = _sink(VMDRIFT_SINK=receiver.url, VMDRIFT_SINK_TOKEN_FILE=str(file))
    assert sink.deliver(EVENT) == Answer(0, "VMDRIFT_SINK_TOKEN_FILE cannot be read: No such file or directory")
    for token in ("first", "second\n"):
        file.write_text(token)
        assert sink.deliver(EVENT).status == 202
    assert [headers["authorization"] for headers in receiver.headers] == ["Bearer first", "Bearer second"]


def test_a_token_that_cannot_be_a_header_is_no_crash_and_is_not_shown(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("very\nsecret")
    answer = _sink(VMDRIFT_SINK=receiver.url, VMDRIFT_SINK_TOKEN_FILE=str(file)).deliver(EVENT)
    assert answer.status == 0
    assert "secret" not in answer.what


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(307, {"Location": receiver.url})]
    assert _sink(VMDRIFT_SINK=receiver.url).deliver(EVENT).status == 307
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("1" * 400, 111111111.0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(receiver: Receiver, told: str, seconds: float) -> None:
    receiver.answers = [(429, {"Retry-After": told})]
    answer = _sink(VMDRIFT_SINK=receiver.url).deliver(EVENT)
    assert answer == Answer(429, "the sink answers 429 Too Many Requests", seconds)


def test_a_status_that_nobody_knows_is_told_all_the_same(receiver: Receiver) -> None:
    receiver.answers = [(599, {})]
    assert _sink(VMDRIFT_SINK=receiver.url).deliver(EVENT) == Answer(599, "the sink answers 599")


def test_nobody_there_is_an_answer_too_and_does_not_show_the_url() -> None:
    answer = _sink(VMDRIFT_SINK="http://127.0.0.1:1/in?access_token=secret").deliver(EVENT)
    assert answer.status == 0
    assert answer.what.startswith("the sink cannot be reached: ")
    assert "secret" not in answer.what


def test_who_does_not_answer_in_time_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answering.clear()
    settings = Settings.read({"VMDRIFT_SINK": receiver.url})
    answer = HttpSink(settings, lambda: NOW, Timeout(0.2)).deliver(EVENT)
    assert answer == Answer(0, "the sink cannot be reached: ReadTimeoutError")


def test_a_private_authority_is_believed_where_its_certificate_is_given() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    pem = authority.cert_pem.bytes().decode()
    with receiving(context) as receiver:
        assert _sink(VMDRIFT_SINK=receiver.url).deliver(EVENT).status == 0
        assert _sink(VMDRIFT_SINK=receiver.url, K_CA_CERTS=pem).deliver(EVENT).status == 202


@pytest.mark.parametrize(
    ("env", "said"), [({}, "VMDRIFT_SINK: not set"), ({"K_CA_CERTS": "x"}, "K_CA_CERTS: expected")]
)
def test_what_cannot_work_is_told_at_start(env: dict[str, str], said: str) -> None:
    sink = {"VMDRIFT_SINK": "http://127.0.0.1:1"} if env else {}
    with pytest.raises(SettingsError, match=said):
        _sink(**sink, **env)
