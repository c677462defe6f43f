"""What the door to BMCs promises, of the twin and of the real adapter on sushy-tools' emulator."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest
import trustme

from reactor.adapters.redfish.bmc import Bmc, BmcReading, RedfishBmc
from reactor.model.errors import AccessRefused, FenceError
from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.settings import Settings
from tests.contracts.bmcs import UUIDS, EmulatorWorld, TwinWorld, World, until
from tests.support.emulator import PASSWORD, Emulator, emulator
from workers.fencing.providers.redfish import Redfish

_NO_NAMES = ["", ".", "..", "../worker-1", "worker-1/", "/worker-1", "Worker-1", " worker-1", "worker-1\n", "worker-1."]
_NO_NAMES += ["w\0", "w" * 300]
TARGET = Target(Outage(NodeRef("worker-1", "u1"), 1795500000), "boot-1", UUIDS["worker-1"].upper())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator"), UUIDS) as found:
        yield found


@pytest.fixture
def real(running: Emulator, tmp_path: Path) -> EmulatorWorld:
    return EmulatorWorld(running, tmp_path)


@pytest.fixture(params=["twin", "emulator"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = TwinWorld() if request.param == "twin" else request.getfixturevalue("real")
    return found


def _said(bmc: Bmc, node: str = "worker-1") -> str:
    """The sentence with which a reading fails."""
    with pytest.raises(FenceError) as caught:
        bmc.read(node)
    return str(caught.value)


def test_a_machine_is_read_as_it_is_with_its_uuid(world: World) -> None:
    found = world.bmc.read("worker-1")
    assert found == BmcReading(found.address, "On", UUIDS["worker-1"])
    assert found.address.startswith("https://")
    assert world.bmc.read("worker-2").uuid == UUIDS["worker-2"]


def test_a_machine_that_is_forced_off_reads_off_and_the_other_one_stays_on(world: World) -> None:
    world.bmc.force_off("worker-1", UUIDS["worker-1"])
    assert until(world.bmc, "worker-1", "Off").uuid == UUIDS["worker-1"]
    assert world.bmc.read("worker-2").power == "On"
    assert [world.orders(node) for node in UUIDS] == [1, 0]


def test_to_force_off_what_is_off_changes_nothing(world: World) -> None:
    world.bmc.force_off("worker-1", UUIDS["worker-1"])
    until(world.bmc, "worker-1", "Off")
    world.bmc.force_off("worker-1", UUIDS["worker-1"])
    assert world.bmc.read("worker-1").power == "Off"


@pytest.mark.parametrize("judged", [UUIDS["worker-2"], ""])
def test_no_order_is_sent_to_another_machine_than_was_judged(world: World, judged: str) -> None:
    with pytest.raises(FenceError, match="another machine than the one checked"):
        world.bmc.force_off("worker-1", judged)
    assert [world.orders(node) for node in UUIDS] == [0, 0]


def test_a_bmc_of_another_machine_shows_that_ones_uuid(world: World) -> None:
    world.swap()
    assert world.bmc.read("worker-1").uuid == UUIDS["worker-2"]
    with pytest.raises(FenceError, match="another machine than the one checked"):
        world.bmc.force_off("worker-1", UUIDS["worker-1"])
    assert [world.orders(node) for node in UUIDS] == [0, 0]


def test_an_off_that_is_another_machines_comes_with_that_ones_uuid(world: World) -> None:
    world.swap()
    world.bmc.force_off("worker-2", UUIDS["worker-2"])
    assert until(world.bmc, "worker-1", "Off").uuid == UUIDS["worker-2"]
    assert [world.orders(node) for node in UUIDS] == [0, 1]


def test_a_bmc_that_has_no_such_machine_is_told(world: World) -> None:
    world.lead_nowhere()
    assert "has no such machine (HTTP 404): check system in worker-1.json" in _said(world.bmc)
    with pytest.raises(FenceError, match="no such machine"):
        world.bmc.force_off("worker-1", UUIDS["worker-1"])


@pytest.mark.parametrize("written", [UUIDS["worker-2"], UUIDS["worker-2"].upper(), f"{{{UUIDS['worker-2']}}}"])
def test_the_uuid_that_is_demanded_comes_with_the_reading_in_one_way_of_writing(world: World, written: str) -> None:
    world.demand(written)
    assert world.bmc.read("worker-1").expected == UUIDS["worker-2"]


@pytest.mark.parametrize(("written", "why"), [("", "uuid is empty"), ("17", "uuid: expected a UUID")])
def test_what_is_demanded_must_be_a_uuid(world: World, written: str, why: str) -> None:
    world.demand(written)
    assert f"worker-1.json in VMDRIFT_BMC_DIR: {why}" in _said(world.bmc)


def test_a_bmc_that_hangs_is_not_waited_for(world: World) -> None:
    with world.hanging():
        assert "does not answer in time" in _said(world.bmc)


def test_a_bmc_that_refuses_us_is_told_without_the_password(world: World) -> None:
    world.refuse()
    said = _said(world.bmc)
    assert "refuses access (HTTP 401)" in said
    assert "wrong-secret" not in said


def test_a_node_without_a_bmc_is_told(world: World) -> None:
    assert "worker-9.json in VMDRIFT_BMC_DIR: it is missing" in _said(world.bmc, "worker-9")


@pytest.mark.parametrize("name", _NO_NAMES)
def test_what_is_no_name_of_a_node_has_no_bmc(world: World, name: str) -> None:
    assert _said(world.bmc, name) == f"{name[:60]!r} is not a valid node name, so VMDRIFT_BMC_DIR has no file for it"
    with pytest.raises(FenceError, match="is not a valid node name"):
        world.bmc.force_off(name, UUIDS["worker-1"])
    assert [world.orders(node) for node in UUIDS] == [0, 0]


@pytest.mark.parametrize("name", ["worker-1.json", "worker-1.example", "worker--1", "w" * 200])
def test_an_odd_name_is_a_name_and_has_no_file(world: World, name: str) -> None:
    assert f"{name}.json in VMDRIFT_BMC_DIR: it is missing" in _said(world.bmc, name)


def test_the_provider_fences_and_proves_it(world: World) -> None:
    provider = Redfish(world.bmc)
    assert provider.status(TARGET).state == State.ALIVE
    provider.fence(TARGET)
    until(world.bmc, "worker-1", "Off")
    provider.fence(TARGET)
    assert provider.status(TARGET).state == State.FENCED
    assert [world.orders(node) for node in UUIDS] == [1, 0]


def test_credentials_are_read_anew_each_time(real: EmulatorWorld) -> None:
    real.refuse()
    assert "HTTP 401" in _said(real.bmc)
    real.write("worker-1")
    assert real.bmc.read("worker-1").power == "On"


def test_without_its_authority_a_certificate_is_not_believed(real: EmulatorWorld) -> None:
    real.write("worker-1", ca_file=None)
    assert "that is not trusted" in (said := _said(real.bmc))
    assert said.endswith("set ca_file in worker-1.json to its CA")


def test_a_certificate_for_another_name_is_not_believed(real: EmulatorWorld) -> None:
    real.write("worker-1", address=real.running.url.replace("localhost", "127.0.0.1"))
    assert "that is not trusted" in _said(real.bmc)


def test_of_more_than_one_system_none_is_guessed(real: EmulatorWorld) -> None:
    real.write("worker-1", system=None)
    assert "has 2 systems, not exactly one (/redfish/v1/Systems/" in (said := _said(real.bmc))
    assert said.endswith("set system in worker-1.json to the node's")


def test_a_redirect_is_not_followed(real: EmulatorWorld) -> None:
    real.write("worker-1", system="/redfish/v1/Systems/worker-1")
    assert "redirects (HTTP 307)" in _said(real.bmc)


def test_the_environments_proxy_is_not_for_bmcs(real: EmulatorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert real.bmc.read("worker-1").power == "On"


def test_nothing_of_it_is_logged(real: EmulatorWorld, caplog: pytest.LogCaptureFixture) -> None:
    real.refuse()
    _said(real.bmc)
    assert PASSWORD not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("sushy") and record.levelno > 10]


def test_a_drill_passes_where_all_is_well_and_switches_nothing(world: World) -> None:
    found = Redfish(world.bmc).drill(TARGET)
    assert (found.passed, found.fix) == (True, "")
    assert "answers for this machine, says that it is on, and takes ForceOff." in found.sentence
    assert [world.orders(node) for node in UUIDS] == [0, 0]


def test_a_drill_tells_a_refusal_from_all_other_trouble(world: World) -> None:
    world.refuse()
    with pytest.raises(AccessRefused, match="HTTP 401"):
        Redfish(world.bmc).drill(TARGET)


def test_a_drill_finds_an_address_that_leads_to_another_machine_or_nowhere(world: World) -> None:
    world.swap()
    found = Redfish(world.bmc).drill(TARGET)
    assert (found.passed, "check address and system" in found.sentence) == (False, True)
    world.lead_nowhere()
    with pytest.raises(FenceError, match="HTTP 404"):
        Redfish(world.bmc).drill(TARGET)


def test_credentials_are_others_once_the_file_was_written_again(real: EmulatorWorld) -> None:
    before = real.bmc.credentials("worker-1")
    assert real.bmc.credentials("worker-1") == before
    real.write("worker-1", username="another")
    assert real.bmc.credentials("worker-1") != before
    with pytest.raises(FenceError, match="cannot be read"):
        real.bmc.credentials("worker-9")


def test_a_drill_finds_a_certificate_that_has_expired(tmp_path: Path) -> None:
    with expired(tmp_path) as address:
        content = {"address": address, "username": "a", "password": PASSWORD, "ca_file": "ca.crt"}
        (tmp_path / "worker-1.json").write_bytes(orjson.dumps(content))
        bmc = RedfishBmc(Settings.read({"VMDRIFT_BMC_DIR": str(tmp_path)}), limit=60.0)
        with pytest.raises(FenceError, match="certificate has expired") as caught:
            Redfish(bmc).drill(TARGET)
    assert not isinstance(caught.value, AccessRefused)


@contextmanager
def expired(folder: Path) -> Iterator[str]:
    """The address of a server whose certificate was valid until yesterday, and whose CA is in `ca.crt`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    certificate = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()
