"""A Redis that can hang: between it and its clients a server that accepts connections, and may pass nothing on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Hanging:
    """`hung`: from now on nothing is passed on. `given_up`: requests that clients had no answer to, and left."""

    def __init__(self, path: str) -> None:
        """`path`: of the unix socket behind it."""
        self._path, self.hung, self.given_up = path, False, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def close(self) -> None:
        """No more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._path)
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            asked = False
            while said := client.recv(65536):
                asked = asked or self.hung
                if not self.hung:
                    server.sendall(said)
            self.given_up += asked

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                client.sendall(said)


@contextmanager
def hanging(url: str) -> Iterator[Hanging]:
    """`url`: of a Redis on a unix socket."""
    server = Hanging(url.partition("unix://")[2])
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join()
