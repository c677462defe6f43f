"""Wakes drifts to which something has happened, and says since when all that they wait for is watched.

It reads a record only to know whether a change matters to the drift. What it misses (it is dead, or a stream broke) is
seen at the drift's next look: it says that an outage is watched only from the moment on from which nothing was missed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

import structlog

from reactor import timing
from reactor.adapters.redis.coverage import Coverage
from reactor.adapters.redis.store import Lock, Store
from reactor.adapters.rq import Queue
from reactor.model.errors import ClusterError, LockLost, StoreError
from reactor.model.identity import Drift
from reactor.model.intervention import Intervention
from reactor.model.times import Clock
from reactor.wake import look_at
from reactor.wake.known import KnownDrifts
from reactor.wake.rules import Meta, matters, may_matter
from reactor.wake.scopes import ATTACHMENTS, INTERVENTIONS, Watch, watches
from reactor.wake.streams import Change, Streams
from reactor.watch.list_watch import LISTED

log = structlog.get_logger()

# Others can change objects as often as they like: a drift is woken at once, but no more often than this for long.
_SPACING, _BURST = 1.0, 3.0  # seconds
Asked = Callable[[], tuple[Intervention, ...]]
Brought = tuple[Watch, str, list[Meta]]


class Waker:
    """One process' share. `asked` reads people's interventions; `namespace`: of their ConfigMap.

    `wanted` is what is to be watched; what that brings goes to `take`, and `tick` is called every COVERED_EVERY.
    """

    def __init__(  # noqa: PLR0913 - adapters, and two settings by name
        self, store: Store, coverage: Coverage, queue: Queue, *, asked: Asked, steady: Clock, namespace: str
    ) -> None:
        self._store, self._coverage, self._queue = store, coverage, queue
        self._ask, self._namespace = asked, namespace
        self.wanted: frozenset[Watch] = frozenset()
        self._known, self._streams = KnownDrifts(store), Streams(steady)
        self._lock: Lock | None = None
        self._asked: frozenset[Intervention] = frozenset()
        self._booked: dict[str, float] = {}
        self._due: dict[Drift, None] = {}  # to be woken, also if Redis does not answer just now
        self._missed, self._trouble = False, ""

    def tick(self) -> None:
        """Find out what is to be watched, and say since when it is."""
        try:
            open_outages = self._store.outages()
            if not open_outages or not self._leads():
                self._rest()
                return
            new = self._known.refresh(open_outages)
            self._wake([record.drift for record in new if self._streams.is_ending(record.vmi_uid)])
            self._watch()
            self._cover()
        except StoreError as error:
            self._failed(error)

    def take(self, brought: Iterable[Brought]) -> None:
        """What the streams bring: (LISTED, all), (ADDED | MODIFIED | DELETED, [one]), (BOOKMARK, [])."""
        wanted = [one for one in brought if one[0] in self.wanted]
        changes = [change for one in wanted for change in self._streams.changes(*one)]
        listed = [watch for watch, kind, _ in wanted if kind == LISTED]
        try:
            drifts = [drift for change in changes for drift in self._concerned(change)]
            if any(watch.resource == INTERVENTIONS for watch in listed):
                drifts += self._asked_for()
            self._wake(dict.fromkeys(drifts))
            for watch in listed:
                self._streams.listed(watch, self._store.time())
        except (StoreError, ClusterError) as error:
            self._failed(error)

    def _leads(self) -> bool:
        """Is this process the one that watches? Raises StoreError."""
        try:
            if self._lock:
                self._store.renew(self._lock, timing.WAKER_LOCK)
                return True
        except LockLost:
            self._lock = None
            self._rest()
        self._lock = self._store.acquire("waker", timing.WAKER_LOCK)
        return self._lock is not None

    def _rest(self) -> None:
        """Nothing is lost, or another process watches. Raises StoreError."""
        lock, self._lock = self._lock, None
        self._keep(frozenset())
        self._asked = frozenset()
        self._booked.clear()
        self._due.clear()
        if lock:
            self._store.release(lock)

    def _watch(self) -> None:
        outages = self._known.outages.values()
        detaching = any(self._coverage.waits(outage.id) for outage in outages)
        nodes = {outage.node.name for outage in outages}
        self._keep(watches(nodes, self._known.namespaces, self._namespace, detaching=detaching))

    def _keep(self, wanted: frozenset[Watch]) -> None:
        self.wanted = wanted
        self._streams.keep(wanted)

    def _cover(self) -> None:
        if self._missed:
            self._streams.missed(self._store.time())
            self._missed, self._trouble = False, ""
        since = self._streams.unbroken((watch for watch in self.wanted if watch.covers), timing.WATCH_SILENT)
        if since is not None:
            self._coverage.cover(dict.fromkeys(self._known.outages, since))

    def _concerned(self, change: Change) -> Iterator[Drift]:
        """The drifts that are to be looked at. Raises StoreError, ClusterError."""
        meta = change.meta
        if meta.resource == INTERVENTIONS:
            yield from self._asked_for()
        elif change.gone and meta.resource in {"pods", ATTACHMENTS}:
            yield from self._waiting_for(meta)
        if may_matter(change.before, meta, gone=change.gone) and (change.gone or not self._known.is_lost(meta)):
            yield from self._affected(change, self._known.concerned(meta))

    def _affected(self, change: Change, drifts: Iterable[Drift]) -> Iterator[Drift]:
        for drift in drifts:
            record = self._store.record(drift.id)
            if record and matters(record, change.meta, gone=change.gone):
                yield drift

    def _asked_for(self) -> Iterator[Drift]:
        """The drifts about which people have asked for something else by now."""
        asked = frozenset(self._ask())
        changed, self._asked = asked ^ self._asked, asked
        yield from (drift for drift in self._known.all() if any(entry.meets(drift) for entry in changed))

    def _waiting_for(self, meta: Meta) -> Iterator[Drift]:
        name = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
        for outage_id in self._known.outages:
            drift = self._known.get(self._coverage.waiting_for(outage_id, f"{meta.resource}/{name}"))
            if drift:
                yield drift

    def _wake(self, drifts: Collection[Drift]) -> None:
        self._due |= dict.fromkeys(drifts)
        now = self._store.time() if self._due else 0.0
        by_due: dict[float, list[Drift]] = {}
        for drift in self._due:
            booked = max(now, self._booked.get(drift.id, 0.0))
            self._booked[drift.id] = booked + _SPACING
            by_due.setdefault(max(now, booked - _BURST), []).append(drift)
        for due, several in by_due.items():
            look_at(several, self._coverage, self._queue, due)
        self._due.clear()

    def _failed(self, error: StoreError | ClusterError) -> None:
        """What could not be passed on was missed."""
        if str(error) != self._trouble:
            log.warning("drifts cannot be woken", why=str(error))
        self._missed, self._trouble = True, str(error)
