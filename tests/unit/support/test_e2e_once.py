"""What many tests look at is played once; what breaks is told once, and has left nothing behind by then."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.once import once
from tests.e2e.site import UnsafeError


@contextmanager
def _played(left: list[str], error: Exception | None = None) -> Iterator[str]:
    left.append("a node")
    try:
        if error:
            raise error
        yield "a story"
    finally:
        left.remove("a node")


def test_what_is_played_is_there_for_all_until_the_last_has_looked() -> None:
    left: list[str] = []
    with once(_played(left)) as played:
        assert [played.get(), played.get()] == ["a story", "a story"]
        assert left == ["a node"]
    assert left == []


def test_only_the_first_test_says_why_it_broke_and_the_others_point_there() -> None:
    with once(_played([], AssertionError("not within 180 s"))) as played:
        with pytest.raises(AssertionError, match="not within 180 s"):
            played.get()
        for _ in range(2):
            with pytest.raises(pytest.skip.Exception, match="see the first error"):
                played.get()


def test_what_broke_has_left_nothing_before_the_next_is_played() -> None:
    left: list[str] = []
    with once(_played(left, AssertionError("broken"))):
        assert left == []


def test_a_cluster_that_is_not_safe_ends_the_whole_run() -> None:
    with pytest.raises(pytest.exit.Exception, match="e2e: not Ready"), once(_played([], UnsafeError("not Ready"))):
        pass
