"""Forked processes that end with this one. One that ends by itself is started again."""

import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import structlog

from reactor import timing
from reactor.model.errors import VmDriftError
from reactor.process import Stop, explain

log = structlog.get_logger()

_POLL = 0.2  # seconds between two checks whether to stop
_RESTART_DELAY = 1.0  # seconds before a process that has ended is started again
_FORK = multiprocessing.get_context("fork")  # this process has no threads, and shares what it has imported


def supervise(work: Callable[[int], None], number: int, stop: Stop) -> list[BaseProcess]:
    """Run so many until `stop` is asked; each gets its index, from 0. The caller has to end those returned."""
    running = [_start(work, index) for index in range(number)]
    while not stop.asked():
        if wait([process.sentinel for process in running], _POLL) and not stop.asked():
            log.warning("receiver process ended, starting it again")
            time.sleep(_RESTART_DELAY)
            running = [process if process.is_alive() else _start(work, index) for index, process in enumerate(running)]
    return running


def terminate(running: list[BaseProcess]) -> None:
    """Terminate them, and kill those that take too long."""
    for process in running:
        process.terminate()
    last = time.monotonic() + timing.RECEIVER_KILLED_AFTER
    for process in running:
        process.join(max(0.0, last - time.monotonic()))
        process.kill()


def _start(work: Callable[[int], None], index: int) -> BaseProcess:
    process = _FORK.Process(target=_run, args=(work, index), daemon=True)
    process.start()
    return process


def _run(work: Callable[[int], None], index: int) -> None:
    """Why it cannot start is logged in one line."""
    try:
        work(index)
    except VmDriftError as error:
        log.warning("receiver process cannot start", why=explain(error))
        sys.exit(1)
