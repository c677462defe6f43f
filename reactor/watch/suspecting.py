"""A watcher's suspicions: judged every second, confirmed by a read, and reported as hints that intake looks up.

Any number of watchers do so side by side, each by its own reads. What one of them remembers is needed by no other: a
suspicion has the same identity everywhere, and one that nobody remembers is looked at again by intake.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from reactor.adapters.redis.store import Store
from reactor.adapters.rq import Queue, event_entry
from reactor.model.drift import Policy
from reactor.model.errors import ClusterError, StoreError
from reactor.model.event import Event, suspected, too_many_suspected
from reactor.model.identity import NodeRef
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.node import NodeView
from reactor.model.objects import JsonObject, text
from reactor.model.suspicion import NO_SUSPECTS, Suspects, Suspicion, ending
from reactor.model.times import Clock
from reactor.watch.leases import Leases, Seen
from reactor.watch.suspicion import MOST_LATE, TOO_MANY, Verdict, judge

log = structlog.get_logger()

EVERY = 1.0  # seconds between two looks
_SHOWN_EVERY = 2.0  # seconds


class Finds(Protocol):
    """Reads one object as it is now."""

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """None where there is none. Raises ClusterError."""


@dataclass(frozen=True, slots=True)
class Office:
    """Where a watcher reports. `source`: the CloudEvents source of the cluster's watchers; `clock`: the shared one."""

    store: Store
    queue: Queue
    source: str
    clock: Clock

    def hint(self, event: Event) -> None:
        """Something is to be looked at now. Raises StoreError."""
        self.queue.wake(event_entry(event), self.clock())


class Suspecting:
    """Of one watcher. `nodes`: all that it knows, by name; `steady`: a clock that nobody sets."""

    def __init__(  # noqa: PLR0913 - what it reads, and where it reports
        self,
        leases: Leases,
        nodes: Callable[[], Mapping[str, NodeView]],
        cluster: Finds,
        policy: Policy,
        office: Office,
        *,
        steady: Clock = time.monotonic,
    ) -> None:
        self._leases, self._nodes, self._cluster, self._policy = leases, nodes, cluster, policy
        self._office, self._steady = office, steady
        self._open: dict[str, Suspicion] = {}
        self._since = self._show_at = 0.0  # monotonic seconds
        self._reason = self._trouble = ""
        self._shown = NO_SUSPECTS

    @property
    def suspected(self) -> frozenset[str]:
        """The names of the nodes that are, as of the last look."""
        return frozenset(self._open.copy())

    def look(self) -> None:
        """Once every EVERY seconds. What Redis or the API server refuses is tried again at the next."""
        now, seen, nodes = self._steady(), self._leases.seen(), self._nodes()
        verdict = judge(seen, nodes, self._policy, self._since, now)
        if verdict.reason == MOST_LATE:
            self._since = now
        try:
            self._end(seen, nodes)
            self._note(verdict)
            for name in verdict.suspects:
                self._begin(nodes[name], seen[name], now)
            self._trouble = ""
        except (ClusterError, StoreError) as error:
            self._failed(error)
        self._show(verdict, now)

    def _end(self, seen: Mapping[str, Seen], nodes: Mapping[str, NodeView]) -> None:
        for name, suspicion in tuple(self._open.items()):
            lease = seen.get(name)
            how = ending(suspicion, nodes.get(name), lease.renewed if lease else None)
            if how:
                self._office.hint(suspected(suspicion, self._office.source, self._office.clock()))
                del self._open[name]
                log.info("suspicion is over", node=name, how=how)

    def _note(self, verdict: Verdict) -> None:
        """Once, when it begins to be so."""
        if verdict.reason == self._reason:
            return
        if verdict.reason == MOST_LATE:
            log.warning("most Leases are late", reason=verdict.reason, sentence=verdict.sentence)
        elif verdict.reason == TOO_MANY:
            self._office.hint(too_many_suspected(verdict.sentence, self._office.source, self._office.clock()))
            log.warning("too many nodes are suspected", reason=verdict.reason, sentence=verdict.sentence)
        self._reason = verdict.reason

    def _begin(self, node: NodeView, lease: Seen, now: float) -> None:
        """If one consistent read finds the Lease as we have known it all the time."""
        if node.name in self._open:
            return
        found = self._cluster.find("leases", node.name, NODE_LEASES)
        if found is None or renewal(found)[1] != lease.renewed:
            return
        since = self._office.clock() - (now - lease.changed)
        ref, renewed = NodeRef(node.name, node.uid), text(found, "spec", "renewTime")
        suspicion = Suspicion(ref, node.boot, renewed, since, bool(self._policy.fencing))
        self._office.hint(suspected(suspicion, self._office.source, self._office.clock()))
        self._open[node.name] = suspicion
        log.info("node is suspected", node=node.name, sentence=suspicion.sentence(self._office.clock()))

    def _show(self, verdict: Verdict, now: float) -> None:
        """Now and then, and when there is something else to show; not while most Leases are late."""
        current = Suspects(tuple(self._open.values()), verdict.sentence if verdict.reason == TOO_MANY else "")
        is_due = current != self._shown or (current != NO_SUSPECTS and now >= self._show_at)
        if not is_due or verdict.reason == MOST_LATE:
            return
        try:
            self._office.store.suspicions.show(current)
            self._shown, self._show_at = current, now + _SHOWN_EVERY
        except StoreError as error:
            self._failed(error)

    def _failed(self, error: ClusterError | StoreError) -> None:
        if str(error) != self._trouble:
            log.warning("suspicions cannot be judged, trying again", why=str(error))
        self._trouble = str(error)


def suspect(suspecting: Suspecting, ended: Callable[[], bool], pause: Callable[[float], None] = time.sleep) -> None:
    """Until `ended`."""
    while not ended():
        suspecting.look()
        pause(EVERY)
