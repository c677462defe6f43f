"""Connections in bounded number and time. An event loop holds them: whoever is silent takes no thread from anybody."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from reactor.web.browser_headers import SAFE
from reactor.web.problem import CONTENT_TYPE, Problem

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and numbers for one process.

    `headers`: from a connection's first moment, or its last answer, to the end of a request's headers; `body`: for all
    of a body; `answer`: for an answer to be taken; `connections`: at once; `form`: bytes of a body from somebody who is
    not known yet.
    """

    headers: float = 30.0
    body: float = 10.0
    answer: float = 30.0
    connections: int = 2048
    form: int = 16384


class Connections(web.Server):
    """A server that holds a limited number. The one that has sent no whole request for longest makes room for a new."""

    def __init__(self, handle: Handle, limits: Limits) -> None:
        super().__init__(handle)
        self._limits = limits
        self._unfinished: dict[web.RequestHandler, asyncio.Transport] = {}  # in the order in which they became so
        self._worked_on: set[web.RequestHandler] = set()

    def __call__(self) -> web.RequestHandler:
        """The protocol of a new connection."""
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._limits.headers,
            lingering_time=self._limits.body,  # for which the rest of a refused body is thrown away
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # it may be; a URL may hold an access token
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """With room for it, if need be another's."""
        super().connection_made(handler, transport)
        transport.set_write_buffer_limits(high=0)  # what was written was taken
        self._unfinished[handler] = transport
        if len(self._unfinished) + len(self._worked_on) > self._limits.connections:
            longest = self._unfinished.pop(next(iter(self._unfinished)))
            asyncio.get_running_loop().call_soon(longest.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """It is gone."""
        super().connection_lost(handler, exc)
        self._unfinished.pop(handler, None)

    @contextmanager
    def working_on(self, handler: web.RequestHandler) -> Iterator[None]:
        """Its request is there as a whole: now it is ours to be quick."""
        transport = self._unfinished.pop(handler, None)
        self._worked_on.add(handler)
        try:
            yield
        finally:
            self._worked_on.remove(handler)
            if transport and not transport.is_closing():
                self._unfinished[handler] = transport


class _Connection(web.RequestHandler):
    """What is no HTTP is refused in the same form as everything else, and without a traceback in the log."""

    def handle_error(self, request: web.BaseRequest, *_: Any, **__: Any) -> web.Response:
        """For aiohttp, which could not read what came."""
        if request.writer.output_size > 0:
            raise ConnectionError
        answer = refusal(Problem(400, "This is no HTTP request that can be read."))
        answer.force_close()
        return answer


def refusal(problem: Problem) -> web.Response:
    """A problem, for whom the app does not get to see."""
    headers = {**SAFE, "Content-Type": CONTENT_TYPE, **problem.headers}
    return web.Response(status=problem.status, headers=headers, body=orjson.dumps(problem.as_json()))
