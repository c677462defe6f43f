"""A watcher publishes all Nodes and Leases as long as an outage is open, and only what is of use."""

import pytest

from reactor.model.drift import OutageRecord
from reactor.model.errors import StoreUnreachable
from reactor.model.node import NodeView, node_view
from reactor.model.summary import Summary
from reactor.watch.leases import Leases
from reactor.watch.list_watch import BOOKMARK, LISTED
from reactor.watch.publisher import Publisher
from reactor.watch.watcher import Watcher
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from rehearsal.twins.summaries import MemorySummaries
from tests.contracts.queue_worlds import DONE
from tests.contracts.samples import LOST_AT, node, outage_record

AHEAD = float(LOST_AT)  # of the clock that all share, to the one that nobody sets


class _Away(MemorySummaries):
    """Redis is away."""

    def publish(self, current: Summary) -> None:  # noqa: ARG002 - the twin's signature
        raise StoreUnreachable("Redis is away")


class _Watcher:
    """A watcher at monotonic time `now` that has heard of two nodes."""

    def __init__(self, *nodes: NodeView, summaries: MemorySummaries | None = None) -> None:
        self.now = 50.0
        self.store = MemoryStore(self.clock)
        self.summaries = summaries or MemorySummaries(self.clock)
        self.leases = Leases()
        self.watcher = Watcher(self.store, MemoryQueue(self.clock, lambda _: DONE), "/w", self.clock)
        self.publisher = Publisher(self.watcher, self.leases, self.summaries, self.clock, lambda: self.now)
        self.watcher.take(LISTED, nodes)
        self.leases.take(LISTED, [("node-a", 1.0)], self.now)
        self.hear()

    def clock(self) -> float:
        return AHEAD + self.now

    def hear(self) -> None:
        self.leases.take(BOOKMARK, (), self.now)
        self.publisher.nodes_read_at = self.now

    def published(self) -> Summary | None:
        """What it publishes now."""
        self.summaries.clear()
        self.publisher.publish_if_due()
        return self.summaries.latest()


HEALTHY, LOST = node_view(node("node-b")), node_view(node("node-a", "Unknown"))


def test_while_a_node_is_lost_all_are_published_in_order_with_the_moment_up_to_which_all_was_read() -> None:
    watcher = _Watcher(HEALTHY, LOST)
    watcher.now += 3.0
    assert watcher.published() == Summary(AHEAD + 50.0, (LOST, HEALTHY), {"node-a": 1.0})


@pytest.mark.parametrize("silent", ["nodes", "leases"])
def test_the_stream_that_was_silent_for_longer_says_how_old_it_is(silent: str) -> None:
    watcher = _Watcher(HEALTHY, LOST)
    watcher.now += 3.0
    if silent == "nodes":
        watcher.leases.take(BOOKMARK, (), watcher.now)
    else:
        watcher.publisher.nodes_read_at = watcher.now
    seen = watcher.published()
    assert seen
    assert seen.as_of == AHEAD + 50.0


def test_what_is_too_old_to_be_used_is_not_published() -> None:
    watcher = _Watcher(HEALTHY, LOST)
    watcher.now += 5.1
    assert watcher.published() is None


@pytest.mark.parametrize("unheard", ["nodes", "leases"])
def test_before_both_streams_have_been_heard_nothing_is_published(unheard: str) -> None:
    watcher = _Watcher(HEALTHY, LOST)
    if unheard == "nodes":
        watcher.publisher.nodes_read_at = None
    else:
        watcher.leases.read_at = None
    assert watcher.published() is None


def test_without_an_outage_nothing_is_published() -> None:
    assert _Watcher(HEALTHY).published() is None


def test_as_long_as_an_outage_is_not_done_with_it_is_published_though_no_node_is_lost() -> None:
    watcher = _Watcher(HEALTHY)
    record: OutageRecord = outage_record()
    watcher.store.save_outage(record, done=False)
    watcher.watcher.resync()
    assert watcher.published()
    watcher.store.save_outage(record, done=True)
    watcher.watcher.resync()
    watcher.now += 2.0
    watcher.hear()
    assert watcher.published() is None


def test_it_is_published_every_two_seconds() -> None:
    watcher = _Watcher(HEALTHY, LOST)
    times = []
    for _ in range(50):
        watcher.hear()
        if watcher.published():
            times.append(watcher.now)
        watcher.now += 0.125
    assert times == [50.0, 52.0, 54.0, 56.0]


def test_a_redis_that_is_away_is_no_end() -> None:
    watcher = _Watcher(HEALTHY, LOST, summaries=_Away(lambda: 0.0))
    assert watcher.published() is None
