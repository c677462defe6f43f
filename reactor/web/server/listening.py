"""Sockets to listen on, and enough open files for their connections."""

import resource
import socket
from collections.abc import Mapping

import structlog

from reactor.model.errors import SettingsError

log = structlog.get_logger()

BACKLOG = 1024  # connections that the kernel keeps for a process until it takes them
_USER_TIMEOUT = 30_000  # milliseconds after which the kernel drops a client that acknowledges nothing
_OTHER_FILES = 256  # besides connections: Redis', the cluster's, the log


def split(listen: str) -> tuple[str, int]:
    """Address and port."""
    address, _, port = listen.rpartition(":")
    return address.strip("[]"), int(port)


class ListeningSockets:
    """The sockets of all processes: each has one for every address, and the kernel distributes connections."""

    def __init__(self, addresses: Mapping[str, str], processes: int) -> None:
        """`addresses` by their settings. Raises SettingsError where one cannot be bound."""
        self._sockets: list[list[socket.socket]] = [[] for _ in range(processes)]
        for name, address in addresses.items():
            check_address_free(address, name)
            for listeners in self._sockets:
                listeners.append(_listener(address))

    def of(self, index: int) -> list[socket.socket]:
        """This process' own; it closes the others'."""
        for number, listeners in enumerate(self._sockets):
            for listener in listeners if number != index else ():
                listener.close()
        return self._sockets[index]

    def close(self) -> None:
        """Processes that listen on them go on."""
        for listeners in self._sockets:
            for listener in listeners:
                listener.close()


def check_address_free(listen: str, setting: str = "VMDRIFT_LISTEN") -> None:
    """SettingsError where the address cannot be bound. A listener would share it with another receiver's."""
    try:
        with _bound(listen):
            pass
    except OSError as error:
        raise SettingsError(f"{setting}: {listen}: {error.strerror}") from error


def _listener(listen: str) -> socket.socket:
    listener = _bound(listen, socket.SO_REUSEPORT)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT)  # its connections inherit it
    listener.listen(BACKLOG)
    return listener


def _bound(listen: str, *options: int) -> socket.socket:
    address, port = split(listen)
    family, *_, sockaddr = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(sockaddr)
    except OSError:
        bound.close()
        raise
    return bound


def room_for(connections: int) -> int:
    """How many of these connections may be open; raises the limit of open files for them as far as it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("open file limit (ulimit -n) allows few connections", files=most, wanted=wanted)
    return max(1, most - _OTHER_FILES)
