"""Child processes that never outlive us: not after Ctrl-C, and not after our own `kill -9`.

All children are put into the process group of a small process, the leash, which reads from a pipe that only we hold
open. When we are gone, however that came, the pipe ends and the leash ends the group.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from reactor import timing

# -I -S: nothing but the standard library, so it starts in a few milliseconds. SIGTERM first, for those who save state.
_LEASH = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.buffer.read()
os.killpg(0, signal.SIGTERM)
time.sleep(5)
os.killpg(0, signal.SIGKILL)
"""


class Processes:
    """Starts children and stops them in reverse order. Use it as a context manager.

    `logs` is a folder; `grace` is how many seconds a child may take to stop before it is killed.
    """

    def __init__(self, logs: Path, grace: float = timing.RUN_KILLS_AFTER) -> None:
        self.logs, self._grace = logs, grace
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        leash = [sys.executable, "-I", "-S", "-c", _LEASH]
        self._leash = subprocess.Popen(leash, stdin=subprocess.PIPE, process_group=0)  # noqa: S603 - our own text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, *, talks: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a child; its stderr (and stdout unless it `talks` to us over pipes) goes to `logs/name.log`."""
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - our own entry points
                command,
                env={**os.environ, **(env or {})},
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                process_group=self._leash.pid,
            )
        self.children[name] = child
        return child

    def log(self, name: str) -> Path:
        """A child's log file."""
        return self.logs / f"{name}.log"

    def dead(self) -> list[str]:
        """Names of children that ended by themselves."""
        return [name for name, child in self.children.items() if child.poll() is not None]

    def stop(self) -> None:
        """SIGTERM, in reverse order of start, SIGKILL to whoever takes too long; then to the group."""
        for child in reversed(self.children.values()):
            _end(child, self._grace)
        # The whole group: a signal that raises between a child's start and its entry in _children leaves one unlisted.
        os.killpg(self._leash.pid, signal.SIGKILL)
        _close(self._leash.stdin)
        self._leash.wait()


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    _close(child.stdin)
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    _close(child.stdout)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe:
        pipe.close()


def wait_for(ready: Callable[[], bool], seconds: float) -> bool:
    """Check every 20 ms; returns whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        time.sleep(0.02)
    return ready()
