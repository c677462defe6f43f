"""Verdicts: which outages begin and end, reported as events; and the resync, which reports every open one again.

Any number of watchers can run side by side: their events have the outage's identity, and the same event twice is one
job. Nothing that a watcher remembers is needed by another or after a restart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import structlog

from reactor.adapters.redis.store import Store
from reactor.adapters.rq import Queue, event_entry
from reactor.model.errors import StoreError
from reactor.model.event import Event, recovered, unreachable
from reactor.model.fencing import Heartbeat
from reactor.model.identity import Outage
from reactor.model.node import NodeView, goes_on
from reactor.model.times import Clock, clock_time
from reactor.watch.list_watch import LISTED

log = structlog.get_logger()


class Watcher:
    """Keeps the nodes, reports the outages. `source` is the CloudEvents source of the cluster's watchers.

    `clock` is the one that all processes share; `renewed` shows when a node last renewed its Lease, 0 where that is not
    known. It may be a little older or newer than the node: whoever takes an event in reads both.
    """

    def __init__(
        self, store: Store, queue: Queue, source: str, clock: Clock, renewed: Callable[[str], float] = lambda _: 0.0
    ) -> None:
        self._store, self._queue, self._source, self._clock = store, queue, source, clock
        self._renewed = renewed
        self._nodes: dict[str, NodeView] = {}
        self._heartbeats: dict[str, Heartbeat] = {}
        self._trouble = ""
        self._has_open = False  # as of the last resync

    @property
    def nodes(self) -> tuple[NodeView, ...]:
        """All that there are, by name."""
        return tuple(self._nodes[name] for name in sorted(self._nodes))

    def by_name(self) -> Mapping[str, NodeView]:
        """All that there are, as of now, for another thread."""
        return self._nodes.copy()  # in one step

    @property
    def has_outage(self) -> bool:
        """Is any node lost, or was any outage open at the last resync?"""
        return self._has_open or any(node.lost for node in self._nodes.values())

    def take(self, kind: str, nodes: Iterable[NodeView]) -> bool:
        """Take in what the stream yields. False if Redis was away: then `resync` has to report it later."""
        events: list[Event] = []
        views = {node.name: node for node in nodes}
        if kind == LISTED:
            for name in self._nodes.keys() - views.keys():
                del self._nodes[name]
        for name, node in views.items():
            events += self._verdict(self._nodes.get(name), node)
            if kind == "DELETED":
                self._nodes.pop(name, None)
            else:
                self._nodes[name] = node
        self._track_heartbeats(views)
        return self._report(events, [node for node in views.values() if node.outage])

    def _track_heartbeats(self, views: Mapping[str, NodeView]) -> None:
        """Since when is each heartbeat what it is now? Fencing looks at a node too late to know."""
        for name in self._heartbeats.keys() - self._nodes.keys():
            del self._heartbeats[name]
        now = self._clock()
        for name in self._nodes.keys() & views.keys():
            previous, heartbeat = self._heartbeats.get(name), views[name].heartbeat
            if previous is None or previous.value != heartbeat:
                self._heartbeats[name] = Heartbeat(heartbeat, now)

    def resync(self) -> bool:
        """Report every open outage again, or that it is over. False if Redis was away."""
        try:
            outages = {record.outage for record in self._store.outages()}
        except StoreError as error:
            return self._report_failed(error)
        lost = (node for node in self._nodes.values() if node.outage and not any(map(node.is_in, outages)))
        outages |= {outage for node in lost if (outage := self._with_lease(node).outage)}
        self._has_open = bool(outages)
        return self._report(self._state(outage) for outage in sorted(outages, key=lambda outage: outage.id))

    def _verdict(self, before: NodeView | None, node: NodeView) -> list[Event]:
        old, new = before.outage if before else None, node.outage
        if node.undated and not (before and before.undated):
            log.warning("node is unreachable", node=node.name, reason="lost-since-unknown")
        if old == new:
            return []
        events = []
        if old and not goes_on(node, old):
            log.info("node is back", node=node.name, since=clock_time(node.ready_since))
            events.append(recovered(old, self._source, self._clock()))
        if new:
            log.info("node is unreachable", node=node.name, since=clock_time(new.since))
            events.append(unreachable(self._with_lease(node).outage or new, self._source))
        return events

    def _with_lease(self, node: NodeView) -> NodeView:
        return replace(node, renewed=self._renewed(node.name))

    def _state(self, outage: Outage) -> Event:
        node = self._nodes.get(outage.node.name)
        if goes_on(self._with_lease(node) if node else None, outage):
            return unreachable(outage, self._source)
        return recovered(outage, self._source, self._clock())

    def _report(self, events: Iterable[Event], lost: Iterable[NodeView] = ()) -> bool:
        try:
            for node in lost:
                if node.outage and node.name in self._heartbeats:
                    self._store.save_heartbeat(node.outage.id, self._heartbeats[node.name])
            for event in events:
                self._queue.wake(event_entry(event), self._clock())
        except StoreError as error:
            return self._report_failed(error)
        if self._trouble:
            log.info("outages are reported again")
        self._trouble = ""
        return True

    def _report_failed(self, error: StoreError) -> bool:
        if str(error) != self._trouble:
            log.warning("outages cannot be reported, trying again", why=str(error))
        self._trouble = str(error)
        return False
