"""sushy-tools' BMC emulator as a process with TLS: one BMC of any number of machines, which it only says to switch."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import orjson
import requests
import trustme

from vmdrift.processes import Processes, wait_for

USER, PASSWORD = "fencing", "pässword-17"
_UP = 60.0  # seconds
# A fake system follows an order after 1 to 11 s, as real ones do; here always after the same time, in whole seconds.
_CONFIG = """
import random
random.randint = lambda least, most: {follows}
SUSHY_EMULATOR_FAKE_SYSTEMS = {systems}
SUSHY_EMULATOR_LISTEN_IP = "127.0.0.1"
SUSHY_EMULATOR_LISTEN_PORT = 0
SUSHY_EMULATOR_STATE_DIR = {state!r}
SUSHY_EMULATOR_AUTH_FILE = {users!r}
SUSHY_EMULATOR_SSL_CERT = {cert!r}
SUSHY_EMULATOR_SSL_KEY = {key!r}
"""


@dataclass
class Emulator:
    """One process. `folder` holds its own files and `ca.crt`; `uuids`: of its machines, by the names of their nodes."""

    folder: Path
    pid: int
    url: str
    uuids: Mapping[str, str]

    def switch(self, node: str, how: str) -> None:
        """By fate's hand, not vm-drift's: `how` is a ResetType, On or ForceOff."""
        requests.post(
            f"{self.url}{self._path(node)}/Actions/ComputerSystem.Reset",
            json={"ResetType": how},
            auth=(USER, PASSWORD.encode().decode("latin-1")),
            verify=str(self.folder / "ca.crt"),
            timeout=10,
        ).raise_for_status()

    def orders(self, node: str) -> int:
        """How often anybody switched it, as its log has it."""
        return (self.folder / "emulator.log").read_text().count(f"POST {self._path(node)}/Actions")

    def write(self, bmcs: Path, node: str, **changes: Any) -> None:
        """The node's file in VMDRIFT_BMC_DIR, beside the emulator's `ca.crt`."""
        content = {
            "address": self.url,
            "system": self._path(node),
            "username": USER,
            "password": PASSWORD,
            "ca_file": "ca.crt",
        }
        (bmcs / "ca.crt").write_bytes((self.folder / "ca.crt").read_bytes())
        (bmcs / f"{node}.json").write_bytes(orjson.dumps({**content, **changes}))

    def _path(self, node: str) -> str:
        return f"/redfish/v1/Systems/{self.uuids[node]}"


@contextmanager
def emulator(folder: Path, uuids: Mapping[str, str], follows: int = 1) -> Iterator[Emulator]:
    """Machines that are on, and follow an order after so many seconds. It ends with the block, or with us."""
    (folder / "config.py").write_text(_CONFIG.format(follows=follows, **_files(folder, uuids)))
    command = [str(Path(sys.executable).with_name("sushy-emulator")), "--fake", "--config", str(folder / "config.py")]
    with Processes(folder) as processes:
        # What its own libraries will do without some day is not ours to warn of.
        child = processes.start("emulator", command, {"PYTHONWARNINGS": "ignore"})
        log = processes.log("emulator")
        if not wait_for(lambda: bool(_url(log)), _UP):
            raise TimeoutError(f"the BMC emulator does not come up: {log.read_text()}")
        yield Emulator(folder, child.pid, _url(log), uuids)


def _files(folder: Path, uuids: Mapping[str, str]) -> dict[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    certificate.private_key_pem.write_to_path(str(folder / "tls.key"))
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "users").write_text(f"{USER}:{hashed}\n")
    systems = [{"uuid": uuid, "name": node, "power_state": "On", "nics": []} for node, uuid in uuids.items()]
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
