"""Who may post, by tokens of a file that changes while it is used."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from reactor.model.errors import SettingsError
from reactor.model.event import NODE_FENCED
from reactor.settings import Settings
from reactor.web.auth.senders import Sender, Senders
from reactor.web.problem import Problem
from reactor.web.serve import require_authentication
from tests.unit.reactor.web.requests_of import EVENT, Receiver, changed

_ONE, _TWO = "a-token-of-monitoring", "another-one-of-power"
_SENDERS = [
    {"name": "monitoring", "token": _ONE, "types": ["io.vmdrift.node.*"], "sources": ["/monitoring*"]},
    {"name": "power", "token": _TWO},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return _written(tmp_path / "tokens.json", _SENDERS)


def _written(path: Path, senders: Any) -> Path:
    path.write_text(json.dumps({"senders": senders}))
    return path


def _senders(file: Path) -> Senders:
    return Senders.of(Settings(tokens_file=str(file)))


def _status(senders: Senders, authorization: str, access_token: str = "") -> int:
    with pytest.raises(Problem) as refused:
        senders.identify(authorization, access_token)
    assert _ONE not in str(refused.value.as_json())
    return refused.value.status


def test_a_token_is_known_in_the_header_and_in_the_query(file: Path) -> None:
    senders = _senders(file)
    assert senders.identify(f"Bearer {_ONE}", "").name == "monitoring"
    assert senders.identify(f"bearer  {_TWO}", "").name == "power"
    assert senders.identify("", _TWO).name == "power"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", f"Basic {_ONE}", f"Bearer {_ONE}x", f"Bearer {_ONE[:-1]}"]
)
def test_another_is_not(file: Path, authorization: str) -> None:
    assert _status(_senders(file), authorization) == 401


def test_tokens_are_exchanged_while_it_runs(file: Path) -> None:
    senders = _senders(file)
    fresh = file.with_name("fresh")
    _written(fresh, [{"name": "monitoring", "token": "a-new-token-of-monitoring"}])
    fresh.replace(file)
    assert _status(senders, f"Bearer {_ONE}") == 401
    assert senders.identify("Bearer a-new-token-of-monitoring", "").name == "monitoring"


def test_a_broken_file_takes_nobodys_right_away_and_is_told(file: Path) -> None:
    senders = _senders(file)
    file.write_text('{"senders": [{"name": "x", "token": "secret-that-is-not-shown", }')
    assert senders.identify(f"Bearer {_ONE}", "").name == "monitoring"
    assert "not valid JSON" in senders.trouble
    assert "secret" not in senders.trouble
    _written(file, _SENDERS[1:])
    assert _status(senders, f"Bearer {_ONE}") == 401
    assert senders.trouble == ""


@pytest.mark.parametrize(
    ("senders", "named"),
    [
        ("all", "senders: expected list"),
        (["all"], "senders: expected objects"),
        ([{"token": _ONE}], "senders[0].name"),
        ([{"name": "a"}], "either a token or a subject"),
        ([{"name": "a", "token": _ONE, "subject": "b"}], "either a token or a subject"),
        ([{"name": "a", "token": "short"}], "senders[0].token: 5 characters are too few"),
        ([{"name": "a", "token": _ONE, "types": "*"}], "senders[0].types"),
        ([_SENDERS[0], _SENDERS[0]], "two have the same name"),
    ],
)
def test_a_malformed_file_stops_the_start_and_says_where(tmp_path: Path, senders: Any, named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        _senders(_written(tmp_path / "tokens.json", senders))
    assert named in str(refused.value)
    assert _ONE not in str(refused.value)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VMDRIFT_TOKENS_FILE"):
        _senders(tmp_path / "none")


def test_a_sender_may_send_what_his_patterns_say(file: Path) -> None:
    receiver = Receiver(tokens_file=str(file))
    one, two = {"Authorization": f"Bearer {_ONE}"}, {"Authorization": f"Bearer {_TWO}"}
    other = changed(id="2", type="io.vmdrift.vm.drift.requested", subject="shop/web")
    assert receiver.post(EVENT).status_code == 401
    assert receiver.post(EVENT, **one).status_code == 202
    assert receiver.post(other, **one).status_code == 403
    assert receiver.post(changed(id="3", source="/else"), **one).status_code == 403
    assert receiver.post(other, **two).status_code == 202


def test_the_audit_log_names_who_sent_what_was_accepted_and_what_was_refused(file: Path) -> None:
    receiver, one = Receiver(tokens_file=str(file)), {"Authorization": f"Bearer {_ONE}"}
    with capture_logs() as log:
        receiver.post(EVENT)
        receiver.post(EVENT, **one)
        receiver.post(EVENT, **one)
        receiver.post(changed(source="/else"), **one)
        receiver.post(changed(id=""), **one)
    told = [(line["sender"], line["result"], line.get("status")) for line in log]
    assert told == [
        ("unknown", "refused", 401),
        ("monitoring", "accepted", None),
        ("monitoring", "duplicate", None),
        ("monitoring", "refused", 403),
        ("monitoring", "refused", 400),
    ]
    assert _ONE not in str(log)


def test_what_became_of_an_event_is_told_to_senders_only(file: Path) -> None:
    receiver = Receiver(tokens_file=str(file))
    assert receiver.client.get("/events/x").status_code == 401
    assert receiver.client.get("/events/x", headers={"Authorization": f"Bearer {_ONE}"}).status_code == 404


@pytest.mark.parametrize(
    ("listen", "settings", "starts"),
    [
        ("127.0.0.1:8080", {}, True),
        ("[::1]:8080", {}, True),
        ("localhost:8080", {}, True),
        ("0.0.0.0:8080", {}, False),
        ("[::]:8080", {}, False),
        ("receiver.example:80", {}, False),
        ("0.0.0.0:8080", {"insecure_no_auth": True}, True),
    ],
)
def test_where_nobody_is_named_only_this_machine_may_post(listen: str, settings: dict[str, Any], starts: bool) -> None:
    chosen = Settings(listen=listen, **settings)
    if starts:
        require_authentication(chosen, required=False)
    else:
        with pytest.raises(SettingsError, match="no senders are configured"):
            require_authentication(chosen, required=False)
    require_authentication(chosen, required=True)


@pytest.mark.parametrize(
    ("types", "may"),
    [
        ((NODE_FENCED,), True),
        (("io.vmdrift.node.unreachable", NODE_FENCED), True),
        (("*",), False),
        (("io.vmdrift.node.*",), False),
        (("io.vmdrift.node.fence?",), False),
        ((), False),
    ],
)
def test_that_a_node_is_dead_only_who_is_allowed_that_very_type_may_say(types: tuple[str, ...], *, may: bool) -> None:
    assert Sender("pdu", types).may(NODE_FENCED, "/pdu") is may


def test_nor_may_he_say_it_as_somebody_else_or_without_a_name() -> None:
    assert not Sender("pdu", (NODE_FENCED,), ("/pdu",)).may(NODE_FENCED, "/other")
    assert not Sender("anonymous").may(NODE_FENCED, "/pdu")
