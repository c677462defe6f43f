"""Changes that are yet to be told: the twin and the real one keep the same promises."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from redis import Redis

from reactor.adapters.redis.changes import Changes, RedisChanges
from reactor.adapters.redis.store import RedisStore, Store
from reactor.model.change import Change
from reactor.model.drift import Phase, Record
from rehearsal.twins.changes import MemoryChanges
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import drift, record


@dataclass
class Place:
    store: Store
    changes: Changes
    again: Callable[[], Changes]  # another process


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest, redis: Redis) -> Place:
    if request.param == "redis":
        return Place(RedisStore(redis, 3600), RedisChanges(redis), lambda: RedisChanges(redis))
    store = MemoryStore(lambda: 0.0)
    changes = MemoryChanges(store, lambda: 0.0)
    return Place(store, changes, lambda: changes)


BLOCKED = replace(record("web", phase=Phase.BLOCKED), reason="kubelet-alive", changed_at=7.0)


def saved(place: Place, *records: Record) -> list[Change | None]:
    place.store.create(record("web"), [])
    lock = place.store.acquire("uid-of-web", 10)
    assert lock
    for one in records:
        place.store.save(one, lock, [])
    return [change for _, change in place.changes.untold(10)]


def test_a_new_phase_or_reason_is_a_change_and_another_sentence_is_none(place: Place) -> None:
    other = replace(BLOCKED, reason="virt-handler-alive")
    found = saved(place, BLOCKED, replace(BLOCKED, sentence="Said otherwise.", passes=9), other)
    assert found == [Change.into(record("web")), Change.into(BLOCKED), Change.into(other)]


def test_a_record_that_is_not_written_is_no_change(place: Place) -> None:
    place.store.create(record("web"), [])
    assert not place.store.create(replace(BLOCKED), [])
    assert len(place.changes.untold(10)) == 1


def test_what_was_told_is_not_told_again_by_anybody(place: Place) -> None:
    saved(place, BLOCKED)
    (first, _), (second, _) = place.changes.untold(10)
    place.changes.told(first)
    assert [change_id for change_id, _ in place.again().untold(10)] == [second]
    place.changes.told(second)
    assert place.again().untold(10) == []


def test_no_more_than_wanted_come_at_once(place: Place) -> None:
    saved(place, BLOCKED)
    assert len(place.changes.untold(1)) == 1


def test_similar_ones_are_counted_each_kind_by_itself(place: Place) -> None:
    assert [place.changes.similar("a"), place.changes.similar("a"), place.changes.similar("b")] == [1, 2, 1]


def test_similar_ones_are_forgotten_ten_minutes_after_the_first(redis: Redis) -> None:
    changes = RedisChanges(redis)
    changes.similar("a")
    redis.expire("vmdrift:similar:a", 300)
    changes.similar("a")
    assert 0 < redis.ttl("vmdrift:similar:a") <= 300


@pytest.mark.parametrize("text", [b"", b"5", b"[]", b"{}", b"\xff"])
def test_what_this_version_cannot_read_is_passed_over(redis: Redis, text: bytes) -> None:
    redis.xadd("vmdrift:changes", {"change": text})
    ((_, change),) = RedisChanges(redis).untold(10)
    assert change is None


def test_what_comes_with_no_record_is_published_behind_what_came_with_one(place: Place) -> None:
    place.store.create(record(), [])
    bystander = Change(drift(), Phase.WAITING, "bystander", "Its node is fenced.", 5.0)
    place.store.publish([{"type": "io.vmdrift.node.fencing"}], [bystander])
    assert [change for _, change in place.changes.untold(10)][1:] == [bystander]
    assert [event for _, event in place.store.events()] == [{"type": "io.vmdrift.node.fencing"}]
