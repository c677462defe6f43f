"""One file a node, `NODE.json`, in a folder that is mounted from a Secret: how what can fence that node is reached.

Read again at each use. No sentence from here shows a file's content: it may be a password.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from reactor.model.errors import FenceError
from reactor.model.names import is_name


def file_of(node: str, setting: str) -> str:
    """The name of a node's file; FenceError where that is no name of a node. `setting`: which one names the folder."""
    if not is_name(node):  # a name has no slash, so it stays in the folder
        raise FenceError(f"{node[:60]!r} is not a valid node name, so {setting} has no file for it")
    return f"{node}.json"


def stamp(folder: Path, node: str, setting: str) -> str:
    """Another text once the node's file was written again; FenceError where there is none."""
    name = file_of(node, setting)
    try:
        status = (folder / name).stat()
    except OSError as error:
        raise NodeFile(name, setting, {}).wrong(f"it cannot be read: {error.strerror}") from None
    return f"{status.st_ino}-{status.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class NodeFile:
    """The content of one file, field by field; each FenceError names file and field."""

    name: str
    setting: str
    data: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, folder: Path, node: str, setting: str, expected: str) -> Self:
        """`expected`: how such an object begins, for a sentence."""
        file = cls(file_of(node, setting), setting, {})
        try:
            data = orjson.loads((folder / file.name).read_bytes())
        except FileNotFoundError:
            raise file.wrong("it is missing: add it to the Secret that is mounted there") from None
        except OSError as error:
            raise file.wrong(f"it cannot be read: {error.strerror}") from None
        except orjson.JSONDecodeError:  # its message shows some of the content
            raise file.wrong("it is not valid JSON: write it again") from None
        if not isinstance(data, dict):
            raise file.wrong(f"expected an object, {expected}")
        return cls(file.name, setting, data)

    def has(self, name: str) -> bool:
        """Null is as good as left out."""
        return self.data.get(name) is not None

    def text(self, name: str) -> str:
        """What is not empty."""
        value = self.data.get(name)
        if value is None:
            raise self.wrong(f"{name} is missing: add it")
        if not isinstance(value, str):
            raise self.wrong(f"{name}: expected text in quotes, found {type(value).__name__}")
        if not value:
            raise self.wrong(f"{name} is empty: fill it in")
        return value

    def like(self, pattern: re.Pattern[str], name: str, wanted: str) -> str:
        """The whole text is like that."""
        text = self.text(name)
        if not pattern.fullmatch(text):
            raise self.wrong(f"{name}: expected {wanted}")
        return text

    def wrong(self, what: str) -> FenceError:
        """The error that says so."""
        return FenceError(f"{self.name} in {self.setting}: {what}")
