"""BMCs of two machines to hold the door against: the twin's, and sushy-tools' emulator, a process with TLS."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import bcrypt
import orjson
import requests
import trustme

from reactor.adapters.redfish.bmc import Bmc, BmcReading, RedfishBmc
from reactor.settings import Settings
from simulator.machines.hypervisor import Hypervisor
from tests.support.twins.bmc import MachineBmcs
from vmdrift.processes import Processes, wait_for

UUIDS = {
    "worker-1": "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c001",
    "worker-2": "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c002",
}
USER, PASSWORD = "fencing", "pässword-17"
# A fake system follows an order after 1 to 11 s, as real ones do; here always after the shortest of these times.
_CONFIG = """
import random
random.randint = lambda least, most: least
SUSHY_EMULATOR_FAKE_SYSTEMS = {systems}
SUSHY_EMULATOR_LISTEN_IP = "127.0.0.1"
SUSHY_EMULATOR_LISTEN_PORT = 0
SUSHY_EMULATOR_STATE_DIR = {state!r}
SUSHY_EMULATOR_AUTH_FILE = {users!r}
SUSHY_EMULATOR_SSL_CERT = {cert!r}
SUSHY_EMULATOR_SSL_KEY = {key!r}
"""


class World(Protocol):
    """Two machines that are on, and their BMCs."""

    @property
    def bmc(self) -> Bmc:
        """The door."""

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The BMC of worker-1 does not answer."""

    def refuse(self) -> None:
        """The BMC of worker-1 does not let us in any more."""

    def swap(self) -> None:
        """What is known as the BMC of worker-1 answers for the machine of worker-2."""

    def lead_nowhere(self) -> None:
        """What is known as the BMC of worker-1 has no such machine."""

    def demand(self, uuid: str) -> None:
        """It is written down which UUID the machine of worker-1 has."""

    def orders(self, node: str) -> int:
        """How often its machine was told to go off."""


@dataclass
class TwinWorld:
    bmc: MachineBmcs = field(default_factory=lambda: MachineBmcs(Hypervisor(), UUIDS))

    def __post_init__(self) -> None:
        for node in UUIDS:
            self.bmc.hypervisor.add_machine(node)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self.bmc.hanging.add("worker-1")
        yield
        self.bmc.hanging.clear()

    def refuse(self) -> None:
        self.bmc.refusing.add("worker-1")

    def swap(self) -> None:
        self.bmc.swapped["worker-1"] = "worker-2"

    def lead_nowhere(self) -> None:
        self.bmc.swapped["worker-1"] = "nobody"

    def demand(self, uuid: str) -> None:
        self.bmc.expected["worker-1"] = uuid

    def orders(self, node: str) -> int:
        return self.bmc.orders.count(node)


@dataclass
class Emulator:
    """One process for all tests of a module. `folder` holds its own files and `ca.crt`."""

    folder: Path
    pid: int
    url: str

    def switch_on(self, node: str) -> None:
        """The test's own hand, and not the door's."""
        requests.post(
            f"{self.url}/redfish/v1/Systems/{UUIDS[node]}/Actions/ComputerSystem.Reset",
            json={"ResetType": "On"},
            auth=(USER, PASSWORD.encode().decode("latin-1")),
            verify=str(self.folder / "ca.crt"),
            timeout=10,
        ).raise_for_status()

    def orders(self, node: str) -> int:
        """As its log has it."""
        return (self.folder / "emulator.log").read_text().count(f"POST /redfish/v1/Systems/{UUIDS[node]}/Actions")


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """It ends with the block, or with us."""
    (folder / "config.py").write_text(_CONFIG.format(**_files(folder)))
    command = [str(Path(sys.executable).with_name("sushy-emulator")), "--fake", "--config", str(folder / "config.py")]
    with Processes(folder) as processes:
        # What its own libraries will do without some day is not ours to warn of.
        child = processes.start("emulator", command, {"PYTHONWARNINGS": "ignore"})
        log = processes.log("emulator")
        assert wait_for(lambda: bool(_url(log)), 60), log.read_text()
        yield Emulator(folder, child.pid, _url(log))


def _files(folder: Path) -> dict[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    certificate.private_key_pem.write_to_path(str(folder / "tls.key"))
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "users").write_text(f"{USER}:{hashed}\n")
    systems = [{"uuid": uuid, "name": node, "power_state": "On", "nics": []} for node, uuid in UUIDS.items()]
    return {
        "systems": repr(systems),
        "state": str(folder / "state"),
        "users": str(folder / "users"),
        "cert": str(folder / "tls.crt"),
        "key": str(folder / "tls.key"),
    }


def _url(log: Path) -> str:
    found = re.search(r"Running on https://127\.0\.0\.1:([0-9]+)", log.read_text())
    return f"https://localhost:{found[1]}" if found else ""


class EmulatorWorld:
    """The real door, to a process that speaks Redfish. `bmcs` is the mounted Secret."""

    def __init__(self, running: Emulator, bmcs: Path) -> None:
        self.running, self.bmcs = running, bmcs
        self.settings = Settings.read({"VMDRIFT_BMC_DIR": str(bmcs)})
        self.bmc = RedfishBmc(self.settings, limit=60.0)  # the machine that tests run on may be slow
        (bmcs / "ca.crt").write_bytes((running.folder / "ca.crt").read_bytes())
        for node in UUIDS:
            self.write(node)
            if self.bmc.read(node).power != "On":
                running.switch_on(node)
                until(self.bmc, node, "On")
        self._before = {node: running.orders(node) for node in UUIDS}

    def write(self, node: str, **changes: Any) -> None:
        content = {
            "address": self.running.url,
            "system": f"/redfish/v1/Systems/{UUIDS[node]}",
            "username": USER,
            "password": PASSWORD,
            "ca_file": "ca.crt",
        }
        (self.bmcs / f"{node}.json").write_bytes(orjson.dumps({**content, **changes}))

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self.running.pid, signal.SIGSTOP)
        self.bmc = RedfishBmc(self.settings, limit=0.5)
        try:
            yield
        finally:
            os.kill(self.running.pid, signal.SIGCONT)

    def refuse(self) -> None:
        self.write("worker-1", password="wrong-secret")

    def swap(self) -> None:
        self.write("worker-1", system=f"/redfish/v1/Systems/{UUIDS['worker-2']}")

    def lead_nowhere(self) -> None:
        self.write("worker-1", system="/redfish/v1/Systems/nobody")

    def demand(self, uuid: str) -> None:
        self.write("worker-1", uuid=uuid)

    def orders(self, node: str) -> int:
        return self.running.orders(node) - self._before[node]


def until(bmc: Bmc, node: str, power: str) -> BmcReading:
    """Read until it is so; the test's time-out ends it."""
    while (found := bmc.read(node)).power != power:
        pass
    return found
