"""Work in a thread of its own, which keeps no process from ending: for calls that may hang."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T], name: str) -> Future[T]:
    """What `work` will return or raise. It cannot be cut short, so it must have an end of its own."""
    future: Future[T] = Future()
    Thread(target=_run_into, args=(future, work), name=name, daemon=True).start()
    return future


def _run_into(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the future is waited for
        future.set_exception(error)
