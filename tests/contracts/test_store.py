"""What `reactor.adapters.redis.store.Store` promises, asked of Redis and of the twin."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson
import pytest
from redis import Redis

from reactor.adapters.redis.store import Lock, RedisStore, Store
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.errors import LockLost
from reactor.model.fencing import Fencing, Heartbeat
from reactor.model.sweep import Sweep
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import LOST_AT, drift, outage, outage_record, record
from vmdrift.processes import wait_for

LONG, SHORT = 60.0, 0.05  # seconds
EVENT = {"type": "io.vmdrift.vm.drift.scheduled", "id": "1"}


@dataclass(frozen=True)
class Place:
    """A store; `let_expire` returns once all short locks have expired; `monotonic` is this process' own clock."""

    store: Store
    let_expire: Callable[[], None]
    monotonic: list[float]


def redis_place(redis: Redis) -> Place:
    monotonic = [50.0]

    def none_short() -> bool:
        return all(redis.pttl(key) > 1000 * SHORT for key in redis.scan_iter("vmdrift:lock:*"))

    def let_expire() -> None:
        assert wait_for(none_short, 10)

    return Place(RedisStore(redis, history_ttl=3600, monotonic=lambda: monotonic[0]), let_expire, monotonic)


def memory_place() -> Place:
    now, monotonic = [1000.0], [50.0]

    def let_expire() -> None:
        now[0] += SHORT + 0.01

    return Place(MemoryStore(lambda: now[0], lambda: monotonic[0]), let_expire, monotonic)


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest) -> Place:
    return redis_place(request.getfixturevalue("redis")) if request.param == "redis" else memory_place()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


def locked(store: Store, name: str = "vm", ttl: float = LONG) -> Lock:
    lock = store.acquire(name, ttl)
    assert lock
    return lock


def test_a_lock_has_one_holder(store: Store) -> None:
    locked(store)
    assert store.acquire("vm", LONG) is None


def test_locks_of_different_names_do_not_hinder_each_other(store: Store) -> None:
    locked(store, "vm")
    assert store.acquire("another", LONG)


def test_a_released_lock_is_free(store: Store) -> None:
    store.release(locked(store))
    assert store.acquire("vm", LONG)


def test_an_expired_lock_lets_another_in(place: Place) -> None:
    locked(place.store, ttl=SHORT)
    place.let_expire()
    assert place.store.acquire("vm", LONG)


def test_renewing_sets_the_time_anew(place: Place) -> None:
    place.store.renew(locked(place.store), SHORT)
    place.let_expire()
    assert place.store.acquire("vm", LONG)


def test_renewing_keeps_others_out(store: Store) -> None:
    store.renew(locked(store), LONG)
    assert store.acquire("vm", LONG) is None


def test_an_expired_lock_cannot_be_renewed(place: Place) -> None:
    lock = locked(place.store, ttl=SHORT)
    place.let_expire()
    with pytest.raises(LockLost, match="vm expired"):
        place.store.renew(lock, LONG)


def test_who_lost_the_lock_can_neither_renew_nor_release_the_next_holders(place: Place) -> None:
    old = locked(place.store, ttl=SHORT)
    place.let_expire()
    new = locked(place.store)
    with pytest.raises(LockLost):
        place.store.renew(old, LONG)
    place.store.release(old)
    assert place.store.acquire("vm", LONG) is None
    place.store.renew(new, LONG)


def test_each_holding_of_any_lock_has_a_higher_fence(store: Store) -> None:
    first = locked(store)
    assert store.acquire("vm", LONG) is None
    second = locked(store, "another")
    store.release(first)
    assert first.fence < second.fence < locked(store).fence


def test_nothing_is_known_at_first(store: Store) -> None:
    assert (store.record(drift().id), store.records(outage().id), store.outage(outage().id)) == (None, [], None)
    assert (store.outages(), store.events()) == ([], [])


def test_a_first_record_is_written_with_its_events(store: Store) -> None:
    assert store.create(record(), [EVENT])
    assert store.record(drift().id) == record()
    assert [event for _, event in store.events()] == [EVENT]


def test_a_second_first_record_writes_neither_record_nor_events(store: Store) -> None:
    store.create(record(), [])
    assert not store.create(record(sentence="It waits again."), [EVENT])
    assert store.record(drift().id) == record()
    assert store.events() == []


def test_saving_writes_record_and_events_under_the_locks_fence(store: Store) -> None:
    lock = locked(store)
    store.save(record(), lock, [EVENT])
    assert store.record(drift().id) == replace(record(), fence=lock.fence)
    assert [event for _, event in store.events()] == [EVENT]


def test_a_lock_comes_with_the_record_of_its_drift(store: Store) -> None:
    store.save(record(), first := locked(store), [])
    lock = store.acquire("vm", LONG, drift().id)
    assert lock
    assert lock.record == replace(record(), fence=first.fence)


def test_a_lock_comes_with_no_record_where_there_is_none(store: Store) -> None:
    lock = store.acquire("vm", LONG, drift().id)
    assert lock
    assert lock.record is None


def test_saving_releases_the_lock(store: Store) -> None:
    store.save(record(), locked(store), [])
    assert store.acquire("vm", LONG)


def test_who_lost_the_lock_releases_not_the_next_holders_by_saving(place: Place) -> None:
    old = locked(place.store, ttl=SHORT)
    place.let_expire()
    new = locked(place.store)
    place.store.save(record(), old, [])
    place.store.release(old)
    place.store.renew(new, LONG)
    assert place.store.acquire("vm", LONG) is None


def test_one_holder_may_save_again(store: Store) -> None:
    lock = locked(store)
    store.save(record(), lock, [])
    store.save(record(sentence="It goes on."), lock, [])
    found = store.record(drift().id)
    assert found
    assert found.sentence == "It goes on."


def test_an_older_holder_writes_neither_record_nor_events(place: Place) -> None:
    old = locked(place.store, ttl=SHORT)
    place.let_expire()
    place.store.save(record(sentence="new"), locked(place.store), [])
    with pytest.raises(LockLost, match="shop/db from node-a"):
        place.store.save(record(sentence="old"), old, [EVENT])
    found = place.store.record(drift().id)
    assert found
    assert (found.sentence, place.store.events()) == ("new", [])


def test_sweeps_are_counted_by_how_they_end(store: Store) -> None:
    assert store.sweeps() == {}
    for end in ("finished", "cut-short", "finished"):
        store.count_sweep(end)
    assert store.sweeps() == {"finished": 2, "cut-short": 1}


def test_how_far_a_sweep_came_is_kept_with_its_outage(store: Store) -> None:
    known = OutageRecord(outage(), 5.0, sweep=Sweep(7.0, "because", True, ("shop/boo: why",)))
    store.save_outage(known, done=False)
    assert store.outages() == [known]


def test_the_records_of_an_outage_are_found_ended_or_not(store: Store) -> None:
    store.create(record("web", phase=Phase.COMPLETED), [])
    store.create(record("db"), [])
    assert {found.drift.vm.name for found in store.records(outage().id)} == {"db", "web"}
    assert store.records(outage("node-b").id) == []


def test_open_outages_are_listed_oldest_first(store: Store) -> None:
    for name, seen_at in (("node-b", 20.0), ("node-c", 30.0), ("node-a", 10.0)):
        store.save_outage(outage_record(name, seen_at), done=False)
    assert [found.outage.node.name for found in store.outages()] == ["node-a", "node-b", "node-c"]


def test_a_done_outage_is_known_but_not_open(store: Store) -> None:
    store.save_outage(outage_record(), done=False)
    done = replace(outage_record(), recovered_at=50.0)
    store.save_outage(done, done=True)
    assert (store.outages(), store.outage(outage().id)) == ([], done)


def test_an_outage_tells_where_its_fence_stands(store: Store) -> None:
    store.save_outage(outage_record(), done=False)
    file = Fencing(outage(), "boot-1", LOST_AT, reason="awaiting-proof", sentence="Nobody proved it.")
    store.save_fencing(file)
    store.save_fencing(replace(file, reason="fencing"))
    (known,) = store.outages()
    assert known.fencing == replace(file, reason="fencing")
    found = store.outage(outage().id)
    assert found
    assert found.fencing == known.fencing


def test_it_is_known_how_many_nodes_bear_the_uuid_of_another_one(store: Store) -> None:
    assert store.twins() == 0
    store.save_twins(2)
    assert store.twins() == 2


@pytest.mark.parametrize("written", ["", "{", "7", "[]", '{"value": "beat"}', '{"value": "beat", "at": "soon"}'])
def test_a_heartbeat_that_cannot_be_read_is_none(redis: Redis, written: str) -> None:
    redis.set("vmdrift:heartbeat:lost", written)
    assert RedisStore(redis, 60).heartbeat("lost") is None


def test_of_a_lost_nodes_heartbeat_what_was_written_first_stays(store: Store) -> None:
    assert store.heartbeat("lost") is None
    store.save_heartbeat("lost", Heartbeat("beat", LOST_AT - 40.5))
    store.save_heartbeat("lost", Heartbeat("beat", LOST_AT + 50.0))
    assert store.heartbeat("lost") == Heartbeat("beat", LOST_AT - 40.5)


def test_the_history_has_what_is_done_newest_first(store: Store) -> None:
    for name, since in (("node-a", 10), ("node-c", 30), ("node-b", 20)):
        one = outage_record(name)
        store.save_outage(replace(one, outage=replace(one.outage, since=since)), done=name != "node-c")
    assert [found.outage.node.name for found in store.history()] == ["node-b", "node-a"]


def test_events_come_in_order_and_from_where_one_left_off(store: Store) -> None:
    lock = locked(store)
    store.save(record(), lock, [{"id": "1"}, {"id": "2"}])
    middle = store.events()[-1][0]
    store.save(record(), lock, [{"id": "3"}])
    assert [event["id"] for _, event in store.events()] == ["1", "2", "3"]
    assert [event["id"] for _, event in store.events(middle)] == ["3"]


def ended(phase: Phase, at: float = LOST_AT + 400.25) -> Record:
    """A record that went its whole way."""
    begun = replace(record(phase=phase), created_at=LOST_AT + 40.0)
    return replace(begun, released_at=LOST_AT + 301.0, detached_at=LOST_AT + 302.5, ended_at=at)


def test_what_ended_adds_up_once_per_end(store: Store) -> None:
    lock = locked(store)
    store.save(record(), lock, [])
    assert store.took() == {}
    for _ in range(2):  # a client that lost the answer sends it again
        store.save(ended(Phase.COMPLETED), lock, [])
    once = {
        "noticing 60": 1,
        "noticing sum": 40,
        "waiting 300": 1,
        "waiting sum": 261,
        "detaching 5": 1,
        "detaching sum": 1.5,
        "starting 120": 1,
        "starting sum": 97.75,
        "recovery 420": 1,
        "recovery sum": 400.25,
        "ended completed": 1,
    }
    assert store.took() == once


def test_a_drift_that_is_taken_up_again_ends_twice(store: Store) -> None:
    lock = locked(store)
    for one in (ended(Phase.FAILED), record(), ended(Phase.COMPLETED)):
        store.save(one, lock, [])
    took = store.took()
    assert (took["ended failed"], took["ended completed"], took["recovery 420"]) == (1, 1, 1)
    assert (took["waiting 300"], took["waiting sum"]) == (2, 522)


def test_an_end_that_was_not_written_does_not_count(place: Place) -> None:
    old = locked(place.store, ttl=SHORT)
    place.let_expire()
    place.store.save(record(), locked(place.store), [])
    with pytest.raises(LockLost):
        place.store.save(ended(Phase.FAILED), old, [])
    assert not place.store.create(ended(Phase.FAILED), [])
    assert place.store.took() == {}


UNREADABLE = [b"", b"5", b"[]", b"null", b"\x80\x04K\x01.", b'{"v": 2}', b'{"v": 1}', b'{"v": 1, "fence": "x"}']


@pytest.mark.parametrize("value", UNREADABLE)
def test_what_this_version_cannot_read_counts_as_absent_and_is_written_anew(redis: Redis, value: bytes) -> None:
    store = RedisStore(redis, history_ttl=3600)
    redis.set(f"vmdrift:drift:{drift().id}", value)
    redis.sadd(f"vmdrift:drifts:{outage().id}", drift().id)
    redis.set(f"vmdrift:outage:{outage().id}", value)
    redis.sadd("vmdrift:outages", outage().id)
    assert (store.record(drift().id), store.records(outage().id)) == (None, [])
    assert (store.outage(outage().id), store.outages()) == (None, [])
    store.save(record(), locked(store), [])
    assert store.record(drift().id)


def test_a_record_of_another_version_still_counts_its_fence(redis: Redis) -> None:
    store = RedisStore(redis, history_ttl=3600)
    lock = locked(store)
    redis.set(f"vmdrift:drift:{drift().id}", orjson.dumps({"v": 2, "fence": lock.fence + 1}))
    with pytest.raises(LockLost):
        store.save(record(), lock, [EVENT])
    assert store.events() == []


def test_only_what_has_ended_is_forgotten_by_age(redis: Redis) -> None:
    store = RedisStore(redis, history_ttl=3600)
    store.create(record("db"), [])
    store.create(record("web", phase=Phase.COMPLETED), [])
    store.save_outage(outage_record("node-a"), done=False)
    store.save_outage(outage_record("node-b"), done=True)
    ttls = {key.decode().removeprefix("vmdrift:"): redis.ttl(key) > 0 for key in redis.scan_iter("vmdrift:*")}
    assert ttls[f"drift:{drift('web').id}"]
    assert ttls[f"outage:{outage('node-b').id}"]
    assert not ttls[f"drift:{drift('db').id}"]
    assert not ttls[f"outage:{outage('node-a').id}"]
    assert not ttls["outages"]
