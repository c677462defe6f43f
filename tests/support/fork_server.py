"""Begins vm-drift's processes as copies of one that has imported everything: of this one, before its first test.

A new interpreter works for more than a second before a role does anything; a copy begins at once. It then runs the very
module that `python -m` would. Orders and answers are JSON; an order comes with the copy's stdin, stdout and stderr.
"""

import atexit
import gc
import json
import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, Any, NoReturn

from tests.support.places import ROOT

_LONGEST = 1 << 20  # bytes of an order
_QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)  # as in any interpreter


class Child:
    """A copy, as far as `subprocess.Popen` is needed of it."""

    def __init__(self, pid: int, seed: "Seed") -> None:
        self.pid, self._seed = pid, seed
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None

    def poll(self) -> int | None:
        """Its exit code, as Popen has it; None while it runs."""
        if self.returncode is None:
            self.returncode = self._seed.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:  # until then nobody else gets its id
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Seed:
    """The process that copies itself, itself a copy of this one."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if not self._pid:
            _obey(theirs)
        theirs.close()

    def start(self, words: Sequence[str], env: Mapping[str, str], files: Sequence[int], group: int = 0) -> Child:
        """`python -m WORDS` with exactly this environment, these standard files, in this process group (0: its own)."""
        return Child(self.ask({"words": words, "env": dict(env), "group": group}, files), self)

    def ask(self, order: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        """One order, and its answer."""
        socket.send_fds(self._orders, [json.dumps(order).encode()], list(files))
        return json.loads(self._orders.recv(_LONGEST))

    def end(self) -> None:
        """Without those that it has begun: they end with their test."""
        self._orders.close()
        os.waitpid(self._pid, 0)


@cache
def fork_server() -> Seed:
    """One for each process that runs tests."""
    started = Seed()
    atexit.register(started.end)
    return started


def _obey(orders: socket.socket) -> NoReturn:
    """Until nobody gives orders any more."""
    try:
        _forget(orders)
        while message := (received := socket.recv_fds(orders, _LONGEST, 3))[0]:
            order = json.loads(message)
            answer = _ended(order["poll"]) if "poll" in order else _copied(order, received[1])
            orders.send(json.dumps(answer).encode())
    except BaseException:  # noqa: BLE001 - the copy must not go on as its original
        traceback.print_exc()
    os._exit(0)


def _forget(orders: socket.socket) -> None:
    """What belongs to the process that this one was copied from: its group, files, signals, logs and warnings."""
    import workers.rq.main  # noqa: F401 - if nobody else has imported it

    os.setpgid(0, 0)
    os.chdir(ROOT)
    os.closerange(3, orders.fileno())
    os.closerange(orders.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
    logging.root.handlers.clear()
    tempfile.tempdir = None  # else TMPDIR is not asked for
    warnings.resetwarnings()
    for category in _QUIET:
        warnings.simplefilter("ignore", category)
    for name in [name for name in sys.modules if name.endswith(".__main__")]:
        del sys.modules[name]  # else it would be said that they are run twice
    gc.freeze()  # else the first collection of each copy touches, and so copies, every page


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _copied(order: Mapping[str, Any], files: Sequence[int]) -> int:
    pid = os.fork()
    if not pid:
        _become(order, files)
    for file in files:
        os.close(file)
    return pid


def _become(order: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    """What `python -m` makes of these words."""
    os.setpgid(0, order["group"])
    _speak(files)
    os.environ.clear()
    os.environ.update(order["env"])
    module, *sys.argv[1:] = order["words"]
    code: Any = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - the copy must not go on as its original
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def _speak(files: Sequence[int]) -> None:
    """By these files, and no other is open."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
