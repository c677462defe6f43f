"""TCP connects, many at once, to real sockets."""

import socket
from collections.abc import Iterator

import pytest

from reactor.adapters.tcp import answers
from reactor.model.witness import Answer

_HERE = "127.0.0.1"
_LONG, _SHORT = 30.0, 0.05  # seconds; nobody waits for the first


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server((_HERE, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that is ours, on which nobody listens."""
    with socket.socket() as bound:
        bound.bind((_HERE, 0))
        yield bound.getsockname()[1]


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what comes, as a machine without power does."""
    with socket.socket() as server:
        server.bind((_HERE, 0))
        server.listen(0)
        place = server.getsockname()
        with socket.create_connection(place):
            yield place[1]


def test_who_listens_accepts_and_who_does_not_refuses(listening: int, closed: int) -> None:
    places = [(_HERE, listening), (_HERE, closed), (_HERE, listening)]
    assert answers(places, _LONG) == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]


def test_who_says_nothing_is_silent_and_keeps_nobody_else_from_being_heard(listening: int, full: int) -> None:
    assert answers([(_HERE, full), (_HERE, listening)], _SHORT) == [Answer.SILENT, Answer.ACCEPTED]


@pytest.mark.parametrize("address", ["", "node-b", "127.0.0.1/8", "999.1.1.1", "::ffff:1.2.3.4%eth9"])
def test_what_is_no_address_is_silent(address: str) -> None:
    assert answers([(address, 10250)], _SHORT) == [Answer.SILENT]


def test_nobody_to_ask_takes_no_time() -> None:
    assert answers([], _LONG) == []
