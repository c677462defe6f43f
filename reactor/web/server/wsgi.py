"""A complete request of aiohttp -> a WSGI environment, and the app's answer back (PEP 3333)."""

import io
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from aiohttp import web
from flask import Flask
from werkzeug.wrappers import Response

from reactor.web.events.http_binding import unique_headers

_SKIPPED = frozenset({"content-type", "content-length", "transfer-encoding", "connection", "expect"})
_CONSTANT: Mapping[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def target(request: web.BaseRequest) -> tuple[str, str]:
    """Path, still escaped, and query, in whichever form the request line has them."""
    raw = request.raw_path
    if raw.startswith("/"):
        path, _, query = raw.partition("?")
        return path, query
    parts = urlsplit(raw)  # "http://host/path", as sent to proxies; "*"
    return parts.path or "/", parts.query


def path_of(request: web.BaseRequest) -> str:
    """As the app will read it."""
    return unquote(target(request)[0], errors="replace")


def environ(request: web.BaseRequest, body: bytes) -> dict[str, Any]:
    """For the app. Problem 400 where a header that counts is there twice, which an environment cannot express."""
    headers = unique_headers(request.headers.items())
    path, query = target(request)
    host, port, *_ = request.transport.get_extra_info("sockname") if request.transport else ("", 0)
    return {
        **_CONSTANT,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(path.encode("utf-8", "surrogateescape")).decode("latin-1"),
        "QUERY_STRING": latin(query),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": request.remote or "",
        "CONTENT_TYPE": latin(headers.get("content-type", "")),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        # A name with "_" would be taken for the one with "-".
        **{_key(name): latin(value) for name, value in headers.items() if name not in _SKIPPED and "_" not in name},
    }


def answered(app: Flask, environ: Mapping[str, Any]) -> web.Response:
    """What the app answers; it may block, so this is for a thread."""
    response = Response.from_app(app, dict(environ), buffered=True)
    return web.Response(status=response.status_code, headers=response.headers.items(), body=response.get_data())


def _key(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"


def latin(text: str) -> str:
    """Bytes as aiohttp reads them -> bytes as WSGI wants them."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")
