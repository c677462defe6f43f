"""The watcher's process: a thread that reads the stream, and the main thread that judges and resyncs in time."""

import os
import queue
import signal
import threading
import time

from reactor.doors import cluster as cluster_door
from reactor.doors import store as store_door
from reactor.doors.queue import RqQueue
from reactor.doors.store import RedisStore
from reactor.model.event import watcher_source
from reactor.model.node import NodeView, node_view
from reactor.process import Stopped, raise_stopped
from reactor.settings import Settings
from reactor.watch.stream import follow
from reactor.watch.watcher import Watcher

_TROUBLE_RETRY = 2.0  # seconds until Redis is tried again
Seen = tuple[str, list[NodeView]]


def watch(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsError, StoreError, ClusterError when it cannot start."""
    redis = store_door.connect(settings.redis_url)
    cluster = cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout)
    source = watcher_source(cluster_door.uid(cluster))
    next(cluster.pages("nodes", limit=1))  # a missing permission must show at start, not in the thread below
    tasks = RqQueue(redis, time.time, settings.history_ttl)
    watcher = Watcher(RedisStore(redis, settings.history_ttl), tasks, source, time.time)
    changes: queue.Queue[Seen] = queue.Queue(maxsize=1000)
    threading.Thread(target=_read, args=(cluster, settings, changes), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, raise_stopped)
    try:
        _loop(watcher, changes, settings.resync)
    except Stopped:
        return


def _read(cluster: cluster_door.Cluster, settings: Settings, changes: "queue.Queue[Seen]") -> None:
    for change in follow(cluster, "nodes", node_view, settings.watch_silence, time.sleep):
        changes.put(change)


def _loop(watcher: Watcher, changes: "queue.Queue[Seen]", every: float) -> None:
    """Nothing is told before the first list: a watcher that knows no node would take every outage for going on."""
    told = watcher.take(*changes.get())
    due = time.monotonic() + (every if told and watcher.resync() else _TROUBLE_RETRY)
    while True:
        try:
            told = watcher.take(*changes.get(timeout=max(0.0, due - time.monotonic())))
            due = due if told else min(due, time.monotonic() + _TROUBLE_RETRY)
        except queue.Empty:
            due = time.monotonic() + (every if watcher.resync() else _TROUBLE_RETRY)
