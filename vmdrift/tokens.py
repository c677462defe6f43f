"""`vmdrift token new`: one more person who may look at the page, or act on it, in the file of VMDRIFT_TOKENS_FILE."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import orjson

from reactor.model.errors import BadInput
from reactor.web.auth.senders import SenderEntry, TokensFile
from vmdrift.command import CANNOT_TELL, NOT_SO, complain

_BYTES = 32  # of chance in a token
_APPLY = "kubectl -n vm-drift create secret generic senders --from-file=senders.json={file} --dry-run=client -o yaml"


def new(name: str, may: str, file: str) -> int:
    """Add them to the file, made if there is none, and print the token, which stands nowhere else; the exit code."""
    path = Path(file)
    try:
        senders = _senders(path)
        if any(sender.get("name") == name for sender in senders):
            complain(f"vmdrift token new: {file} has an entry {name} already: remove it first, or choose another name.")
            return NOT_SO
        token = secrets.token_urlsafe(_BYTES)
        entry = {"name": name, "token": token, "page": may, "types": []}  # no events: it is a person
        SenderEntry.of(entry, "entry")
        _write(path, {"senders": [*senders, entry]})
    except (OSError, BadInput) as error:
        complain(f"vmdrift token new: {file}: {error}")
        return CANNOT_TELL
    print(token)  # noqa: T201 - the answer
    complain(f"{name} may {may}, with this token; it is shown only now. Give {file} to the receiver: with Kubernetes")
    complain(f"  {_APPLY.format(file=file)} | kubectl apply -f -")
    return 0


def _senders(path: Path) -> list[dict[str, Any]]:
    """As the file says; BadInput where the receiver could not read it either."""
    if not path.exists():
        return []
    TokensFile(path)
    senders: list[dict[str, Any]] = orjson.loads(path.read_bytes())["senders"]
    return senders


def _write(path: Path, content: dict[str, Any]) -> None:
    """As a whole or not at all, for its owner's eyes alone."""
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
