"""A Redis that hangs: between it and its clients stands a server that accepts connections, and passes all on late."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Hanging:
    """`hung`: from now on a client waits `late` seconds for each answer. `given_up`: how often one left before that."""

    def __init__(self, path: str, late: float) -> None:
        """`path`: of the unix socket behind it."""
        self._path, self._late, self.hung, self.given_up = path, late, False, 0
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
            while asked := client.recv(65536):
                if self.hung and select.select([client], [], [], self._late)[0]:
                    self.given_up += 1  # it waits for an answer before it asks for more, so it has left
                    return
                server.sendall(asked)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(65536):
                client.sendall(answer)


@contextmanager
def hanging(url: str, late: float) -> Iterator[Hanging]:
    """`url`: of a Redis on a unix socket."""
    server = Hanging(url.partition("unix://")[2], late)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join()
