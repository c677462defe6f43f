"""TCP connects, many at once: who accepts, who refuses, who is silent. Nothing is sent."""

import errno
import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_address

from reactor.model.witness import Answer

Place = tuple[str, int]  # an IP address, and a port


def answers(places: Sequence[Place], timeout: float) -> list[Answer]:
    """Of each place, within `timeout` seconds for all of them. What is no IP address is silent."""
    found = [Answer.SILENT for _ in places]
    with selectors.DefaultSelector() as waiting, ExitStack() as opened:
        for number, place in enumerate(places):
            if connection := _connection(place[0]):
                opened.enter_context(connection)
                with suppress(OSError):  # a scope that this machine does not have, for instance
                    found[number] = _begun(waiting, connection, place, number)
        end = time.monotonic() + timeout
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                number, connection = key.data
                waiting.unregister(connection)
                found[number] = _answer(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    return found


def _connection(address: str) -> socket.socket | None:
    """Not begun yet; None where this is no address, or there are no more of them to be had."""
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
        return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except (ValueError, OSError):
        return None


def _begun(waiting: selectors.BaseSelector, connection: socket.socket, place: Place, number: int) -> Answer:
    """SILENT also where it is waited for."""
    error = connection.connect_ex(place)
    if error == errno.EINPROGRESS:
        waiting.register(connection, selectors.EVENT_WRITE, (number, connection))
        return Answer.SILENT
    return _answer(error)


def _answer(error: int) -> Answer:
    """No route, unreachable, timed out: all of these somebody else says, or nobody."""
    if error == 0:
        return Answer.ACCEPTED
    return Answer.REFUSED if error in {errno.ECONNREFUSED, errno.ECONNRESET} else Answer.SILENT
