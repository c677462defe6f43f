"""Copies of this process (fork), in milliseconds: a new interpreter takes more than a second until it does anything."""

import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, NoReturn


@dataclass(frozen=True)
class Done:
    """How a copy ended: its exit code (negative: the signal that killed it), and what it wrote."""

    code: int
    out: str
    err: str


def copied(do: Callable[[], object]) -> Done:
    """Do it in a copy, to its end. What it returns is the exit code; None is 0."""
    with TemporaryFile() as out, TemporaryFile() as err:
        pid = fork(out, err)
        if not pid:
            _end(do)
        return Done(awaited(pid), written(out), written(err))


def fork(out: IO[bytes], err: IO[bytes]) -> int:
    """The copy's process id; in the copy itself 0, and from now on it writes into these files."""
    with warnings.catch_warnings():
        # Of Python 3.12 and later: there are other threads (xdist's). The copy needs nothing of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        gc.freeze()  # else the first collection touches, and so copies, every page
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    return pid


def awaited(pid: int) -> int:
    """The exit code of a copy. It does not outlive a test that runs out of time."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def written(file: IO[bytes]) -> str:
    """All that a copy wrote into it."""
    file.seek(0)
    return file.read().decode()


def leave(code: int, error: BaseException | None = None) -> NoReturn:
    """End the copy here: nothing that its original has begun is ended by it."""
    if error:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end(do: Callable[[], object]) -> NoReturn:
    try:
        code = do()
    except SystemExit as wanted:
        code = wanted.code
    except BaseException as error:  # noqa: BLE001 - the copy must not go on as if it were its original
        leave(1, error)
    leave(code if isinstance(code, int) else 0)
