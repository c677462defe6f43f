"""The streams: one thread each, for as long as it is wanted, and the thread of the waker that takes what they bring."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from reactor import timing
from reactor.adapters.kubernetes.cluster import Watchable
from reactor.wake.rules import meta_of
from reactor.wake.scopes import Watch
from reactor.wake.waker import Brought, Waker
from reactor.watch.list_watch import BOOKMARK, follow

_MOST = 500  # changes that are taken at once


class _Unwanted(Exception):
    """Ends a stream between two tries."""


class Watches:
    """Follows what is wanted. One that is wanted no longer ends when it is heard next: within a minute or so."""

    def __init__(self, cluster: Watchable, changes: "queue.Queue[Brought]") -> None:
        self._cluster, self._changes = cluster, changes
        self._followed: dict[Watch, tuple[threading.Event, threading.Thread]] = {}

    def follow(self, wanted: frozenset[Watch]) -> None:
        """These, and no others. One that something unforeseen has ended (its traceback is above) begins again."""
        ended = {watch for watch, (_, thread) in self._followed.items() if not thread.is_alive()}
        for watch in (self._followed.keys() - wanted) | ended:
            self._followed.pop(watch)[0].set()
        for watch in wanted - self._followed.keys():
            unwanted, name = threading.Event(), f"watch-{watch.resource}"
            thread = threading.Thread(target=self._read, args=(watch, unwanted), name=name, daemon=True)
            self._followed[watch] = unwanted, thread
            thread.start()

    def _read(self, watch: Watch, unwanted: threading.Event) -> None:
        def pause(seconds: float) -> None:
            if unwanted.wait(seconds):
                raise _Unwanted

        parse = partial(meta_of, watch.resource)
        stream = follow(self._cluster, watch.resource, parse, timing.WATCH_SILENT, pause, scope=watch.scope)
        heard = 0.0
        try:
            for kind, metas in stream:
                if unwanted.is_set():
                    return
                if kind != BOOKMARK or time.monotonic() - heard > timing.COVERED_EVERY:
                    heard = time.monotonic()
                    self._changes.put((watch, kind, metas))
        except _Unwanted:
            return


def wake(waker: Waker, cluster: Watchable, ended: Callable[[], bool]) -> None:
    """Until `ended`: take what the streams bring, and look now and then at what is to be watched."""
    changes: queue.Queue[Brought] = queue.Queue(maxsize=10_000)
    streams, due = Watches(cluster, changes), time.monotonic()
    while not ended():
        if time.monotonic() >= due:
            waker.tick()
            streams.follow(waker.wanted)
            due = time.monotonic() + timing.COVERED_EVERY
        waker.take(_brought(changes, max(0.0, due - time.monotonic())))
    streams.follow(frozenset())


def _brought(changes: "queue.Queue[Brought]", timeout: float) -> list[Brought]:
    """All that is there, once there is something; nothing after `timeout` seconds."""
    found = list[Brought]()
    with suppress(queue.Empty):
        found.append(changes.get(timeout=timeout))
        while len(found) < _MOST:
            found.append(changes.get_nowait())
    return found
