"""What a stranger's program does with the receiver: plain HTTP, without any of our code."""

import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

STRUCTURED = "application/cloudevents+json"


def free_address() -> str:
    """An address of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@dataclass(frozen=True)
class Answered:
    """Status, headers by lower-case name, and the body, read and as it came; status 0: nobody answered."""

    status: int
    headers: Mapping[str, str]
    body: Any
    raw: bytes = b""


def ask(url: str, body: bytes | None = None, kind: str = STRUCTURED, **headers: str) -> Answered:
    """GET, or POST where there is a body."""
    request = urllib.request.Request(url, body, {"Content-Type": kind, **headers})  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
            return _answered(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _answered(error.code, dict(error.headers), error.read())
    except OSError:
        return Answered(0, {}, None)


def _answered(status: int, headers: Mapping[str, str], body: bytes) -> Answered:
    lowered = {name.lower(): value for name, value in headers.items()}
    return Answered(status, lowered, orjson.loads(body) if "json" in lowered.get("content-type", "") else body, body)


def curl(*words: str, stdin: str = "") -> tuple[int, Any]:
    """Status and JSON body of what curl was answered."""
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), orjson.loads(body)
