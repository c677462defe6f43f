"""Calls that may hang: each runs in a thread of its own, and is waited for only so long.

Socket time-outs do not ensure that: each counts from the last byte, and names are resolved without any.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from reactor.in_thread import begun

T = TypeVar("T")


class BoundedCalls:
    """Waits `limit` seconds for each call.

    A call that timed out goes on until it ends by itself, so its work must have an end of its own. Until then no other
    call is made under its key: a BMC that hangs costs one thread, and not one for each try.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._hanging: dict[str, Future[Any]] = {}

    def call(self, key: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises; TimeoutError if it takes too long, or the last one under `key` still does."""
        hanging = self._hanging.pop(key, None)
        if hanging and not hanging.done():
            self._hanging[key] = hanging
            raise TimeoutError
        future = begun(work, f"patience {key}")
        try:
            return future.result(self.limit)
        finally:
            if not future.done():
                self._hanging[key] = future
