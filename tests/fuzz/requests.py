"""A real receiver on loopback, with a real Valkey, that is sent nonsense: it answers, lives, and does not grow."""

import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
from redis import Redis

from tests.fuzz.noise import Noise
from tests.fuzz.posted import TOKEN, mutated, sound
from tests.support.commands import descendants, eventually
from tests.support.http import ask, free_address
from vmdrift.processes import Processes
from vmdrift.valkey import start

GROWS = 48_000_000  # bytes that it may have grown since its first tenth, as allocators do
_PATIENCE = 0.5  # seconds without an answer until a sender goes away
_PAGE = 4096
_FORGET = 500  # requests after which Redis is emptied: nobody takes in what was accepted
# Besides "later": what an HTTP server says of a method, or a version, that it does not know.
_ALLOWED = {501, 503, 505}


class Server:
    """The receiver, one process of it; `sent` so many requests so far."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self._processes, self.sent, self._before = processes, 0, 0
        url, self._listen = start(processes, folder), free_address()
        self._redis = Redis.from_url(url)
        file = folder / "senders.json"
        entry = {"name": "ann", "token": TOKEN, "page": "act", "types": ["*"], "sources": ["*"]}
        file.write_bytes(orjson.dumps({"senders": [entry]}))
        env = {"VMDRIFT_REDIS_URL": url, "VMDRIFT_LISTEN": self._listen, "VMDRIFT_TOKENS_FILE": str(file)}
        env |= {"VMDRIFT_WEB_PROCESSES": "1", "VMDRIFT_SENDER_RATE": "1000000"}
        self._process = processes.start("serve", [sys.executable, "-m", "reactor", "serve"], env)
        eventually("it answers", lambda: ask(f"http://{self._listen}/readyz").status == 200)
        self._family = self._alive()

    def once(self, noise: Noise) -> str:
        """One request. What came of it, for the counts; raises what went wrong."""
        self.sent += 1
        if self.sent % _FORGET == 0:
            self._redis.flushdb()
        raw = mutated(sound(noise), noise)
        codes = [int(code) for code in re.findall(rb"^HTTP/1\.[01] (\d{3})", self._answer(raw), re.MULTILINE)]
        wrong = [code for code in codes if code >= 500 and code not in _ALLOWED]
        if wrong or self._processes.dead():
            raise AssertionError(f"answered {wrong}, dead {self._processes.dead()}: {raw!r}")
        return f"requests ({codes[0] if codes else 'no answer'})"

    def _answer(self, raw: bytes) -> bytes:
        address, port = self._listen.split(":")
        said = b""
        # It hangs up on who sends what is no HTTP, or too much, and waits for who sends less than was said.
        with suppress(OSError), socket.create_connection((address, int(port)), _PATIENCE) as line:
            line.sendall(raw)
            while not _is_whole(said) and (more := line.recv(65536)):
                said += more
        return said

    def remember(self) -> None:
        """How large it is now."""
        self._before = self.memory()

    def check(self) -> str:
        """The same processes live, and are about as large as they were; how large."""
        grown = self.memory() - self._before
        assert self._alive() == self._family, f"there were {self._family}, and there are {self._alive()}"
        assert grown < GROWS, f"it has grown by {grown / 1e6:.0f} MB"
        return f"memory {self._before / 1e6:.0f} MB, and {grown / 1e6:+.1f} MB in the end"

    def memory(self) -> int:
        """Bytes of all its processes that are in memory."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid, _ in self._alive())

    def _alive(self) -> set[tuple[int, str]]:
        return {(self._process.pid, ""), *descendants(self._process.pid)}


def _is_whole(said: bytes) -> bool:
    """Whether there is nothing to wait for."""
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return length is not None and len(body) >= int(length[1])


@contextmanager
def server() -> Iterator[Server]:
    """It ends with its Valkey."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as folder, Processes(Path(folder)) as processes:
        yield Server(processes, Path(folder))
