"""BMCs that hang, refuse, lie or lead elsewhere: a FenceError, soon, and never the password, to nobody."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from sushy.connector import Connector

from reactor.adapters.redfish.bmc import RedfishBmc
from reactor.adapters.redfish.connection import BoundedConnector
from reactor.adapters.redfish.credentials import access
from reactor.model.errors import AccessRefused, FenceError, SettingsError
from reactor.model.fencing import Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from tests.contracts.nasty import RESET, ROOT, SYSTEM, SYSTEMS, UUID, Nasty, answering
from vmdrift.processes import wait_for
from workers.fencing.providers.redfish import Redfish

TARGET = Target(Outage(NodeRef("n", "uid"), 1), "boot", UUID)


@pytest.fixture
def nasty() -> Iterator[Nasty]:
    with answering() as running:
        yield running


@pytest.fixture
def folder(nasty: Nasty, tmp_path: Path) -> Path:
    """What is mounted: one node, `n`."""
    content = {"address": nasty.url, "username": "user", "password": "secret"}
    (tmp_path / "n.json").write_bytes(orjson.dumps(content))
    return tmp_path


@pytest.fixture
def bmc(folder: Path) -> RedfishBmc:
    return RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(folder)}), limit=60.0)


@pytest.fixture
def hasty(folder: Path) -> RedfishBmc:
    """For those who hang."""
    return RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(folder)}), limit=0.5)


def _said(bmc: RedfishBmc) -> str:
    with pytest.raises(FenceError) as caught:
        bmc.read("n")
    assert "secret" not in str(caught.value)
    return str(caught.value)


def test_a_bmc_with_one_machine_needs_no_name_for_it(bmc: RedfishBmc, nasty: Nasty) -> None:
    found = bmc.read("n")
    assert (found.address, found.power, found.uuid) == (nasty.url, "On", UUID)
    assert nasty.got == [f"GET {ROOT}", f"GET {SYSTEMS}", f"GET {SYSTEM}"]


@pytest.mark.parametrize("path", [ROOT, SYSTEMS, SYSTEM])
@pytest.mark.parametrize("how", ["silent", "cut", "drips"])
def test_whoever_hangs_is_not_waited_for(hasty: RedfishBmc, nasty: Nasty, how: str, path: str) -> None:
    getattr(nasty, how).add(path)
    assert _said(hasty) == f"BMC {nasty.url} does not answer in time"


def test_an_order_that_hangs_is_sent_once(folder: Path, nasty: Nasty) -> None:
    hasty = RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(folder)}), limit=3.0)  # three answers, and then the order
    nasty.silent.add(RESET)
    with pytest.raises(FenceError, match="does not answer in time"):
        hasty.force_off("n", UUID)
    assert nasty.got.count(f"POST {RESET}") == 1


def test_an_order_whose_connection_is_closed_is_sent_once(bmc: RedfishBmc, nasty: Nasty) -> None:
    nasty.closed.add(RESET)
    with pytest.raises(FenceError, match="cannot be reached: RemoteDisconnected"):
        bmc.force_off("n", UUID)
    assert nasty.got.count(f"POST {RESET}") == 1


def test_while_a_bmc_still_drips_it_is_not_asked_again(hasty: RedfishBmc, nasty: Nasty) -> None:
    nasty.drips.add(ROOT)
    _said(hasty)
    assert _said(hasty) == f"BMC {nasty.url} does not answer in time"
    assert wait_for(lambda: nasty.got == [f"GET {ROOT}"], 60)


def test_after_the_deadline_nothing_is_sent_any_more(nasty: Nasty, folder: Path) -> None:
    found = access(folder, "n")
    connector: Any = Connector
    line = BoundedConnector(connector(found.address), found, monotonic() - 1)
    for send in (line.get, line.post):
        with pytest.raises(TimeoutError):
            send(RESET)
    assert nasty.got == []


@pytest.mark.parametrize("status", [400, 404, 405, 409, 429, 500, 503])
def test_an_answer_that_is_no_success_is_told(bmc: RedfishBmc, nasty: Nasty, status: int) -> None:
    nasty.status[SYSTEM] = status
    assert f"HTTP {status}" in _said(bmc)
    assert nasty.got.count(f"GET {SYSTEM}") <= 2


@pytest.mark.parametrize("status", [401, 403])
def test_who_refuses_us_is_told_with_what_to_check(bmc: RedfishBmc, nasty: Nasty, status: int) -> None:
    nasty.status[SYSTEMS] = status
    assert f"refuses access (HTTP {status}): check username and password in n.json" in _said(bmc)
    assert nasty.got.count(f"GET {SYSTEMS}") == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
@pytest.mark.parametrize("path", [ROOT, SYSTEM])
def test_a_redirect_is_not_followed_with_our_password(bmc: RedfishBmc, nasty: Nasty, path: str, status: int) -> None:
    with answering() as other:
        nasty.status[path], nasty.headers["Location"] = status, f"{other.url}{SYSTEM}"
        assert f"redirects (HTTP {status})" in _said(bmc)
    assert other.got == []


@pytest.mark.parametrize("leads", [SYSTEMS, SYSTEM])
def test_a_path_on_another_host_is_not_followed(bmc: RedfishBmc, nasty: Nasty, leads: str) -> None:
    with answering() as other:
        root = {"Id": "1", "Systems": {"@odata.id": f"{other.url}{SYSTEMS}"}}
        nasty.answers |= {ROOT: root} if leads == SYSTEMS else {SYSTEMS: {"Members": [{"@odata.id": other.url}]}}
        assert "refers to a path on another host" in _said(bmc)
    assert other.got == []


def test_an_order_is_not_sent_to_another_host(bmc: RedfishBmc, nasty: Nasty) -> None:
    with answering() as other:
        nasty.answers[SYSTEM] = {
            "Id": "1",
            "UUID": UUID,
            "Actions": {"#ComputerSystem.Reset": {"target": other.url + RESET}},
        }
        with pytest.raises(FenceError, match="refers to a path on another host"):
            bmc.force_off("n", UUID)
    assert other.got == []


@pytest.mark.parametrize("path", [ROOT, SYSTEMS, SYSTEM])
@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome</html>", b'{"Id": "1", "Sys', b"", b"[]", b"7", b"null", b'"x"', b"[" * 100000, b"\xff\xfe\x00"],
    ids=["html", "cut", "empty", "list", "number", "null", "text", "deep", "no UTF-8"],
)
def test_what_is_no_redfish_is_told(bmc: RedfishBmc, nasty: Nasty, path: str, body: bytes) -> None:
    nasty.answers[path] = body
    said = _said(bmc)
    assert "sent a response that is not valid Redfish" in said or "has 0 systems" in said


@pytest.mark.parametrize("members", [[], [{"@odata.id": SYSTEM}, {"@odata.id": "/2"}], 7, [7], [{}], {"a": 1}, None])
def test_a_list_of_machines_that_does_not_hold_one_is_told(bmc: RedfishBmc, nasty: Nasty, members: object) -> None:
    nasty.answers[SYSTEMS] = {"Members": members}
    _said(bmc)


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["On"]])
def test_a_state_that_is_no_word_is_none(bmc: RedfishBmc, nasty: Nasty, value: object) -> None:
    nasty.answers[SYSTEM] = {"Id": "1", "PowerState": value, "UUID": value}
    found = bmc.read("n")
    assert (found.power, found.uuid) == ("", "")


def test_a_state_that_sushy_does_not_know_is_told_as_it_is(bmc: RedfishBmc, nasty: Nasty) -> None:
    nasty.answers[SYSTEM] = {"Id": "1", "PowerState": "Asleep"}
    assert bmc.read("n").power == "Asleep"


@pytest.mark.parametrize(
    "actions", [{}, {"#ComputerSystem.Reset": {"target": RESET, "ResetType@Redfish.AllowableValues": ["On"]}}]
)
def test_a_machine_that_cannot_be_forced_off_is_told(bmc: RedfishBmc, nasty: Nasty, actions: object) -> None:
    nasty.answers[SYSTEM] = {"Id": "1", "UUID": UUID, "Actions": actions}
    with pytest.raises(FenceError, match="does not offer ForceOff"):
        bmc.force_off("n", UUID)
    assert f"POST {RESET}" not in nasty.got


def test_a_machine_without_a_uuid_is_nobodys_and_gets_no_order(bmc: RedfishBmc, nasty: Nasty) -> None:
    nasty.answers[SYSTEM] = {"Id": "1", "Actions": {"#ComputerSystem.Reset": {"target": RESET}}}
    with pytest.raises(FenceError, match="another machine than the one checked"):
        bmc.force_off("n", "")
    assert f"POST {RESET}" not in nasty.got


def test_an_order_that_is_accepted_for_later_is_no_error(bmc: RedfishBmc, nasty: Nasty) -> None:
    nasty.status[RESET] = 202
    bmc.force_off("n", UUID)
    assert nasty.got[-1] == f"POST {RESET}"


def test_the_first_page_is_read_without_credentials_and_the_rest_with_utf_8(folder: Path, nasty: Nasty) -> None:
    (folder / "n.json").write_bytes(orjson.dumps({"address": nasty.url, "username": "ö", "password": "пароль"}))
    RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(folder)}), limit=60.0).read("n")
    assert nasty.auth == ["", *["Basic w7Y60L/QsNGA0L7Qu9GM"] * 2]


def test_nobody_there_is_told(folder: Path, bmc: RedfishBmc) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        (folder / "n.json").write_bytes(orjson.dumps({"address": url, "username": "u", "password": "secret"}))
        assert _said(bmc) == f"BMC {url} cannot be reached: ConnectionRefusedError"


def test_who_does_not_speak_tls_is_told(folder: Path, nasty: Nasty, bmc: RedfishBmc) -> None:
    url = nasty.url.replace("http", "https")
    (folder / "n.json").write_bytes(orjson.dumps({"address": url, "username": "u", "password": "secret"}))
    assert _said(bmc).startswith(f"BMC {url} cannot be reached: ")


def test_a_heartbeat_comes_before_each_call(folder: Path) -> None:
    beats: list[str] = []
    settings = Settings.read({"VMDRIFT_BMC_DIR": str(folder)})
    RedfishBmc(settings, lambda: beats.append("beat"), 60.0).read("n")
    assert beats == ["beat"]


def test_without_a_folder_nothing_can_be_reached() -> None:
    with pytest.raises(SettingsError, match="VMDRIFT_BMC_DIR: not set"):
        RedfishBmc(Settings.read({}))


def test_without_sushy_it_is_told_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sushy", None)
    with pytest.raises(SettingsError, match=r"pip install 'vm-drift\[redfish\]'"):
        RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(folder)}))


def test_a_drill_begins_no_session_that_would_have_to_be_ended(bmc: RedfishBmc, nasty: Nasty) -> None:
    """A BMC has few of them; each request brings its own credentials (Basic)."""
    Redfish(bmc).drill(TARGET)
    assert nasty.got
    assert not [line for line in nasty.got if line.startswith("POST")]
    assert len(nasty.got) == len(set(nasty.got)), "the machine is read once"


@pytest.mark.parametrize("status", [401, 403])
def test_a_drill_that_is_refused_has_tried_to_log_in_once(bmc: RedfishBmc, nasty: Nasty, status: int) -> None:
    """After three and more tries BMCs lock the account that is needed when it counts."""
    nasty.status |= {SYSTEMS: status, SYSTEM: status}
    with pytest.raises(AccessRefused):
        Redfish(bmc).drill(TARGET)
    assert [line for line in nasty.got if line != f"GET {ROOT}"] == [f"GET {SYSTEMS}"]
