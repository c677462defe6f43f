"""The simulated API server over HTTP, for unmodified clients: the official `kubernetes` package, kubectl, curl."""

import asyncio
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from aiohttp import web

from simulator.api.api import Api
from simulator.client import Obj
from simulator.http.handler import Handler
from simulator.http.watch import Bell

HOST = "127.0.0.1"
# Kubernetes' own limit for a request's body, in bytes.
_LARGEST_BODY = 3 * 1024 * 1024
# How long requests in flight may take once the server stops, in seconds.
_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def serving(
    api: Api,
    port: int = 0,
    *,
    bookmark_interval: float = 60.0,
    tls: ssl.SSLContext | None = None,
    skin: type[Handler] = Handler,
) -> AsyncIterator[int]:
    """Serve `api` on the loopback interface in the running event loop; yields the port (a free one for 0)."""
    listening = socket.create_server((HOST, port))
    bell = Bell(api)
    app = web.Application(client_max_size=_LARGEST_BODY)
    handler = skin(api, bell, bookmark_interval)
    app.router.add_route("*", "/{path:.*}", handler.handle)
    app.on_response_prepare.append(handler.stamp)
    # Cancelling handlers of clients that left keeps abandoned watches from piling up.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS)
    try:
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=tls).start()
        yield listening.getsockname()[1]
    finally:
        bell.close()
        await _take_no_more(listening)
        transports = [one.transport for one in (runner.server.connections if runner.server else ()) if one.transport]
        if tls:
            _abort(transports)
        await runner.cleanup()
        _abort(transports)
        await asyncio.sleep(0)  # so that they are gone, too


async def _take_no_more(listening: socket.socket) -> None:
    """Before the site is stopped: asyncio would then forget a connection that was taken and is not set up yet."""
    asyncio.get_running_loop().remove_reader(listening)
    await asyncio.sleep(0)  # it is set up ...
    await asyncio.sleep(0)  # ... and known to aiohttp


def _abort(transports: Iterable[asyncio.Transport]) -> None:
    """An orderly end would wait for clients that do not listen just now."""
    for transport in transports:
        transport.abort()


class ApiServer:
    """Serves an `Api` from a thread of its own; a context manager that starts and stops it.

    It can be stopped and started again, on the same port and with the same objects: in between, clients see their
    connections refused.

    Args:
        api: what is served.
        port: 0 for a free one, chosen at the first start.
        bookmark_interval: seconds between the bookmarks of a watch.
        tls: its certificate; None for plain HTTP.
        skin: what answers requests.
    """

    def __init__(
        self,
        api: Api,
        *,
        port: int = 0,
        bookmark_interval: float = 60.0,
        tls: ssl.SSLContext | None = None,
        skin: type[Handler] = Handler,
    ) -> None:
        self.api, self.port, self.tls, self._skin = api, port, tls, skin
        self._bookmark_interval = bookmark_interval
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where it listens, for instance "http://127.0.0.1:40001"."""
        return f"http{'s' if self.tls else ''}://{HOST}:{self.port}"

    def start(self) -> None:
        """Listen; returns when connections are taken. OSError when the port is not free."""
        listening: Future[int] = Future()
        thread = threading.Thread(target=self._run, args=(listening,), name="apiserver", daemon=True)
        thread.start()
        self.port = listening.result()
        self._thread = thread

    def stop(self) -> None:
        """End all watches and close the port; returns when that is done."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, listening: Future[int]) -> None:
        try:
            asyncio.run(self._serve(listening))
        except OSError as error:
            listening.set_exception(error)

    async def _serve(self, listening: Future[int]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        every, tls, skin = self._bookmark_interval, self.tls, self._skin
        async with serving(self.api, self.port, bookmark_interval=every, tls=tls, skin=skin) as port:
            listening.set_result(port)
            await self._stop.wait()


def kubeconfig(url: str, token: str, ca: bytes = b"") -> Obj:
    """A kubeconfig for kubectl and the official clients: write it to a file as JSON, which is YAML too.

    kubectl sends no token over plain HTTP (client-go `clientcmd/client_config.go`), so the API sees
    the user without one; the official Python client sends it. `ca`: who vouches for the server, as PEM.
    """
    trusted = {"certificate-authority-data": b64encode(ca).decode()} if ca else {}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "simulated",
        "clusters": [{"name": "simulated", "cluster": {"server": url} | trusted}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [
            {"name": "simulated", "context": {"cluster": "simulated", "user": "user", "namespace": "default"}}
        ],
    }
