"""Calls that may hang are waited for only so long, and cost one thread each at most."""

import threading
from collections.abc import Iterator

import pytest

from reactor.adapters.redfish.bounded_call import BoundedCalls


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Ends what hangs."""
    event = threading.Event()
    yield event
    event.set()


def _hang(patience: BoundedCalls, over: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        patience.call("a", over.wait)


def test_what_is_done_in_time_is_returned() -> None:
    assert BoundedCalls(60.0).call("a", lambda: 7) == 7


def test_what_is_raised_in_time_is_raised() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        BoundedCalls(60.0).call("a", fail)


def test_what_hangs_is_given_up(over: threading.Event) -> None:
    _hang(BoundedCalls(0.05), over)


def test_while_one_hangs_its_key_is_not_called_again_and_others_are(over: threading.Event) -> None:
    patience = BoundedCalls(0.05)
    called: list[str] = []
    _hang(patience, over)
    patience.limit = 60.0  # whoever does not hang has all the time of a loaded machine
    for _ in range(2):
        with pytest.raises(TimeoutError):
            patience.call("a", lambda: called.append("a"))
    patience.call("b", lambda: called.append("b"))
    assert called == ["b"]


def test_once_it_no_longer_hangs_its_key_is_called_again(over: threading.Event) -> None:
    patience = BoundedCalls(0.05)
    _hang(patience, over)
    over.set()
    patience.limit = 60.0
    for thread in threading.enumerate():
        if thread.name == "patience a":
            thread.join()
    assert patience.call("a", lambda: 7) == 7


def test_it_is_no_reason_for_a_process_to_stay(over: threading.Event) -> None:
    _hang(BoundedCalls(0.05), over)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "patience a")
