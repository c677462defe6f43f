"""Requests to a receiver as bytes: sound ones, as senders and browsers send them, and what becomes of them."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from tests.fuzz.noise import Noise
from tests.support.alerts import ALERT, posted
from tests.unit.reactor.web.requests_of import BATCH, EVENT, HEADERS, STRUCTURED

TOKEN = "somebody-who-may-do-all"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_BASIC = f"Basic {b64encode(f'ann:{TOKEN}'.encode()).decode()}"
_METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"DELETE", b"TRACE", b"PATCH", b"CONNECT", b"x" * 5000, b"")
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"")
_KINDS = (STRUCTURED, BATCH, _JSON, _FORM, "text/plain; charset=utf-7", "multipart/form-data; boundary=x", "\xff", "")
_ODD = (
    (b"Content-Length", b"-1"),
    (b"Content-Length", b"99999999999999999999"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Content-Encoding", b"gzip"),
    (b"Expect", b"100-continue"),
    (b"Authorization", b"Basic \xff"),
    (b"Authorization", b"Bearer a.b.c"),
    (b"Cookie", b"session=.eJx\xff; session=" + b"x" * 5000),
    (b"Accept", b"text/html;q=9,*/*;q=nan"),
    (b"Range", b"bytes=9-1"),
    (b"If-None-Match", b'"'),
    (b"Origin", b"null"),
    (b"ce-time", b"9999-99-99T99:99:99Z"),
    (b"ce-\xc3\xa9", b"%00%ff"),
    (b"X-Forwarded-For", b"x" * 9000),
    (b"Host", b"[::1"),
)
_PATHS = (
    b"%00",
    b"%ff%fe",
    b"%2e%2e%2f",
    b"//",
    b"/..",
    b"?",
    b"?access_token=%ff&access_token=",
    b"\xc3\xa9",
    b"%",
    b"#",
)


@dataclass(frozen=True)
class Sent:
    """One request, in its parts."""

    method: bytes
    path: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    version: bytes = b"HTTP/1.1"

    def raw(self) -> bytes:
        """On the wire."""
        lines = [b" ".join((self.method, self.path, self.version)), *(b": ".join(pair) for pair in self.headers)]
        return b"\r\n".join([*lines, b"", self.body])


def _get(path: str) -> Sent:
    headers = {"Host": "localhost", "Authorization": _BASIC, "Accept": "text/html", "Connection": "close"}
    return Sent(b"GET", path.encode(), _encoded(headers))


def _post(path: str, kind: str, body: bytes, auth: str = f"Bearer {TOKEN}", **more: str) -> Sent:
    headers = {"Host": "localhost", "Authorization": auth, "Content-Type": kind, "Connection": "close", **more}
    return Sent(b"POST", path.encode(), _encoded(headers), body)


def _encoded(headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode("latin-1")) for name, value in headers.items())


_ACT = {"what": "hold", "target": "node/node-a", "why": "x", "for": "1h", "next": "/"}
_RQ = "/rq/0/view/jobs/drifts/failed/8/asc/1"
_SEEN = (
    "/",
    "/history",
    "/vm/shop/db",
    "/node/node-a",
    "/confirm/cancel/shop/db",
    "/login?next=/",
    "/rq/",
    _RQ,
    "/rq/0/data/queues.json",
)
_GETS = (*_SEEN, "/metrics", "/readyz", "/healthz", "/openapi.json", "/events/" + "0" * 32, "/static/page.css")


def sound(noise: Noise) -> Sent:
    """One as it should be, with JSON that may not be."""
    event, alert = {**EVENT, "id": str(noise.random()), "data": {"uid": "u"}}, posted(ALERT)
    json: list[tuple[str, str, Any, dict[str, str]]] = [
        ("/events", STRUCTURED, event, {}),
        ("/", BATCH, [event, {**event, "id": "2"}], {}),
        ("/events", _JSON, {"any": "thing"}, dict(HEADERS)),
        ("/", _JSON, {"any": "thing"}, {**HEADERS, "ce-type": "dev.knative.apiserver.resource.update"}),
        ("/alertmanager", _JSON, alert, {}),
    ]
    if noise.random() < 0.4:
        return _get(noise.one(_GETS))
    if noise.random() < 0.2:
        form = {key: noise.one((value, "", "\0", "x" * 9000)) for key, value in _ACT.items()}
        return _post(noise.one(("/act", "/login", "/logout")), _FORM, urlencode(form).encode(), _BASIC)
    path, kind, whole, headers = noise.one(json)
    body = noise.document(whole) if noise.random() < 0.7 else orjson.dumps(whole)
    return _post(path, kind, noise.one((b"[" * 30000, b'{"a":' * 9000)) if noise.random() < 0.03 else body, **headers)


def mutated(sent: Sent, noise: Noise) -> bytes:
    """Its bytes: as they are, with odd parts, or torn."""
    for _ in range(noise.randrange(4)):
        sent = noise.one(_CHANGES)(sent, noise)
    length = noise.one((len(sent.body),) * 40 + (0, len(sent.body) + 5))
    named = {name.lower() for name, _ in sent.headers}
    if sent.body and not {b"content-length", b"transfer-encoding"} & named:
        sent = replace(sent, headers=(*sent.headers, (b"Content-Length", b"%d" % length)))
    return noise.torn(sent.raw()) if noise.random() < 0.1 else sent.raw()


def _with_header(sent: Sent, noise: Noise) -> Sent:
    return replace(sent, headers=(*sent.headers, noise.one(_ODD)))


def _with_headers_spoilt(sent: Sent, noise: Noise) -> Sent:
    return replace(sent, headers=tuple(_spoilt(sent.headers, noise)))


def _spoilt(headers: Iterable[tuple[bytes, bytes]], noise: Noise) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        if (how := noise.random()) > 0.1:  # else it is missing
            yield (name, noise.torn(value).replace(b"\n", b"")) if how < 0.3 else (name, value)
            yield from [(name, value)] * (how > 0.95)


_CHANGES: tuple[Callable[[Sent, Noise], Sent], ...] = (
    _with_header,
    _with_headers_spoilt,
    lambda sent, noise: replace(sent, headers=(*sent.headers, (b"Content-Type", noise.one(_KINDS).encode("latin-1")))),
    lambda sent, noise: replace(sent, method=noise.one(_METHODS)),
    lambda sent, noise: replace(sent, version=noise.one(_VERSIONS)),
    lambda sent, noise: replace(sent, path=noise.torn(sent.path).replace(b" ", b"").replace(b"\n", b"")),
    lambda sent, noise: replace(sent, path=sent.path + noise.one(_PATHS)),
    lambda sent, noise: replace(sent, body=noise.torn(sent.body)),
)
