"""Processes that are copies of this one, and end with it. One that ends by itself begins again."""

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

_TURN = 0.2  # seconds between two looks whether to stop
_AGAIN = 1.0  # seconds before what has ended begins again
_FORK = multiprocessing.get_context("fork")  # this process has no threads, and shares what it has imported


def kept(work: Callable[[int], None], number: int, stop: Stop) -> list[BaseProcess]:
    """Let so many work until `stop` is asked; each gets its number, from 0. Those that are left are to be ended."""
    running = [_begun(work, which) for which in range(number)]
    while not stop.asked():
        if wait([process.sentinel for process in running], _TURN) and not stop.asked():
            log.warning("receiver process ended, starting it again")
            time.sleep(_AGAIN)
            running = [each if each.is_alive() else _begun(work, which) for which, each in enumerate(running)]
    return running


def ended(running: list[BaseProcess]) -> None:
    """In order, and by force if one takes too long."""
    for process in running:
        process.terminate()
    last = time.monotonic() + timing.RECEIVER_KILLED_AFTER
    for process in running:
        process.join(max(0.0, last - time.monotonic()))
        process.kill()


def _begun(work: Callable[[int], None], which: int) -> BaseProcess:
    process = _FORK.Process(target=_told, args=(work, which), daemon=True)
    process.start()
    return process


def _told(work: Callable[[int], None], which: int) -> None:
    """What it cannot work without, it says in one line."""
    try:
        work(which)
    except VmDriftError as error:
        log.warning("receiver process cannot start", why=explain(error))
        sys.exit(1)
