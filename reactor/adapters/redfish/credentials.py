"""How the BMC of each node is reached: `VMDRIFT_BMC_DIR/NODE.json`, from a mounted Secret, never through the API.

    {"address": "https://10.1.0.7", "username": "fencing", "password": "..."}

and where they are needed: `system`, the path of the machine, where the BMC has more than one; `ca_file`, the CA of its
certificate, a path relative to that folder; `uuid`, of the machine that it must answer for, where the node's systemUUID
will not do. No sentence from here shows the file's content, except for the name of another file.
"""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from reactor.adapters import node_files
from reactor.adapters.node_files import NodeFile

_SETTING = "VMDRIFT_BMC_DIR"

# Without TLS anybody in between could read the password, or answer "Off": on loopback there is nobody in between.
_ADDRESS = re.compile(r"https://[^\s/?#@\\]+/?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?/?")
_SYSTEM = re.compile(r"/redfish/[^\s?#\\]+")


@dataclass(frozen=True, slots=True)
class BmcAccess:
    """One file. `file` is its name; `address` has no slash at its end; "" for what is not given."""

    file: str
    address: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    system: str = ""
    ca_file: str = ""
    uuid: str = ""

    @property
    def bmc(self) -> str:
        """For a sentence."""
        return f"BMC {self.address}"


def access(folder: Path, node: str) -> BmcAccess:
    """As the file says now; FenceError."""
    file = NodeFile.read(folder, node, _SETTING, '{"address": ...}')
    return BmcAccess(
        file=file.name,
        address=file.like(_ADDRESS, "address", "https://HOST or https://HOST:PORT").rstrip("/"),
        username=file.text("username"),
        password=file.text("password"),
        system=file.like(_SYSTEM, "system", "a path such as /redfish/v1/Systems/1") if file.has("system") else "",
        ca_file=_authorities(folder, file) if file.has("ca_file") else "",
        uuid=_uuid(file) if file.has("uuid") else "",
    )


def stamp(folder: Path, node: str) -> str:
    """Another text once the node's file was written again; FenceError where there is none."""
    return node_files.stamp(folder, node, _SETTING)


def file_of(node: str) -> str:
    """The name of a node's file; FenceError where that is no name of a node."""
    return node_files.file_of(node, _SETTING)


def pinned(node: str, uuid: str | None) -> str:
    """The UUID that a node's file demands if it holds this one, "" for None; FenceError where it is no UUID."""
    return "" if uuid is None else _uuid(NodeFile(file_of(node), _SETTING, {"uuid": uuid}))


def _uuid(file: NodeFile) -> str:
    try:
        return str(UUID(file.text("uuid")))
    except ValueError:
        raise file.wrong("uuid: expected a UUID, as the BMC reports it") from None


def _authorities(folder: Path, file: NodeFile) -> str:
    """The path, after loading it once: later, a bad file would look like a BMC that cannot be reached."""
    name = file.text("ca_file")
    try:
        ssl.create_default_context(cafile=folder / name)
    except ssl.SSLError:
        raise file.wrong(f"ca_file: {name} contains no certificates in PEM format") from None
    except OSError as error:
        raise file.wrong(f"ca_file: {name} cannot be read: {error.strerror}") from None
    return str(folder / name)
