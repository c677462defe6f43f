"""JWTs of an issuer, with a real issuer behind real HTTP."""

import json
import ssl
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from reactor.model.errors import SettingsError
from reactor.settings import Settings
from reactor.web.auth.oidc import Issuer
from reactor.web.auth.senders import Senders
from reactor.web.problem import Problem

_AUDIENCE, _FUTURE = "vm-drift", 4102444800
_SUBJECT = "system:serviceaccount:monitoring:sender"


@cache
def _key(_name: str) -> rsa.RSAPrivateKey:
    """The same for all tests: to make one takes longer than the tests do."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class _Server:
    """An issuer that publishes its keys; `keys` by key id."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.guard, self.document = "", {"jwks_uri": "/keys"}
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self._http = HTTPServer(("127.0.0.1", 0), self._handler())
        if context:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def new_key(self, name: str) -> None:
        self.keys[name] = _key(name)

    def token(self, key: str = "one", **change: Any) -> str:
        claims = {"iss": self.url, "aud": _AUDIENCE, "sub": _SUBJECT, "exp": _FUTURE, **change}
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.keys[key],
            algorithm="RS256",
            headers={"kid": key},
        )

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = server.guard in {"", self.headers.get("Authorization", "")}
                body = server._answer(self.path) if known else b"{}"
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Not to the tests' output."""

        return Handler

    def _answer(self, path: str) -> bytes:
        if path == "/.well-known/openid-configuration":
            places = {name: self.url + path for name, path in self.document.items()}
            return json.dumps({"issuer": self.url, **places}).encode()
        keys = [
            {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "use": "sig", "alg": "RS256"}
            for name, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()


@pytest.fixture
def server() -> Iterator[_Server]:
    running = _Server()
    running.new_key("one")
    yield running
    running.stop()


def _issuer(url: str, cooldown: float = 1.0, **settings: str) -> Issuer:
    return Issuer(Settings(oidc_issuer=url, oidc_audience=_AUDIENCE, **settings), cooldown)  # type: ignore[arg-type]


def _status(issuer: Issuer, token: str) -> int:
    with pytest.raises(Problem) as refused:
        issuer.subject(token)
    assert token not in str(refused.value.as_json())
    return refused.value.status


def test_a_token_that_holds_says_whose_it_is(server: _Server) -> None:
    assert _issuer(server.url).subject(server.token()) == _SUBJECT


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://another.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"nbf": _FUTURE},
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_is_refused(server: _Server, change: dict[str, Any]) -> None:
    assert _status(_issuer(server.url), server.token(**change)) == 401


def test_a_token_that_is_signed_with_the_public_key_as_a_password_is_refused(server: _Server) -> None:
    public = server.keys["one"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    import base64
    import hashlib
    import hmac

    def packed(raw: bytes) -> bytes:
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    claims = {"iss": server.url, "aud": _AUDIENCE, "sub": _SUBJECT, "exp": _FUTURE}
    head = packed(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
    body = head + b"." + packed(json.dumps(claims).encode())
    forged = body + b"." + packed(hmac.new(pem, body, hashlib.sha256).digest())
    assert _status(_issuer(server.url), forged.decode()) == 401


def test_a_token_without_a_signature_is_refused(server: _Server) -> None:
    claims = {"iss": server.url, "aud": _AUDIENCE, "sub": _SUBJECT, "exp": _FUTURE}
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})  # type: ignore[arg-type]
    assert _status(_issuer(server.url), unsigned) == 401


@pytest.mark.parametrize("token", ["a.b.c", "..", "é.é.é"])
def test_what_is_no_token_is_refused(server: _Server, token: str) -> None:
    assert _status(_issuer(server.url), token) == 401


def test_another_issuers_key_is_refused(server: _Server) -> None:
    issuer = _issuer(server.url)
    server.new_key("two")
    token = server.token("two")
    del server.keys["two"]
    assert _status(issuer, token) == 401


def test_a_new_key_is_found(server: _Server) -> None:
    issuer = _issuer(server.url, cooldown=0.0)
    issuer.subject(server.token())
    server.new_key("two")
    assert issuer.subject(server.token("two")) == _SUBJECT


def test_while_the_issuer_is_away_its_known_keys_go_on_to_hold(server: _Server) -> None:
    issuer, fresh = _issuer(server.url), _issuer("http://127.0.0.1:1")
    issuer.subject(server.token())
    token = server.token()
    server.keys.clear()
    assert issuer.subject(token) == _SUBJECT
    with pytest.raises(Problem) as refused:
        fresh.subject(token)
    assert (refused.value.status, refused.value.retry_after) == (503, 10)


def test_an_issuer_that_says_nothing_of_its_keys_is_no_answer_yet(server: _Server) -> None:
    issuer, token = _issuer(server.url), server.token()
    server.document = {}
    assert _status(issuer, token) == 503
    server.document = {"jwks_uri": "/keys"}
    assert issuer.subject(token) == _SUBJECT


def test_kubernetes_as_an_issuer_is_asked_with_its_own_authority_and_our_own_token(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = _Server(context)
    try:
        server.new_key("one")
        server.guard = "Bearer ours"
        ca_file, token_file = tmp_path / "ca.crt", tmp_path / "token"
        ca_file.write_bytes(authority.cert_pem.bytes())
        token_file.write_text("outdated")
        assert _status(_issuer(server.url), server.token()) == 503
        issuer = _issuer(server.url, oidc_ca_file=str(ca_file), oidc_token_file=str(token_file))
        assert _status(issuer, server.token()) == 503
        token_file.write_text("ours\n")
        assert issuer.subject(server.token()) == _SUBJECT
    finally:
        server.stop()


def test_an_authority_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    senders = tmp_path / "senders.json"
    senders.write_text('{"senders": []}')
    settings = Settings(
        tokens_file=str(senders), oidc_issuer="https://a", oidc_audience="b", oidc_ca_file=str(tmp_path / "none")
    )
    with pytest.raises(SettingsError, match="VMDRIFT_OIDC_CA_FILE"):
        Senders.of(settings)


def test_nobody_is_known_by_an_empty_subject(server: _Server, tmp_path: Path) -> None:
    """A sender with a token has no subject, and is not that of a JWT without one."""
    file = tmp_path / "senders.json"
    file.write_text(json.dumps({"senders": [{"name": "monitoring", "token": "a-token-of-monitoring"}]}))
    senders = Senders.of(Settings(tokens_file=str(file), oidc_issuer=server.url, oidc_audience=_AUDIENCE))
    with pytest.raises(Problem) as refused:
        senders.identify(f"Bearer {server.token(sub='')}", "")
    assert refused.value.status == 403
