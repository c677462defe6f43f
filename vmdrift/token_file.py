"""`vmdrift token new`: one more person in a file as VMDRIFT_TOKENS_FILE names it, with a token that is shown once."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from reactor.model.errors import BadInput, NotDone, SettingsError
from reactor.model.event import NODE_FENCED
from reactor.settings import Settings
from reactor.web.auth.senders import TokensFile
from vmdrift import output
from vmdrift.command import answer, say

_BYTES = 32  # of randomness


def new(name: str, page: str, file: str, *, confirms: bool, as_json: bool) -> int:
    """Add the person, print their token; returns the exit code: 1 where there is one of that name."""

    def write(settings: Settings) -> int:
        path, token = Path(file or settings.tokens_file or ""), secrets.token_urlsafe(_BYTES)
        if not (file or settings.tokens_file):
            raise SettingsError("VMDRIFT_TOKENS_FILE: not set, and no --file is given")
        try:
            _replace(path, with_person(_read(path), entry(name, token, page, confirms=confirms)))
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from error
        sentence = f"{name} may {page} on the page, with this token, which is stored in {path} and shown nowhere again:"
        if as_json:
            output.show(
                {"version": 1, "command": "token", "sentence": sentence, "name": name, "page": page, "token": token}
            )
        else:
            say(sentence)
            say(token)
        return 0

    return answer("token", write)


def entry(name: str, token: str, page: str, *, confirms: bool) -> dict[str, object]:
    """As docs/cloudevents.md has it: it posts no events; with `confirms` it confirms on the page that a node is off."""
    may: dict[str, object] = {"types": [NODE_FENCED], "sources": [f"/page/{name}"]} if confirms else {"types": []}
    return {"name": name, "token": token, "page": page, **may}


def with_person(data: Mapping[str, Any], person: Mapping[str, object]) -> dict[str, Any]:
    """The file's content with one more; NotDone if there is one of that name."""
    senders = data["senders"]
    if any(sender["name"] == person["name"] for sender in senders):
        raise NotDone(f"{person['name']} is in the file already; remove that entry first, and its sessions end")
    return {**data, "senders": [*senders, person]}


def _read(path: Path) -> Mapping[str, Any]:
    """Nobody, where there is no file yet. SettingsError for one that is no senders' file, OSError."""
    if not path.exists():
        return {"senders": []}
    try:
        TokensFile(path)
    except BadInput as error:
        raise SettingsError(f"{path}: {error}") from error
    data: Mapping[str, Any] = orjson.loads(path.read_bytes())
    return data


def _replace(path: Path, data: Mapping[str, Any]) -> None:
    """At once: whoever reads it meanwhile sees the old one or the new one. For its owner's eyes alone if it is new."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n")
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
