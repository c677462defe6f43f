"""What stands between the network and the app: whole requests, in bounded time, and events of known senders only.

Who sends is asked before a byte of the body is read. A request gets a thread when all of it is there; events, pages and
probes have threads of their own, so that whatever holds some of them up costs the others nothing.
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

SENDERS, PROBES = frozenset({"events", "alerts"}), frozenset({"healthy", "ready"})  # what Flask calls them
_THREADS = {"events": 24, "pages": 8, "probes": 2, "senders": 8}  # they mostly wait for Redis, and for its disk
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Front(Connections):
    """Serves an app on one address. `only_probes`: and nothing else of it."""

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
        self._in_hand: set[asyncio.Task[object]] = set()
        self._ending = False
        self._pools = {name: ThreadPoolExecutor(number, name) for name, number in _THREADS.items()}

    async def finish(self, within: float) -> None:
        """Answer what has begun, within so many seconds at the most; each answer is its connection's last."""
        self._ending = True
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=within)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if task := asyncio.current_task():
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = refusal(problem)
        except Exception:  # whatever it is, it is one request's trouble
            log.exception("request failed", path=path_of(request)[:100])
            answer = refusal(Problem(500, "This should not happen; the receiver's log says more."))
        await self._given(request, answer)
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        endpoint = self._endpoint(request)
        if self._only_probes and endpoint not in PROBES:
            raise Problem(404, "Nothing but /healthz and /readyz is here.")
        body = await (self._posted(request) if endpoint in SENDERS else self._form(request, endpoint))
        with self.working_on(request.protocol):
            return await self._in(_pool(endpoint), partial(answered, self._app, environ(request, body)))

    def _endpoint(self, request: web.BaseRequest) -> str:
        """Which of the app's functions it is for; "" where there is none."""
        try:
            return str(self._routes.match(path_of(request), request.method)[0])
        except HTTPException:
            return ""

    async def _posted(self, request: web.BaseRequest) -> bytes:
        """The body of a sender's POST. Whoever is refused here is counted, as those are whom the app refuses."""
        shown, name = _credentials(request), "unknown"
        try:
            senders = self._reception.senders
            known = senders.at_once(shown.authorization, shown.access_token)
            if known is None:
                known = await self._in("senders", lambda: senders.identify(shown.authorization, shown.access_token))
            name = known.name
            return await self._body(request, LONGEST)
        except Problem as problem:
            refused = partial(self._reception.refused, name, problem)
            await self._in("senders", refused)
            raise

    async def _form(self, request: web.BaseRequest, endpoint: str) -> bytes:
        """Of anybody: short. Where there is nothing, nothing is read."""
        return await self._body(request, self._limits.form) if endpoint else b""

    async def _body(self, request: web.BaseRequest, longest: int) -> bytes:
        if (request.content_length or 0) > longest:
            raise _too_long(longest)
        if request.content.is_eof():
            return _whole(request.content.read_nowait(), longest)
        await _invite(request)
        try:
            async with asyncio.timeout(self._limits.body):
                return await _read(request, longest)
        except TimeoutError:
            raise Problem(408, f"The body was not there within {self._limits.body:g} s.") from None
        except (web.RequestPayloadError, ConnectionError):
            raise Problem(400, "The body did not come as its headers say.") from None

    async def _given(self, request: web.BaseRequest, answer: web.Response) -> None:
        """Send it, to whoever takes it in time."""
        if self._ending or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            answer.force_close()
        answer.headers["Server"] = "vm-drift"  # and no versions
        transport = request.transport
        late = asyncio.get_running_loop().call_later(self._limits.answer, _aborted, transport)
        try:
            await answer.prepare(request)
            await answer.write_eof()
        except ConnectionError:
            _aborted(transport)
        finally:
            late.cancel()

    async def _in(self, pool: str, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pools[pool], work)


def _pool(endpoint: str) -> str:
    if endpoint in PROBES:
        return "probes"
    return "events" if endpoint in SENDERS else "pages"


def _credentials(request: web.BaseRequest) -> Credentials:
    """As the app will read them; in what is no UTF-8 there is no token that anybody has."""
    shown = request.rel_url.query.get("access_token", "").encode("utf-8", "replace").decode()
    return Credentials(latin(request.headers.get("Authorization", "")), shown)


async def _invite(request: web.BaseRequest) -> None:
    """Who asks before it sends a body may send it."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # it is no part of the answer


async def _read(request: web.BaseRequest, longest: int) -> bytes:
    body = b""
    async for chunk in request.content.iter_any():
        body = _whole(body + chunk, longest)
    return body


def _whole(body: bytes, longest: int) -> bytes:
    if len(body) > longest:
        raise _too_long(longest)
    return body


def _aborted(transport: asyncio.Transport | None) -> None:
    if transport:
        transport.abort()


def _too_long(longest: int) -> Problem:
    return Problem(413, f"The request is longer than the {longest} bytes that are read here.")
