"""A crowd of strangers who connect and say little, before a receiver with its real deadlines: nobody else waits."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from tests.acceptance.conftest import GRACE
from tests.acceptance.test_receiver import EVENT, Receiver
from tests.support.forked import ForkedProcesses
from tests.support.http import STRUCTURED, ask, free_address
from tests.support.sites import Roles

SILENT, HALVES = 2000, 200
TOKEN = "a-token-that-nobody-guesses"
HALF = (
    f"POST {{path}} HTTP/1.1\r\nHost: x\r\nContent-Type: {STRUCTURED}\r\nContent-Length: 1000\r\n"
    "Authorization: Bearer {token}\r\n\r\n{{"
)


@contextmanager
def files(number: int) -> Iterator[None]:
    """So many may be open in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(number, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def crowd(held: ExitStack, address: tuple[str, int]) -> None:
    """Connections without a byte; and half bodies, of a known sender and of strangers."""
    for _ in range(SILENT):
        held.enter_context(socket.create_connection(address, 10))
    for number in range(HALVES):
        sock = held.enter_context(socket.create_connection(address, 10))
        path, token = ("/events", TOKEN) if number % 2 else ("/login", "")
        sock.sendall(HALF.format(path=path, token=token).encode())


@pytest.mark.nightly
def test_events_page_and_probes_go_on_while_a_crowd_says_little(folder: Path) -> None:
    file, probes = folder / "senders.json", free_address()
    file.write_bytes(orjson.dumps({"senders": [{"name": "monitoring", "token": TOKEN, "page": "look"}]}))
    with ForkedProcesses(folder, GRACE) as processes, files(SILENT + HALVES + 500), ExitStack() as held:
        receiver = Receiver(Roles(processes, folder), VMDRIFT_TOKENS_FILE=str(file), VMDRIFT_PROBES=probes)
        place = urlsplit(receiver.url)
        crowd(held, (place.hostname or "", place.port or 0))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for number in range(20):
            assert receiver.post({**EVENT, "id": f"{number}"}, **bearer).status == 202
            assert ask(f"{receiver.url}/login", Accept="text/html").status == 200
            assert [ask(f"http://{probes}{path}").status for path in ("/healthz", "/readyz")] == [200, 200]
