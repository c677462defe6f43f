"""What `reactor.adapters.redis.coverage.Coverage` promises, asked of Redis and of the twin."""

from collections.abc import Callable

import pytest
from redis import Redis

from reactor.adapters.redis.clock import redis_time
from reactor.adapters.redis.coverage import Coverage, RedisCoverage
from reactor.model.drift import Watched
from reactor.model.times import Clock
from rehearsal.twins.coverage import MemoryCoverage
from tests.contracts.samples import drift

Place = tuple[Coverage, Clock, Callable[[], None]]


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest) -> Place:
    """A coverage, its clock, and what lets all that is covered expire."""
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        return RedisCoverage(redis), lambda: redis_time(redis), lambda: _expire(redis)
    now = [1000.0]
    return MemoryCoverage(lambda: now[0]), lambda: now[0], lambda: now.__setitem__(0, now[0] + 60)


def _expire(redis: Redis) -> None:
    for key in redis.scan_iter("vmdrift:watched:*"):
        assert 0 < redis.pttl(key) <= 60_000
        redis.delete(key)


def test_a_drift_whose_outage_nobody_watches_is_is_not_watched(place: Place) -> None:
    coverage, _, _ = place
    coverage.stir([drift().id])
    assert coverage.watched(drift()) is None


def test_a_drift_is_watched_since_its_outage_is_watched(place: Place) -> None:
    coverage, _, let_expire = place
    coverage.cover({drift().outage.id: 500.25})
    assert coverage.watched(drift()) == Watched(500.25)
    let_expire()
    assert coverage.watched(drift()) is None


def test_it_is_known_when_something_happened_to_a_drift_last(place: Place) -> None:
    coverage, clock, _ = place
    coverage.cover({drift().outage.id: 500.0})
    before = clock()
    coverage.stir([drift().id])
    watched = coverage.watched(drift())
    assert watched
    assert watched.since == 500.0
    assert before <= watched.stirred <= clock()
    assert coverage.watched(drift(vm="another")) == Watched(500.0)


def test_an_object_is_awaited_until_its_drift_waits_for_others(place: Place) -> None:
    coverage, _, _ = place
    outage = drift().outage.id
    assert not coverage.waits(outage)
    coverage.wait_for(drift(), ["volumeattachments/a", "volumeattachments/b"])
    assert coverage.waiting_for(outage, "volumeattachments/b") == drift().id
    coverage.wait_for(drift(), ["volumeattachments/b"], ["volumeattachments/a", "volumeattachments/b"])
    assert [coverage.waiting_for(outage, f"volumeattachments/{name}") for name in "ab"] == ["", drift().id]
    assert coverage.waits(outage)
    coverage.wait_for(drift(), [], ["volumeattachments/b"])
    assert not coverage.waits(outage)
