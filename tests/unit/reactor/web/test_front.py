"""What stands between the network and the app, over real connections: who is slow costs nobody but himself anything."""

import gzip
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Response

from reactor.model.errors import SettingsError
from reactor.web.auth.senders import Senders, TokensFile
from reactor.web.problem import Problem
from reactor.web.server.connections import Limits
from reactor.web.server.listening import ListeningSockets, room_for
from tests.unit.reactor.web.fronts import PATIENCE, Site, all_of, fronted, is_closed, status
from tests.unit.reactor.web.requests_of import EVENT, STRUCTURED
from vmdrift.processes import wait_for

TOKEN = "a-token-of-monitoring"
QUICK = Limits(headers=0.3, body=0.3, answer=0.3)
KIND = f"Host: x\r\nContent-Type: {STRUCTURED}\r\n"
BODY = orjson.dumps(dict(EVENT))
HALF = f"POST /events HTTP/1.1\r\n{KIND}Content-Length: 100\r\n\r\n{{".encode()


def post(body: bytes = BODY, *headers: str, last: bool = True) -> bytes:
    more = "".join(f"{one}\r\n" for one in (*headers, *(["Connection: close"] if last else [])))
    return f"POST /events HTTP/1.1\r\n{KIND}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture(scope="module")
def quick() -> Iterator[Site]:
    """One whose patience is short."""
    with fronted(QUICK) as site:
        yield site


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Site]:
    """One that knows a sender, and has all the time in the world."""
    file = tmp_path / "senders.json"
    file.write_bytes(orjson.dumps({"senders": [{"name": "monitoring", "token": TOKEN}]}))
    with fronted(tokens_file=str(file)) as site:
        yield site


@pytest.mark.parametrize("first", [b"", b"POST /ev", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX"])
def test_a_connection_without_a_whole_head_is_closed(quick: Site, first: bytes) -> None:
    assert quick.says(first) == b""


def test_a_body_that_does_not_come_is_given_up_with_a_word(quick: Site) -> None:
    assert status(quick.says(HALF)) == 408


@pytest.mark.parametrize("first", [b"GET /healthz HTTP/1.1\r\nX-a: ", HALF])
def test_who_sends_drop_by_drop_gets_no_more_time(quick: Site, first: bytes) -> None:
    with quick.connect() as sock:
        sock.sendall(first)
        sock.settimeout(0.02)
        for _ in range(1000):
            try:
                answer = sock.recv(65536)
                break
            except TimeoutError:
                sock.sendall(b"a")
        else:
            pytest.fail("still open after 20 s")
        assert answer[9:12] in {b"", b"408"}


def test_after_an_answer_the_next_request_has_its_own_time_and_no_more(quick: Site) -> None:
    with quick.connect() as sock:
        sock.sendall(post(last=False))
        answer = all_of(sock)
        assert status(answer) == 202
        assert answer.count(b"HTTP/1.1") == 1


def test_who_takes_no_answer_is_dropped() -> None:
    with fronted(QUICK) as site:
        site.receiver.app.add_url_rule("/much", "much", lambda: Response(b"x" * 40_000_000))
        with site.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(1) == b"H"
            assert wait_for(lambda: not site.front.connections, PATIENCE)


def test_strangers_are_refused_before_they_send_a_body(guarded: Site) -> None:
    for header in ("Authorization: Bearer another-token-of-theirs", "X-Nothing: at all"):
        with guarded.connect() as sock:
            sock.sendall(f"POST /events HTTP/1.1\r\n{KIND}{header}\r\nContent-Length: 60000\r\n\r\n".encode())
            answer = sock.recv(65536)
        assert status(answer) == 401
        assert b"WWW-Authenticate: Bearer" in answer
    assert guarded.receiver.inbox.counts() == {("other", "refused"): 2}


def test_a_known_sender_is_invited_to_send_and_heard(guarded: Site) -> None:
    head, body = post(BODY, f"Authorization: Bearer {TOKEN}", "Expect: 100-continue").split(b"\r\n\r\n")
    with guarded.connect() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert status(all_of(sock)) == 202


class _Hanging:
    """An issuer that does not answer before it is let."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Semaphore(0), threading.Event()

    def subject(self, _token: str) -> str:
        self.asked.release()
        self.answer.wait(PATIENCE)
        raise Problem(503, "The keys of the token issuer cannot be read.")


def test_strangers_with_tokens_of_an_issuer_that_hangs_hold_up_nobody_else(guarded: Site) -> None:
    receiver, hanging = guarded.receiver, _Hanging()
    receiver.reception.senders = Senders(TokensFile(Path(receiver.settings.tokens_file)), hanging)
    with ExitStack() as held:
        for _ in range(30):
            held.enter_context(guarded.connect()).sendall(post(BODY, "Authorization: Bearer a.b.c"))
        assert hanging.asked.acquire(timeout=PATIENCE)
        assert status(guarded.says(post(BODY, f"Authorization: Bearer {TOKEN}"))) == 202
        hanging.answer.set()
        assert wait_for(lambda: guarded.receiver.inbox.counts().get(("other", "refused")) == 30, PATIENCE)


def test_half_a_hundred_unfinished_bodies_hold_up_neither_events_nor_anything_else() -> None:
    with fronted() as site, ExitStack() as held:
        for path in ("/events", "/alertmanager", "/login"):
            for _ in range(50):
                sock = held.enter_context(site.connect())
                sock.sendall(HALF.replace(b"/events", path.encode()))
        assert status(site.says(post())) == 202
        for path in ("/healthz", "/readyz", "/metrics"):
            client = HTTPConnection("127.0.0.1", site.port, timeout=20)
            client.request("GET", path, headers={"Connection": "close"})
            assert client.getresponse().status == 200


@pytest.mark.parametrize("first", [b"", HALF])
def test_where_too_many_are_open_the_one_unfinished_for_longest_makes_room(first: bytes) -> None:
    with fronted(Limits(connections=3)) as site, ExitStack() as held:
        oldest, *others = sockets = [held.enter_context(site.connect()) for _ in range(3)]
        for sock in sockets:
            sock.sendall(first or b"G")
        for number in range(5):
            assert status(site.says(post(orjson.dumps({**EVENT, "id": f"{number}"})))) == 202
        assert wait_for(lambda: is_closed(oldest), PATIENCE)
        assert [is_closed(one) for one in others] == [False, False]


def test_at_an_address_for_probes_nothing_else_is_answered() -> None:
    with fronted(only_probes=True) as site:
        asked = ("/healthz", "/readyz", "/", "/metrics")
        told = [status(site.says(f"GET {path} HTTP/1.0\r\n\r\n".encode())) for path in asked]
        assert [*told, status(site.says(post()))] == [200, 200, 404, 404, 404]


def _answer(sent: bytes, **settings: Any) -> tuple[int, Any]:
    with fronted(**settings) as site:
        answer = site.says(sent)
    return status(answer), orjson.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("twice", ["ce-id: 2", "CE-ID: 1", "Content-Type: text/plain"])
def test_a_header_that_counts_and_comes_twice_is_refused(twice: str) -> None:
    assert _answer(post(b"{}", "ce-id: 1", twice))[0] == 400


def test_an_underscore_is_no_hyphen() -> None:
    names = [f"ce_{name}: {value}" for name, value in EVENT.items()]
    sent = post(b"{}", *names).replace(STRUCTURED.encode(), b"application/json")
    assert _answer(sent)[0] == 415


@pytest.mark.parametrize(
    "sent", [b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
def test_what_is_no_http_is_a_problem_like_any_other(sent: bytes) -> None:
    with fronted() as site:
        answer = site.says(sent + b"\r\n\r\n")
    assert status(answer) == 400
    assert b"Content-Security-Policy: " in answer
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("size", [1000, 70_000])
def test_a_body_is_as_long_as_it_is_whatever_its_chunks_say(size: int) -> None:
    body = orjson.dumps({**EVENT, "data": {"a": "x" * size}})
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:500], body[500:])) + b"0\r\n\r\n"
    head = f"POST /events HTTP/1.1\r\n{KIND}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert _answer(head + chunks)[0] == (202 if size < 65_536 else 413)


ODD = (
    b"http://[x/",
    b"http://a:99999/events",
    b"http:///",
    b"foo",
    b"*",
    b"//",
    b"/%",
    b"/%zz",
    b"/\xff",
    b"/%ff",
    b"?a",
    b"/#a",
)
ODD_HEADS = (
    b"Authorization: Bearer \xff\xfe\xff",
    b"Authorization: \xff",
    b"Cookie: \xff=\xff",
)


def test_whatever_stands_in_a_request_is_no_mistake_of_ours(guarded: Site) -> None:
    targets = (
        *ODD,
        b"/events?access_token=\xff\xfe",
        b"/events?access_token=%ff%fe",
        b"/alertmanager?access_token=%ed%a0%80",
    )
    odd = [
        b"%b %b HTTP/1.1\r\nHost: localhost\r\n" % (method, target)
        for method in (b"POST", b"GET")
        for target in targets
    ]
    odd += [
        b"POST %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, head)
        for path in (b"/events", b"/login")
        for head in ODD_HEADS
    ]
    odd += [b"POST /events HTTP/1.1\r\n%b\r\n" % host for host in (b"Host: \xff", b"Host: [", b"X-No: host")]
    for head in odd:
        answer = guarded.says(head + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")
        assert 200 <= status(answer) < 500, (head, answer)


def test_nothing_is_unpacked_that_somebody_has_packed() -> None:
    assert _answer(post(gzip.compress(BODY), "Content-Encoding: gzip"))[0] == 400


@pytest.mark.parametrize("target", ["/events?a=b", "http://x/events", "/%65vents", "//events"])
def test_an_address_is_found_in_whichever_form_it_is_asked_for(target: str) -> None:
    assert _answer(post().replace(b"/events", target.encode()))[0] in {202, 404}


def test_as_many_files_may_be_open_as_connections_need() -> None:
    _, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        assert room_for(600) == 600
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 600
        assert room_for(hard) < hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_an_address_that_is_listened_on_already_is_not_shared() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match=f"VMDRIFT_LISTEN: {address}: "):
            ListeningSockets({"VMDRIFT_LISTEN": address}, 2)
    ours = ListeningSockets({"VMDRIFT_LISTEN": address}, 2)
    with pytest.raises(SettingsError, match=f"VMDRIFT_PROBES: {address}: "):
        ListeningSockets({"VMDRIFT_PROBES": address}, 2)
    ours.close()
