"""Calls that may hang: each runs in a thread of its own, and is waited for only so long.

Socket time-outs do not ensure that: each counts from the last byte, and names are resolved without any.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class BoundedCalls:
    """Waits `limit` seconds for each call.

    A call that timed out goes on until it ends by itself, so its work must have an end of its own. Until then no other
    call is made under its key: a BMC that hangs costs one thread, and not one for each try.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._hanging: dict[str, Thread] = {}

    def call(self, key: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises; TimeoutError if it takes too long, or the last one under `key` still does."""
        hanging = self._hanging.pop(key, None)
        if hanging and hanging.is_alive():
            self._hanging[key] = hanging
            raise TimeoutError
        future: Future[T] = Future()
        thread = Thread(target=_run_into, args=(future, work), name=f"patience {key}", daemon=True)
        thread.start()
        try:
            return future.result(self.limit)
        finally:
            if not future.done():
                self._hanging[key] = thread


def _run_into(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the future is waited for
        future.set_exception(error)
