"""Connections in bounded number and time. An event loop keeps them, so a silent client occupies no thread."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from reactor.web.browser_headers import SECURITY_HEADERS
from reactor.web.problem import CONTENT_TYPE, Problem

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and numbers for one process.

    `headers`: from a connection's first moment, or its last answer, to the end of a request's headers; `body`: for all
    of a body; `answer`: for an answer to be taken; `connections`: at once; `form`: bytes of a body from a client
    that is not authenticated.
    """

    headers: float = 30.0
    body: float = 10.0
    answer: float = 30.0
    connections: int = 2048
    form: int = 16384


class Connections(web.Server):
    """A server with a limited number. For one too many, the one longest without a whole request is closed."""

    def __init__(self, handle: Handle, limits: Limits) -> None:
        super().__init__(handle)
        self._limits = limits
        self._unfinished: dict[web.RequestHandler, asyncio.Transport] = {}  # the one that became so first is the first
        self._busy: set[web.RequestHandler] = set()

    def __call__(self) -> web.RequestHandler:
        """The protocol of a new connection."""
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._limits.headers,
            lingering_time=self._limits.body,  # for which the rest of a refused body is thrown away
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # it may be; a URL may contain an access token
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Closes the first unfinished one if there are too many."""
        super().connection_made(handler, transport)
        transport.set_write_buffer_limits(high=0)  # what was written has been taken
        self._unfinished[handler] = transport
        if len(self._unfinished) + len(self._busy) > self._limits.connections:
            oldest = self._unfinished.pop(next(iter(self._unfinished)))
            asyncio.get_running_loop().call_soon(oldest.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget it."""
        super().connection_lost(handler, exc)
        self._unfinished.pop(handler, None)

    @contextmanager
    def working_on(self, handler: web.RequestHandler) -> Iterator[None]:
        """Its request is complete: while it is answered, the connection is not closed to make room."""
        transport = self._unfinished.pop(handler, None)
        self._busy.add(handler)
        try:
            yield
        finally:
            self._busy.remove(handler)
            if transport and not transport.is_closing():
                self._unfinished[handler] = transport


class _Connection(web.RequestHandler):
    """Malformed HTTP is refused in the same form as everything else, and without a traceback in the log."""

    def handle_error(self, request: web.BaseRequest, *_: Any, **__: Any) -> web.Response:
        """For aiohttp, which could not parse the request."""
        if request.writer.output_size > 0:
            raise ConnectionError
        answer = refusal(Problem(400, "This is not a valid HTTP request."))
        answer.force_close()
        return answer


def refusal(problem: Problem) -> web.Response:
    """A problem, as the response to a request that does not reach the app."""
    headers = {**SECURITY_HEADERS, "Content-Type": CONTENT_TYPE, **problem.headers}
    return web.Response(status=problem.status, headers=headers, body=orjson.dumps(problem.as_json()))
