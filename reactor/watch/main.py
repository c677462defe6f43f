"""The watcher's process: a thread for each stream, and the main thread that judges, resyncs and publishes in time.

Beside them run the waker (`reactor.wake`) and, in a thread of its own because it reads, what suspects nodes.
"""

import queue
import threading
import time
from collections.abc import Callable

import structlog

from reactor import roles
from reactor.adapters.kubernetes.cluster import ALL, Scope, Watchable, uid
from reactor.adapters.redis.process_reports import Reporter
from reactor.adapters.tcp import answers
from reactor.model.errors import SettingsError
from reactor.model.event import watcher_source
from reactor.model.intervention import CONFIG_MAP, Intervention, interventions
from reactor.model.lease import NODE_LEASES
from reactor.model.node import NodeView
from reactor.model.times import Clock
from reactor.model.witness import SUSPICION
from reactor.process import Stop
from reactor.settings import Settings
from reactor.wake.waker import Waker
from reactor.wake.watches import wake
from reactor.watch.leases import Leases, follow_leases
from reactor.watch.list_watch import BOOKMARK, SILENCE, follow
from reactor.watch.node_views import thrifty_view
from reactor.watch.publisher import Publisher
from reactor.watch.suspecting import Office, Suspecting, suspect
from reactor.watch.watcher import Watcher
from reactor.watch.witness import Witness, bear_witness
from reactor.wiring import Wiring

_TROUBLE_RETRY = 2.0  # seconds until Redis is tried again
_POLL = 1.0  # seconds between two checks whether to stop
log = structlog.get_logger()

NodeChange = tuple[str, list[NodeView], float]  # as `follow` yields it, and when: monotonic seconds


def watch(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsError, StoreError, ClusterError when it cannot start."""
    stop = Stop(settings.heartbeat_file)
    stop.listen()
    wiring = Wiring.of(settings)
    clock, cluster = wiring.clock, wiring.cluster
    clock()  # read once, it goes on while Redis is away
    source = watcher_source(uid(cluster))
    for resource, scope in {"nodes": ALL, "leases": Scope(NODE_LEASES)}.items():
        next(cluster.scoped(resource, scope, 1))  # a missing permission must show at start, not in a thread below
    leases = Leases()
    watcher = Watcher(wiring.store, wiring.queue, source, clock, leases.renewed)
    changes: queue.Queue[NodeChange] = queue.Queue(maxsize=1000)
    publisher = Publisher(watcher, leases, wiring.summaries, clock)
    threads = [_started(_read, cluster, changes), _started(follow_leases, cluster, leases)]
    threads.append(_started(wake, _waker(wiring), cluster, stop.asked))
    office = Office(wiring.store, wiring.queue, source, clock)
    suspecting = Suspecting(leases, watcher.by_name, cluster, settings.to_policy(), office)
    threads.append(_started(suspect, suspecting, stop.asked))
    if settings.fence_at == SUSPICION:
        witness = witness_of(wiring)
        threads.append(_started(bear_witness, witness, lambda: suspecting.suspected, watcher.by_name, stop.asked))
    rounds = Rounds(watcher, wiring.reporter(roles.WATCHER.name), clock, publisher)
    _loop(rounds, changes, settings.resync, lambda: stop.asked() or not all(map(threading.Thread.is_alive, threads)))
    if not stop.asked():
        log.error("a thread ended, process exits")  # a bug; its traceback is above


def _waker(wiring: Wiring) -> Waker:
    cluster, namespace = wiring.cluster, wiring.settings.namespace

    def asked() -> tuple[Intervention, ...]:
        return interventions(cluster.find("configmaps", CONFIG_MAP, namespace))

    adapters = wiring.store, wiring.coverage, wiring.queue
    return Waker(*adapters, asked=asked, steady=time.monotonic, namespace=namespace)


def witness_of(wiring: Wiring) -> Witness:
    """A watcher's. SettingsError where it is not known which node this process runs on."""
    settings = wiring.settings
    if not settings.node_name:
        raise SettingsError("VMDRIFT_NODE_NAME is not set: VMDRIFT_FENCE_AT=suspicion needs the Node of each watcher")
    return Witness(settings.node_name, settings.witness_ports, answers, wiring.witness_reports, wiring.clock)


def _started(read: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=read, args=args, daemon=True)
    thread.start()
    return thread


def _read(cluster: Watchable, changes: "queue.Queue[NodeChange]") -> None:
    for kind, nodes in follow(cluster, "nodes", thrifty_view, SILENCE, time.sleep):
        changes.put((kind, nodes, time.monotonic()))


class Rounds:
    """The watcher's methods, with a process report after each resync, and a summary in between."""

    def __init__(self, watcher: Watcher, reporter: Reporter, clock: Clock, publisher: Publisher) -> None:
        self._watcher, self._reporter, self._clock, self._publisher = watcher, reporter, clock, publisher
        self._heard_at: float | None = None  # seconds since the epoch: the API server's last sign of life

    def take(self, kind: str, nodes: list[NodeView], read_at: float) -> bool:
        """As the watcher does. `read_at`: monotonic seconds."""
        self._heard_at = self._clock()
        if kind == BOOKMARK:
            self._publisher.nodes_read_at = read_at
        return kind == BOOKMARK or self._watcher.take(kind, nodes)

    def publish(self) -> None:
        """As the publisher does."""
        self._publisher.publish_if_due()

    def resync(self) -> bool:
        """As the watcher does. It reports only if Redis answered, so that it does not wait for a dead one twice."""
        reported = self._watcher.resync()
        if reported:
            self._reporter.report(self._heard_at)
        return reported


def _loop(rounds: Rounds, changes: "queue.Queue[NodeChange]", every: float, ended: Callable[[], bool]) -> None:
    """Nothing is reported before the first list: a watcher without nodes would take every outage for going on."""
    due: float | None = None  # of the next resync; monotonic seconds
    while not ended():
        if changes.empty():  # what is new comes first
            rounds.publish()
        if due is not None and time.monotonic() >= due:
            due = time.monotonic() + (every if rounds.resync() else _TROUBLE_RETRY)
        try:
            reported = rounds.take(*changes.get(timeout=_pause(due)))
        except queue.Empty:
            continue
        if due is None:
            due = time.monotonic() + (every if reported and rounds.resync() else _TROUBLE_RETRY)
        elif not reported:
            due = min(due, time.monotonic() + _TROUBLE_RETRY)


def _pause(due: float | None) -> float:
    """How long to wait for a change, in seconds."""
    return _POLL if due is None else max(0.0, min(_POLL, due - time.monotonic()))
