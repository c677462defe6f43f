"""How the BMC of each node is reached: `VMDRIFT_BMC_DIR/NODE.json`, from a mounted Secret, never through the API.

    {"address": "https://10.1.0.7", "username": "fencing", "password": "..."}

and where they are needed: `system`, the path of the machine, where the BMC has more than one; `ca_file`, the CA of its
certificate, a path relative to that folder; `uuid`, of the machine that it must answer for, where the node's systemUUID
will not do. No sentence from here shows the file's content, except for the name of another file.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import orjson

from reactor.model.errors import FenceError
from reactor.model.names import is_name

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
    file = _File.read(folder / file_of(node))
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
    path = folder / file_of(node)
    try:
        status = path.stat()
    except OSError as error:
        raise _File(path.name, {}).wrong(f"it cannot be read: {error.strerror}") from None
    return f"{status.st_ino}-{status.st_mtime_ns}"


def file_of(node: str) -> str:
    """The name of a node's file; FenceError where that is no name of a node."""
    if not is_name(node):  # a name has no slash, so it stays in the folder
        raise FenceError(f"{node[:60]!r} is not a valid node name, so VMDRIFT_BMC_DIR has no file for it")
    return f"{node}.json"


def pinned(node: str, uuid: str | None) -> str:
    """The UUID that a node's file demands if it holds this one, "" for None; FenceError where it is no UUID."""
    return "" if uuid is None else _uuid(_File(file_of(node), {"uuid": uuid}))


@dataclass(frozen=True, slots=True)
class _File:
    """The content of one file, field by field; each FenceError names file and field."""

    name: str
    data: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        file = cls(path.name, {})
        try:
            data = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            raise file.wrong("it is missing: add it to the Secret that is mounted there") from None
        except OSError as error:
            raise file.wrong(f"it cannot be read: {error.strerror}") from None
        except orjson.JSONDecodeError:  # its message shows some of the content
            raise file.wrong("it is not valid JSON: write it again") from None
        if not isinstance(data, dict):
            raise file.wrong('expected an object, {"address": ...}')
        return cls(path.name, data)

    def has(self, name: str) -> bool:
        return self.data.get(name) is not None

    def text(self, name: str) -> str:
        value = self.data.get(name)
        if value is None:
            raise self.wrong(f"{name} is missing: add it")
        if not isinstance(value, str):
            raise self.wrong(f"{name}: expected text in quotes, found {type(value).__name__}")
        if not value:
            raise self.wrong(f"{name} is empty: fill it in")
        return value

    def like(self, pattern: re.Pattern[str], name: str, wanted: str) -> str:
        text = self.text(name)
        if not pattern.fullmatch(text):
            raise self.wrong(f"{name}: expected {wanted}")
        return text

    def wrong(self, what: str) -> FenceError:
        return FenceError(f"{self.name} in VMDRIFT_BMC_DIR: {what}")


def _uuid(file: _File) -> str:
    try:
        return str(UUID(file.text("uuid")))
    except ValueError:
        raise file.wrong("uuid: expected a UUID, as the BMC reports it") from None


def _authorities(folder: Path, file: _File) -> str:
    """The path, after loading it once: later, a bad file would look like a BMC that cannot be reached."""
    name = file.text("ca_file")
    try:
        ssl.create_default_context(cafile=folder / name)
    except ssl.SSLError:
        raise file.wrong(f"ca_file: {name} contains no certificates in PEM format") from None
    except OSError as error:
        raise file.wrong(f"ca_file: {name} cannot be read: {error.strerror}") from None
    return str(folder / name)
