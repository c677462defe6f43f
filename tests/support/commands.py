"""The command line, in this process or in one of its own, and what becomes of its processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from click.testing import CliRunner

from tests.support.fork_server import Child
from tests.support.forked import silent
from vmdrift.cli import main

PROC = Path("/proc")
STOPS = (signal.SIGINT, signal.SIGTERM)
SOON = 100.0  # seconds; a deadline for a loaded machine, not an expectation


def eventually(what: str, true: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until it is true, asking ever more seldom; AssertionError saying `what` did not happen."""
    end, pause = time.monotonic() + seconds, 0.02
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(pause)
        pause = min(0.25, pause * 1.5)


def clean_env(**more: str) -> dict[str, str]:
    """The environment of whoever runs the tests, without what would reach vm-drift."""
    foreign = ("VMDRIFT_", "KUBECONFIG", "KUBERNETES_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"COLUMNS": "200"} | more


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def vmdrift(*words: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
    """`vmdrift WORDS`, to its end, in this process: another one would take a second to begin."""
    with surroundings(clean_env(**(env or {}))):
        done = CliRunner().invoke(main, words, input=stdin, catch_exceptions=False, prog_name="vmdrift")
    return Done(done.exit_code, done.stdout, done.stderr)


@contextmanager
def surroundings(env: Mapping[str, str]) -> Iterator[None]:
    """This process with another environment; what a command does to it for good is undone."""
    kept, handlers = dict(os.environ), {number: signal.getsignal(number) for number in STOPS}
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        structlog.reset_defaults()  # else it writes to what was captured
        for number, handler in handlers.items():
            signal.signal(number, handler)


def python(*words: str, env: Mapping[str, str] | None = None) -> Done:
    """`python WORDS`, to its end."""
    command = [sys.executable, *words]
    done = subprocess.run(
        command, env=clean_env(**(env or {})), capture_output=True, text=True, timeout=SOON, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass
class Command:
    """`vmdrift WORDS` that goes on while the test does. `folder` is its place for temporary files."""

    words: tuple[str, ...]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    """Whether it and what it starts begin as copies, not each as a new interpreter."""

    def __post_init__(self) -> None:
        env = clean_env(TMPDIR=str(self.folder), **self.env)
        with self._log.open("wb") as log:
            self.process = (_copied if self.quick else _new)(self.words, env, log.fileno())

    @property
    def _log(self) -> Path:
        return self.folder / "said.txt"

    @property
    def said(self) -> str:
        """Everything so far."""
        return self._log.read_text()

    def says(self, text: str) -> None:
        """Wait until it has said `text`."""
        eventually(f"{self.words} says {text!r}", lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said

    def ends(self, number: signal.Signals | None = None) -> int:
        """Its exit code, after a signal if one is given."""
        if number:
            self.process.send_signal(number)
        return self.process.wait(SOON)

    def descendants(self) -> dict["Proc", str]:
        """All processes below it, with their command lines."""
        return descendants(self.process.pid)

    def left(self) -> list[Path]:
        """Its temporary folders."""
        return list(self.folder.glob("vmdrift-*"))


def _new(words: Sequence[str], env: Mapping[str, str], log: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "vmdrift", *words]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _copied(words: Sequence[str], env: Mapping[str, str], log: int) -> Child:
    return silent(["tests.support.forked_run", *words], env, log)


Proc = tuple[int, str]  # process id and start time, so that a reused id is another process


def descendants(pid: int) -> dict[Proc, str]:
    """All processes below this one, with their command lines."""
    table = {int(path.name): stat for path in PROC.glob("[0-9]*") if (stat := _stat(int(path.name)))}
    below: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, stat in table.items() if int(stat[1]) in fresh} - below
        below |= fresh
    return {(child, table[child][19]): _words(child) for child in below}


def gone(processes: Mapping[Proc, str]) -> None:
    """Wait until none of them runs."""
    eventually(f"the end of {list(processes.values())}", lambda: not any(alive(process) for process in processes))


def alive(process: Proc) -> bool:
    """Whether it still runs; a zombie does not."""
    stat = _stat(process[0])
    return stat is not None and stat[19] == process[1] and stat[0] not in "ZX"


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat (proc(5)) from the state on; the name before them may hold anything."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _words(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
