"""Sockets to listen on, and files enough for all who come."""

import resource
import socket
from collections.abc import Mapping

import structlog

from reactor.model.errors import SettingsError

log = structlog.get_logger()

WAITING = 1024  # connections that the kernel keeps for a process until it takes them
_UNTAKEN = 30_000  # milliseconds after which the kernel drops who takes nothing of what is sent to it
_OTHER_FILES = 256  # besides connections: Redis', the cluster's, the log


def split(listen: str) -> tuple[str, int]:
    """Address and port."""
    address, _, port = listen.rpartition(":")
    return address.strip("[]"), int(port)


class ListeningSockets:
    """The sockets of all processes: each has one for every address, and the kernel shares connections out."""

    def __init__(self, addresses: Mapping[str, str], processes: int) -> None:
        """`addresses` by their settings. Raises SettingsError where one cannot be had."""
        self._sockets: list[list[socket.socket]] = [[] for _ in range(processes)]
        for name, address in addresses.items():
            free(address, name)
            for theirs in self._sockets:
                theirs.append(_listener(address))

    def of(self, which: int) -> list[socket.socket]:
        """What is this process' own; it lets go of the others'."""
        for number, theirs in enumerate(self._sockets):
            for each in theirs if number != which else ():
                each.close()
        return self._sockets[which]

    def close(self) -> None:
        """Where they are listened on, that goes on."""
        for theirs in self._sockets:
            for each in theirs:
                each.close()


def free(listen: str, setting: str = "VMDRIFT_LISTEN") -> None:
    """SettingsError where the address cannot be had. A listener would share it with one of another receiver's."""
    try:
        with _bound(listen):
            pass
    except OSError as error:
        raise SettingsError(f"{setting}: {listen}: {error.strerror}") from error


def _listener(listen: str) -> socket.socket:
    made = _bound(listen, socket.SO_REUSEPORT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN)  # its connections inherit it
    made.listen(WAITING)
    return made


def _bound(listen: str, *options: int) -> socket.socket:
    address, port = split(listen)
    family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.bind(place)
    except OSError:
        made.close()
        raise
    return made


def room_for(connections: int) -> int:
    """How many of these connections may be open: as many as there can be files, whose limit is raised to that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("open file limit (ulimit -n) allows few connections", files=most, wanted=wanted)
    return max(1, most - _OTHER_FILES)
