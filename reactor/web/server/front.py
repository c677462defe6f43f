"""Between the network and the app: whole requests, in bounded time, and events of authenticated senders only.

The sender is identified before a byte of the body is read. A request gets a thread when all of it is there; events,
pages and probes have threads of their own, so that whatever delays some of them costs the others nothing.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import structlog
from aiohttp import web
from flask import Flask
from werkzeug.exceptions import HTTPException

from reactor.web.events.accept import Credentials, Reception
from reactor.web.events.http_binding import LONGEST
from reactor.web.problem import Problem
from reactor.web.server.connections import Connections, Limits, refusal
from reactor.web.server.wsgi import answered, environ, latin, path_of

log = structlog.get_logger()

T = TypeVar("T")

SENDERS, PROBES = frozenset({"events", "alerts"}), frozenset({"healthy", "ready"})  # Flask's endpoints
_THREADS = {"events": 24, "pages": 8, "probes": 2, "senders": 8}  # they mostly wait for Redis, and for its disk
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Front(Connections):
    """Serves an app on one address. `only_probes`: nothing but its probes."""

    def __init__(
        self,
        app: Flask,
        reception: Reception,
        limits: Limits,
        *,
        only_probes: bool = False,
    ) -> None:
        super().__init__(self._handle, limits)
        self._app, self._reception = app, reception
        self._routes = app.url_map.bind("localhost")
        self._only_probes = only_probes
        self._tasks: set[asyncio.Task[object]] = set()
        self._ending = False
        self._pools = {name: ThreadPoolExecutor(number, name) for name, number in _THREADS.items()}

    async def finish(self, within: float) -> None:
        """Answer the requests in progress, in so many seconds at the most; each answer closes its connection."""
        self._ending = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = refusal(problem)
        except Exception:  # a bug concerns this one request only
            log.exception("request failed", path=path_of(request)[:100])
            answer = refusal(Problem(500, "This is a bug in vm-drift; see the receiver's log."))
        await self._send(request, answer)
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        endpoint = self._endpoint(request)
        if self._only_probes and endpoint not in PROBES:
            raise Problem(404, "Only /healthz and /readyz are served here.")
        body = await (self._event_body(request) if endpoint in SENDERS else self._form_body(request, endpoint))
        with self.working_on(request.protocol):
            return await self._run_in(_pool(endpoint), partial(answered, self._app, environ(request, body)))

    def _endpoint(self, request: web.BaseRequest) -> str:
        """Flask's endpoint for it; "" where there is none."""
        try:
            return str(self._routes.match(path_of(request), request.method)[0])
        except HTTPException:
            return ""

    async def _event_body(self, request: web.BaseRequest) -> bytes:
        """The body of a sender's POST. A refusal here is counted, as one by the app is."""
        credentials, name = _credentials(request), "unknown"
        try:
            senders = self._reception.senders
            sender = senders.at_once(credentials.authorization, credentials.access_token)
            if sender is None:
                sender = await self._run_in(
                    "senders", lambda: senders.identify(credentials.authorization, credentials.access_token)
                )
            name = sender.name
            return await self._body(request, LONGEST)
        except Problem as problem:
            refused = partial(self._reception.refused, name, problem)
            await self._run_in("senders", refused)
            raise

    async def _form_body(self, request: web.BaseRequest, endpoint: str) -> bytes:
        """The body from any client: short. Not read where there is no endpoint."""
        return await self._body(request, self._limits.form) if endpoint else b""

    async def _body(self, request: web.BaseRequest, longest: int) -> bytes:
        if (request.content_length or 0) > longest:
            raise _too_long(longest)
        if request.content.is_eof():
            return _bounded(request.content.read_nowait(), longest)
        await _send_continue(request)
        try:
            async with asyncio.timeout(self._limits.body):
                return await _read(request, longest)
        except TimeoutError:
            raise Problem(408, f"The body did not arrive within {self._limits.body:g} s.") from None
        except (web.RequestPayloadError, ConnectionError):
            raise Problem(400, "The body does not match its headers.") from None

    async def _send(self, request: web.BaseRequest, answer: web.Response) -> None:
        """Send it; a client that does not take it in time is disconnected."""
        if self._ending or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            answer.force_close()
        answer.headers["Server"] = "vm-drift"  # and no versions
        transport = request.transport
        deadline = asyncio.get_running_loop().call_later(self._limits.answer, _abort, transport)
        try:
            await answer.prepare(request)
            await answer.write_eof()
        except ConnectionError:
            _abort(transport)
        finally:
            deadline.cancel()

    async def _run_in(self, pool: str, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pools[pool], work)


def _pool(endpoint: str) -> str:
    if endpoint in PROBES:
        return "probes"
    return "events" if endpoint in SENDERS else "pages"


def _credentials(request: web.BaseRequest) -> Credentials:
    """As the app will read them; what is not UTF-8 matches no token."""
    access_token = request.rel_url.query.get("access_token", "").encode("utf-8", "replace").decode()
    return Credentials(latin(request.headers.get("Authorization", "")), access_token)


async def _send_continue(request: web.BaseRequest) -> None:
    """A client that asks before it sends a body (Expect: 100-continue) may send it."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # it is no part of the answer


async def _read(request: web.BaseRequest, longest: int) -> bytes:
    body = b""
    async for chunk in request.content.iter_any():
        body = _bounded(body + chunk, longest)
    return body


def _bounded(body: bytes, longest: int) -> bytes:
    if len(body) > longest:
        raise _too_long(longest)
    return body


def _abort(transport: asyncio.Transport | None) -> None:
    if transport:
        transport.abort()


def _too_long(longest: int) -> Problem:
    return Problem(413, f"The request is longer than the limit of {longest} bytes.")
