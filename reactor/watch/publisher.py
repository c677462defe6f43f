"""Publishes what a watcher holds of all Nodes and Leases, as long as an outage is open."""

import time
from contextlib import suppress

from reactor import timing
from reactor.adapters.redis.summaries import Summaries
from reactor.model.errors import StoreError
from reactor.model.summary import Summary
from reactor.model.times import Clock
from reactor.watch.leases import Leases
from reactor.watch.watcher import Watcher


class Publisher:
    """Of one watcher. `clock`: the one that all processes share; `monotonic`: one that nobody sets."""

    def __init__(
        self, watcher: Watcher, leases: Leases, summaries: Summaries, clock: Clock, monotonic: Clock = time.monotonic
    ) -> None:
        self._watcher, self._leases, self._summaries = watcher, leases, summaries
        self._clock, self._monotonic = clock, monotonic
        self._due = 0.0  # monotonic seconds
        self.nodes_read_at: float | None = None  # as `Leases.read_at`, of the Nodes that the watcher has taken in

    def publish_if_due(self) -> None:
        """Every `timing.SUMMARY_EVERY` seconds while an outage is open. Redis may be away: the next one is due soon."""
        now = self._monotonic()
        if now < self._due:
            return
        self._due = now + timing.SUMMARY_EVERY
        current = self._current(now) if self._watcher.has_outage else None
        if current:
            with suppress(StoreError):  # the watcher itself reports that Redis is away
                self._summaries.publish(current)

    def _current(self, now: float) -> Summary | None:
        """None where it is too old to be of use: one of the two watches has been silent, or broken."""
        nodes_read_at, leases_read_at = self.nodes_read_at, self._leases.read_at
        if nodes_read_at is None or leases_read_at is None:
            return None
        age = now - min(nodes_read_at, leases_read_at)
        if age > timing.SUMMARY_FRESH:
            return None
        return Summary(self._clock() - age, self._watcher.nodes, self._leases.renewals())
