"""What is played once for many tests. When it breaks, the first test says why, and the others do not say it again."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar

import pytest

from tests.e2e.site import UnsafeError

T = TypeVar("T")


class Once(Generic[T]):
    """What came of it: its result, or why there is none."""

    def __init__(self, result: T | None, broken: Exception | None = None) -> None:
        self._result, self._broken, self._said = result, broken, False

    def get(self) -> T:
        """The result. If it broke: the reason for the first who asks, and a skip for the others."""
        if self._broken is None:
            assert self._result is not None
            return self._result
        if self._said:
            pytest.skip("what this looks at broke: see the first error")
        self._said = True
        raise self._broken


@contextmanager
def once(playing: AbstractContextManager[T]) -> Iterator[Once[T]]:
    """Play it. What breaks has ended, and left nothing behind, before anybody sees it."""
    with ExitStack() as stack:
        try:
            played = Once(stack.enter_context(playing))
        except UnsafeError as error:
            pytest.exit(f"e2e: {error}", returncode=2)
        except Exception as error:  # noqa: BLE001 - whatever it was is told by `get`
            played = Once(None, error)
        yield played
