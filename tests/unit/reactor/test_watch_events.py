"""A bookmark of a watch says that all that had arrived was read, and is never in the way of an event."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
import pytest

from reactor.adapters.kubernetes.responses import watch_events

_LINE = 4096  # bytes; each event is filled up to that, so that one read is one event


class _Stream:
    """A response over a pipe: what is written arrives at once, and a read takes one event."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        self.now, self.reads = 0.0, 99

    def fileno(self) -> int:
        return self.out

    def stream(self, _amount: int) -> Iterator[bytes]:
        for _ in range(self.reads):
            yield os.read(self.out, _LINE)

    def arrives(self, kind: str, version: int) -> None:
        obj = {"metadata": {"resourceVersion": str(version)}}
        os.write(self.into, (orjson.dumps({"type": kind, "object": obj})).ljust(_LINE - 1) + b"\n")

    def events(self) -> Iterator[tuple[str, str]]:
        response: Any = self
        for kind, obj in watch_events(response, lambda: self.now):
            yield kind, obj["metadata"]["resourceVersion"]


@pytest.fixture
def stream() -> Iterator[_Stream]:
    stream = _Stream()
    yield stream
    os.close(stream.out)
    os.close(stream.into)


def read(events: Iterator[tuple[str, str]], many: int) -> Sequence[tuple[str, str]]:
    return list(islice(events, many))


def test_after_the_last_event_that_has_arrived_comes_a_bookmark(stream: _Stream) -> None:
    events = stream.events()
    stream.arrives("ADDED", 1)
    assert read(events, 1) == [("ADDED", "1")]
    stream.now = 1.0
    for version in (2, 3, 4):
        stream.arrives("MODIFIED", version)
    assert read(events, 4) == [("MODIFIED", "2"), ("MODIFIED", "3"), ("MODIFIED", "4"), ("BOOKMARK", "4")]


def test_a_bookmark_of_the_server_counts_only_where_nothing_waits_behind_it(stream: _Stream) -> None:
    events = stream.events()
    stream.arrives("ADDED", 1)
    assert read(events, 1) == [("ADDED", "1")]
    stream.now = 1.0
    stream.arrives("BOOKMARK", 5)
    stream.arrives("MODIFIED", 6)
    stream.arrives("BOOKMARK", 7)
    assert read(events, 2) == [("MODIFIED", "6"), ("BOOKMARK", "7")]


@pytest.mark.parametrize(("now", "bookmarks"), [(0.9, []), (1.0, [("BOOKMARK", "1")])])
def test_a_watch_that_has_just_begun_may_have_more_to_replay_than_has_arrived(
    stream: _Stream, now: float, bookmarks: list[tuple[str, str]]
) -> None:
    stream.reads = 1
    events = stream.events()
    stream.arrives("MODIFIED", 1)
    assert next(events) == ("MODIFIED", "1")
    stream.now = now
    assert list(events) == bookmarks
