"""Work that comes again when the API refuses it for the moment: an informer tells of a change only once."""

from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

from simulator.client import ApiError

# Lost races (the object is gone, or another than was read) and a server that cannot just now.
REFUSED_FOR_NOW = frozenset({404, 409, 429, 500, 502, 503, 504})
RETRY = 1.0  # seconds

K = TypeVar("K", str, tuple[str, str])


class WorkQueue(Generic[K]):
    """Keys to be worked on, each with its time; what client-go calls a rate-limited work queue."""

    def __init__(self, again: Collection[int] = REFUSED_FOR_NOW) -> None:
        self._again = again  # the codes after which it comes again
        self._due: dict[K, float] = {}

    def add(self, keys: Iterable[K], now: float) -> None:
        """Work on these at once."""
        for key in keys:
            self._due[key] = now

    def work(self, sync: Callable[[K], None], now: float) -> float | None:
        """Work on every key that is due, in order; when the next one is.

        Raises:
            ApiError: refused for good (403, 422...): a mistake of the actor's.
        """
        for key in sorted(key for key, due in self._due.items() if due <= now):
            try:
                sync(key)
                del self._due[key]
            except ApiError as error:
                if error.code not in self._again:
                    raise
                self._due[key] = now + RETRY
        return min(self._due.values(), default=None)
