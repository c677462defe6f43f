"""One process of the receiver: the app, its front on each address, and an orderly end."""

import asyncio
import multiprocessing
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from reactor import timing
from reactor.process import Stop
from reactor.settings import Settings
from reactor.web.app import create
from reactor.web.server.connections import Limits
from reactor.web.server.front import Front
from reactor.web.server.listening import BACKLOG, room_for

_PROBE_CONNECTIONS = 64  # at once, on the address for probes


def serving(sockets: Sequence[socket.socket], settings: Settings, stop: Stop) -> None:
    """Until SIGTERM or SIGINT, or its parent's end. The first socket is for everybody, the next for probes."""
    asyncio.run(_serving(sockets, settings, stop))


async def _serving(sockets: Sequence[socket.socket], settings: Settings, stop: Stop) -> None:
    end = _end(stop)
    app, reception = create(settings)
    limits = Limits()
    main_limits, probe_limits = (
        replace(limits, connections=room_for(limits.connections)),
        replace(limits, connections=_PROBE_CONNECTIONS),
    )
    main, *probes = sockets
    fronts = [(Front(app, reception, main_limits), main)]
    fronts += [(Front(app, reception, probe_limits, only_probes=True), listener) for listener in probes]
    await asyncio.gather(*(_listening(front, listener, end) for front, listener in fronts))


async def _listening(front: Front, listener: socket.socket, end: asyncio.Event) -> None:
    runner = web.ServerRunner(front, shutdown_timeout=1.0)
    await runner.setup()
    site = web.SockSite(runner, listener, backlog=BACKLOG)
    await site.start()
    await end.wait()
    await site.stop()
    await front.finish(timing.REQUESTS_END_WITHIN)
    await runner.cleanup()


def _end(stop: Stop) -> asyncio.Event:
    """Is set by a signal, also by one that came before this, and when the parent has ended without one."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if stop.asked():
        end.set()
    if parent := multiprocessing.parent_process():
        loop.add_reader(parent.sentinel, _on_parent_end, parent.sentinel, end)
    return end


def _on_parent_end(sentinel: int, end: asyncio.Event) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    end.set()
