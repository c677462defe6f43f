"""`python -m tests.acceptance.seed`: begins vm-drift's processes as copies of itself, to which all is imported already.

A new interpreter works for more than a second before a role does anything; a copy begins at once. It then runs the very
module that `python -m` would. Orders and answers are lines of JSON.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn


class Child:
    """A copy, as far as `subprocess.Popen` is needed of it."""

    stdin = stdout = None

    def __init__(self, pid: int, seed: "Seed") -> None:
        self.pid, self._seed = pid, seed
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, as Popen has it; None while it runs."""
        if self.returncode is None:
            self.returncode = self._seed.ask(poll=self.pid)
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
    """The process that copies itself."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.acceptance.seed"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], process_group=0
        )

    def start(self, words: Sequence[str], env: Mapping[str, str], log: Path, group: int) -> Child:
        """`python -m WORDS` with exactly this environment, in this process group."""
        return Child(self.ask(words=words, env=dict(env), log=str(log), group=group), self)

    def ask(self, **order: Any) -> Any:
        """One order, and its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Without those that it has begun: they end with their test."""
        self._process.communicate()


@cache
def seed() -> Seed:
    """One for each process that runs tests."""
    started = Seed()
    atexit.register(started.end)
    return started


def main() -> None:
    """Until nobody gives orders any more."""
    import workers.role  # noqa: F401 - that is what this process is for

    gc.freeze()  # else the first collection of each copy touches, and so copies, every page
    for line in sys.stdin:
        order = json.loads(line)
        answer = _ended(order["poll"]) if "poll" in order else _copied(order)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _copied(order: Mapping[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        _become(order)
    return pid


def _become(order: Mapping[str, Any]) -> NoReturn:
    """What `python -m` makes of these words."""
    os.setpgid(0, order["group"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
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


if __name__ == "__main__":
    main()
