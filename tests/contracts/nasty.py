"""A BMC that answers as no BMC should, over real HTTP on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

ROOT, SYSTEMS, SYSTEM = "/redfish/v1/", "/redfish/v1/Systems", "/redfish/v1/Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
UUID = "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c001"
GOOD: dict[str, object] = {
    ROOT: {"Id": "RootService", "Systems": {"@odata.id": SYSTEMS}},
    SYSTEMS: {"Members": [{"@odata.id": SYSTEM}]},
    SYSTEM: {
        "Id": "1",
        "UUID": UUID,
        "PowerState": "On",
        "Actions": {"#ComputerSystem.Reset": {"target": RESET, "ResetType@Redfish.AllowableValues": ["ForceOff"]}},
    },
    RESET: {},
}


@dataclass
class Nasty:
    """`answers`: by path, a body, as JSON or as it is. `status`: by path, other than 200. `headers`: of all answers.

    `silent`: paths that are never answered; `cut`: whose answers stop in the middle and hang; `drips`: whose answers
    come byte by byte, for ever; `closed`: whose connections are closed. `got`: what was asked, and `auth`: with which
    credentials. `over` ends whatever hangs.
    """

    url: str = ""
    answers: dict[str, object] = field(default_factory=lambda: dict(GOOD))
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    drips: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    got: list[str] = field(default_factory=list)
    auth: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def body(self, path: str) -> bytes:
        answer = self.answers.get(path, {})
        return answer if isinstance(answer, bytes) else orjson.dumps(answer)


class _Handler(BaseHTTPRequestHandler):
    nasty: Nasty

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def _answer(self) -> None:
        nasty, path = self.nasty, self.path
        nasty.got.append(f"{self.command} {path}")
        nasty.auth.append(self.headers.get("Authorization", ""))
        if path in nasty.closed:
            return
        if path in nasty.silent:
            nasty.over.wait(60)
            return
        self._speak(nasty.body(path))

    def _speak(self, body: bytes) -> None:
        nasty, path = self.nasty, self.path
        self.send_response(nasty.status.get(path, 200))
        for name, value in {"Content-Length": str(len(body)), **nasty.headers}.items():
            self.send_header(name, value)
        if path in nasty.drips:
            self.flush_headers()
            while not nasty.over.wait(0.02):
                self.wfile.write(b"x")
            return
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if path in nasty.cut else body)
        if path in nasty.cut:
            nasty.over.wait(60)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def answering() -> Iterator[Nasty]:
    """One that listens on a free port, and does what a good one does until it is told otherwise."""
    nasty = Nasty()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"nasty": nasty}))
    nasty.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield nasty
    finally:
        nasty.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
