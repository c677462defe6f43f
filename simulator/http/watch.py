"""Watches over HTTP: a stream of JSON lines that sleeps until the store changes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from aiohttp import web

from simulator.api.api import Api
from simulator.api.watching import Watch
from simulator.client import ApiError, Obj
from simulator.http import json_bodies
from simulator.store.resources import Resource


class Bell:
    """Wakes the watchers of a kind when the store, in whatever thread, has changed it. Lives in the server's loop."""

    def __init__(self, api: Api) -> None:
        self._api, self._loop = api, asyncio.get_running_loop()
        self._sleepers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False
        with api.lock:
            api.store.listeners.append(self._changed)

    @contextmanager
    def sleeper(self, resource: str) -> Iterator[asyncio.Event]:
        """An event that is set after every change of a kind, and when the server stops."""
        event = asyncio.Event()
        self._sleepers[resource].add(event)
        try:
            yield event
        finally:
            self._sleepers[resource].discard(event)

    def close(self) -> None:
        """Let every watch end."""
        with self._api.lock:
            self._api.store.listeners.remove(self._changed)
        self.closed = True
        for resource in list(self._sleepers):
            self._ring(resource)

    def _changed(self, resource: str) -> None:
        self._loop.call_soon_threadsafe(self._ring, resource)

    def _ring(self, resource: str) -> None:
        for event in self._sleepers[resource]:
            event.set()


@dataclass(frozen=True)
class Stream:
    """One watch of a client: what, for how many seconds, and every how many a bookmark (None: never).

    `shown`: how each object is sent, None for as it is. `whole`: it begins with a list, which a bookmark ends.
    """

    kind: Resource
    watch: Watch
    seconds: float
    bookmark_every: float | None
    shown: Callable[[Obj], Obj] | None = None
    whole: bool = False

    async def run(self, request: web.Request, bell: Bell) -> web.StreamResponse:
        """Send changes until the time is over, the client leaves or the server stops."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            await self._send_all(response, bell)
            await response.write_eof()
        except ApiError as error:
            # As the real watch cache does: the refusal comes as the last event of a stream that began with 200.
            await response.write(_line("ERROR", json_bodies.status(error)))
            await response.write_eof()
        except ConnectionResetError:
            pass  # the client has left
        return response

    async def _send_all(self, response: web.StreamResponse, bell: Bell) -> None:
        now = asyncio.get_running_loop().time
        end, bookmark_at = now() + self.seconds, now() + (self.bookmark_every or self.seconds)
        with bell.sleeper(self.kind.plural) as changed:
            if self.whole:
                await response.write(self._polled() + self._bookmark(ends=True))
            while not bell.closed and now() < end:
                changed.clear()
                if changes := self._polled():
                    await response.write(changes)
                    continue
                if self.bookmark_every and now() >= bookmark_at:
                    await response.write(self._bookmark())
                    bookmark_at = now() + self.bookmark_every
                await _wait(changed, min(end, bookmark_at) - now())

    def _polled(self) -> bytes:
        shown = ((type_, self.shown(obj) if self.shown else obj) for type_, obj in self.watch.poll())
        return b"".join(_line(type_, obj) for type_, obj in shown)

    def _bookmark(self, *, ends: bool = False) -> bytes:
        meta: Obj = {"resourceVersion": str(self.watch.version), "creationTimestamp": None}
        if ends:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        return _line("BOOKMARK", {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": meta})


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0))
    except TimeoutError:
        return


def _line(type_: str, obj: Obj) -> bytes:
    return orjson.dumps({"type": type_, "object": obj}) + b"\n"
