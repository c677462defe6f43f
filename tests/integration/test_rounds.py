"""The watcher's rounds: each is reported with the API server's last word, unless there is nothing new to say."""

import pytest
from redis import Redis

from reactor.adapters.redis.process_reports import Reporter, Requests, reports
from reactor.adapters.redis.store import RedisStore
from reactor.model.drift import OutageRecord
from reactor.model.errors import StoreUnreachable
from reactor.model.node import node_view
from reactor.watch.leases import Leases
from reactor.watch.list_watch import BOOKMARK, LISTED
from reactor.watch.main import Rounds
from reactor.watch.publisher import Publisher
from reactor.watch.watcher import Watcher
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.summaries import MemorySummaries
from tests.contracts.queue_worlds import DONE
from tests.contracts.samples import LOST_AT, node


class _Clock:
    now = LOST_AT + 50.0

    def __call__(self) -> float:
        return self.now


class _Store(RedisStore):
    away = False

    def outages(self) -> list[OutageRecord]:
        if self.away:
            raise StoreUnreachable("Redis is away")
        return super().outages()


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def store(redis: Redis) -> _Store:
    return _Store(redis, 3600)


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def summaries(clock: _Clock) -> MemorySummaries:
    return MemorySummaries(clock)


@pytest.fixture
def rounds(  # noqa: PLR0913, PLR0917 - all that a test may look at
    redis: Redis, store: _Store, clock: _Clock, requests: Requests, leases: Leases, summaries: MemorySummaries
) -> Rounds:
    watcher = Watcher(store, MemoryQueue(clock, lambda _: DONE), "/w", clock)
    publisher = Publisher(watcher, leases, summaries, clock, lambda: 50.0)
    return Rounds(watcher, Reporter(redis, "watcher", requests), clock, publisher)


def test_a_resync_says_when_the_api_server_was_heard_last(rounds: Rounds, redis: Redis, clock: _Clock) -> None:
    assert rounds.take(LISTED, [node_view(node())], 1.0)
    heard, clock.now = clock.now, clock.now + 30
    assert rounds.resync()
    assert reports(redis).heard_at == heard
    clock.now += 60
    assert rounds.resync()
    assert reports(redis).heard_at == heard


def test_a_bookmark_is_a_word_of_the_api_server(rounds: Rounds, redis: Redis, clock: _Clock) -> None:
    rounds.take(LISTED, [], 1.0)
    clock.now += 60
    assert rounds.take(BOOKMARK, [], 2.0)
    rounds.resync()
    assert reports(redis).heard_at == clock.now


def test_what_is_not_told_is_not_reported(rounds: Rounds, redis: Redis, store: _Store, requests: Requests) -> None:
    requests.count("list", "200")
    rounds.take(LISTED, [], 1.0)
    store.away = True
    assert not rounds.resync()
    assert (reports(redis).requests, reports(redis).heard_at) == ({}, None)
    store.away = False
    assert rounds.resync()
    assert reports(redis).requests == {("watcher", "list", "200"): 1}


def test_a_summary_is_as_old_as_the_stream_that_was_read_to_its_end_first(
    rounds: Rounds, clock: _Clock, leases: Leases, summaries: MemorySummaries
) -> None:
    rounds.take(LISTED, [node_view(node(ready="Unknown"))], 46.0)
    leases.take(BOOKMARK, (), 49.0)
    rounds.take(BOOKMARK, [], 48.0)
    rounds.take("MODIFIED", [node_view(node(ready="Unknown"))], 49.5)
    rounds.publish()
    seen = summaries.latest()
    assert seen
    assert clock() - seen.as_of == 2.0
