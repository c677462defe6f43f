"""One call of an agent: a process group of its own, bounded in time and in what is read of it.

What it must know goes to its standard input, so no list of processes and no environment shows it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO

# Nothing of ours: neither Redis' URL nor proxies.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
# It ends the agent even where we were killed ourselves: an order must not arrive much later.
_BOUNDED = "/usr/bin/timeout"
_SPARE = 1.0  # seconds that it leaves us to end the agent ourselves
_MOST = 65536  # bytes of all that an agent may write
_LOOK = 0.01  # seconds between two looks whether it has ended


class TooMuch(Exception):
    """It wrote more than anybody reads."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Its exit code, below 0 for a signal's, and what it wrote."""

    code: int
    out: str
    err: str


def run(program: Path, text: str, limit: float) -> Finished:
    """Raises TimeoutError, TooMuch, OSError. Whatever happens, nothing of it runs afterwards in its process group."""
    end = time.monotonic() + limit
    with _started(program, limit) as process:
        to, *back = (pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe)
        with suppress(BrokenPipeError), to:
            to.write(text.encode())
        out, err = _read(back, end)
        _await(process.pid, end)
    return Finished(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


@contextmanager
def _started(program: Path, limit: float) -> Iterator[subprocess.Popen[bytes]]:
    """The group is killed before the process is waited for: until then nobody else can get its number."""
    command = [_BOUNDED, "-s", "KILL", f"{limit + _SPARE:g}", str(program)]
    with subprocess.Popen(  # noqa: S603 - one of the agents' own folder
        command,
        env=_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _read(pipes: list[IO[bytes]], end: float) -> list[bytes]:
    got = dict.fromkeys(pipes, b"")
    with DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, EVENT_READ, pipe)
        while selector.get_map():
            for key, _ in selector.select(_remaining(end)):
                chunk = os.read(key.fd, _MOST)
                got[key.data] += chunk
                if not chunk:
                    selector.unregister(key.fileobj)
            if sum(map(len, got.values())) > _MOST:
                raise TooMuch
    return list(got.values())


def _await(pid: int, end: float) -> None:
    """Until it has ended by itself, and is not yet waited for."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(min(_LOOK, _remaining(end)))


def _remaining(end: float) -> float:
    remaining = end - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining
