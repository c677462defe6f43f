"""A front on a port of this machine, in a thread, with a receiver behind it; and what one says on a raw connection."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from reactor.web.server.connections import Limits
from reactor.web.server.front import Front
from tests.unit.reactor.web.requests_of import Receiver

PATIENCE = 20.0  # seconds in which whatever is to come has come


class Site:
    """`port` answers for `receiver`."""

    def __init__(self, receiver: Receiver, limits: Limits, *, only_probes: bool) -> None:
        self.receiver, self._limits, self._only_probes = receiver, limits, only_probes
        self._began = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        receiver = self.receiver
        self.front = Front(receiver.app, receiver.reception, self._limits, only_probes=self._only_probes)
        runner = web.ServerRunner(self.front, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._began.set()
        await self._end.wait()
        await runner.cleanup()

    def start(self) -> None:
        self._thread.start()
        assert self._began.wait(PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def says(self, first: bytes) -> bytes:
        """All that is answered, until the server closes the connection."""
        with self.connect() as sock:
            sock.sendall(first)
            return all_of(sock)


@contextmanager
def fronted(limits: Limits | None = None, *, only_probes: bool = False, **settings: object) -> Iterator[Site]:
    """With these limits, and settings of the receiver."""
    site = Site(Receiver(**settings), limits or Limits(), only_probes=only_probes)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def all_of(sock: socket.socket) -> bytes:
    """Until the other side closes."""
    said = b""
    while got := sock.recv(65536):
        said += got
    return said


def is_closed(sock: socket.socket) -> bool:
    """By the other side; that may still be on its way."""
    sock.settimeout(0.0)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
