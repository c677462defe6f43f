"""Work that is done at once, where a test wants no thread of its own for it."""

from collections.abc import Callable
from concurrent.futures import Future


def at_once(work: Callable[[], None], _: str) -> Future[None]:
    """As `reactor.in_thread.begun`."""
    future: Future[None] = Future()
    try:
        work()
        future.set_result(None)
    except Exception as error:  # noqa: BLE001 - it is raised where the future is waited for
        future.set_exception(error)
    return future
