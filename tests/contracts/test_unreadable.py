"""What others wrote into Redis, and nobody can read, is passed over alone: nothing else waits for it."""

from collections import Counter

import pytest
from redis import Redis
from structlog.testing import capture_logs

from reactor.adapters.redis.changes import RedisChanges
from reactor.adapters.redis.clock_offsets import Comparer, clocks
from reactor.adapters.redis.inbox import RedisInbox
from reactor.adapters.redis.outbox import RedisOutbox
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.sessions import signing_key
from reactor.adapters.redis.store import RedisStore
from reactor.model.event import NODE_UNREACHABLE, Event
from tests.contracts.samples import record

NOW, KEEP = 1795500000.0, 3600.0
EVENT = Event(NODE_UNREACHABLE, "/monitoring", "1", "node-a", NOW, {})
NONSENSE = [b"", b"\xff", b"[]", b'"text"', b'{"a":', b"nan", b"1 2 3"]


def test_what_is_passed_over_is_reported_once(redis: Redis) -> None:
    outbox, store = RedisOutbox(redis, KEEP), RedisStore(redis, KEEP)
    redis.xadd("vmdrift:events", {"event": b"{"}, id="7-7")
    redis.zadd("vmdrift:dead", {"letter of this test": NOW})
    redis.hset("vmdrift:letters", "letter of this test", b'{"of": "this test"}')
    redis.hset("vmdrift:sweeps", "counter of this test", b"x")
    with capture_logs() as logs:
        for _ in range(3):
            assert (store.events(), outbox.dead(NOW), store.sweeps()) == ([], [], {})
    reported = Counter(one["what"] for one in logs)
    assert reported == {"event 7-7": 1, "letter": 1, "counter counter of this test": 1}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_an_entry_that_is_no_event_keeps_no_other_from_leaving(redis: Redis, nonsense: bytes) -> None:
    outbox, store = RedisOutbox(redis, KEEP), RedisStore(redis, KEEP)
    for field in ("event", "other"):
        redis.xadd("vmdrift:events", {field: nonsense})
    assert outbox.post(NOW) == []
    store.publish([{"type": "t", "id": "1"}], [])
    assert [event["id"] for _, event in store.events()] == ["1"]
    assert len(outbox.post(NOW)) == 1


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_letter_that_is_none_is_neither_delivered_nor_counted_as_dead(redis: Redis, nonsense: bytes) -> None:
    outbox = RedisOutbox(redis, KEEP)
    for at, member in enumerate((b"1-0", b"\xff", b"x")):
        redis.zadd("vmdrift:leaving", {member: NOW - at})
        redis.zadd("vmdrift:dead", {member: NOW})
        redis.hset("vmdrift:letters", member, nonsense)
    assert (outbox.letter("1-0"), outbox.dead(NOW), outbox.overdue(NOW + 1)) == (None, [], ["1-0"])


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_receipt_that_is_none_is_forgotten_and_its_event_accepted_again(redis: Redis, nonsense: bytes) -> None:
    inbox = RedisInbox(redis, lambda: NOW, KEEP, fsync_wait=0.0)
    (first,) = inbox.accept([EVENT], "monitoring")
    redis.set(f"vmdrift:receipt:{first.receipt.id}", nonsense)
    redis.zadd("vmdrift:unsettled", {b"\xff": NOW})
    assert inbox.receipt(first.receipt.id) is None
    assert inbox.unsettled(NOW + 1) == []
    assert [one.duplicate for one in inbox.accept([EVENT], "monitoring")] == [False]


@pytest.mark.parametrize("nonsense", [*NONSENSE, b"inf"])
def test_counters_and_clocks_that_are_none_hide_no_other(redis: Redis, nonsense: bytes) -> None:
    store, inbox = RedisStore(redis, KEEP), RedisInbox(redis, lambda: NOW, KEEP, fsync_wait=0.0)
    for key in ("counts", "sweeps", "took", "requests", "clocks", "suspicions:ended"):
        redis.hset(f"vmdrift:{key}", "what it is", nonsense)
        redis.hset(f"vmdrift:{key}", b"\xff", "1")
    redis.set("vmdrift:watcher", nonsense)
    redis.set("vmdrift:fencing:twins", nonsense)
    store.count_sweep("finished")
    inbox.count("t", "accepted")
    redis.set(f"vmdrift:rate:monitoring:bytes:{int(NOW) // 3600}", nonsense)
    Comparer(redis, "intake").look()
    assert (inbox.counts(), store.sweeps(), store.took()) == ({("t", "accepted"): 1}, {"finished": 1}, {})
    assert store.suspicions.ended() == {}
    assert (store.twins(), reports(redis).requests, reports(redis).heard_at) == (0, {}, None)
    assert len(clocks(redis)) == 1


@pytest.mark.parametrize("nonsense", [*NONSENSE, b"inf", b"0x10", b"1e9"])
def test_a_clock_that_is_none_is_as_good_as_one_that_has_just_begun(redis: Redis, nonsense: bytes) -> None:
    store = RedisStore(redis, KEEP)
    before = store.time()
    redis.hset("vmdrift:clock", mapping={"read": nonsense, "steady": nonsense})
    lock = store.acquire("vm", 60)
    assert lock
    assert lock.steady_since >= before


@pytest.mark.parametrize("nonsense", [*NONSENSE, b"1-\xff", b"99999999999999999999-0"])
def test_who_does_not_know_any_more_where_they_were_begins_again(redis: Redis, nonsense: bytes) -> None:
    store, outbox, changes = RedisStore(redis, KEEP), RedisOutbox(redis, KEEP), RedisChanges(redis)
    store.create(record(), [{"type": "t", "id": "1"}])
    for key in ("posted", "changes-told"):
        redis.set(f"vmdrift:{key}", nonsense)
    assert (len(outbox.post(NOW)), len(changes.untold(100))) == (1, 1)


def test_a_key_of_sessions_signs_whatever_it_is(redis: Redis) -> None:
    redis.set("vmdrift:page-key", b"\xff" * 32)
    assert signing_key(redis)


def test_a_change_or_record_with_nonsense_in_it_is_passed_over(redis: Redis) -> None:
    store, drift = RedisStore(redis, KEEP), record().drift
    store.create(record(), [])
    for nonsense in NONSENSE:
        redis.xadd("vmdrift:changes", {"change": nonsense})
        redis.sadd(f"vmdrift:drifts:{drift.outage.id}", nonsense)
        redis.set(f"vmdrift:drift:{nonsense.decode(errors='replace')}", nonsense)
    assert [one.drift for one in store.records(drift.outage.id)] == [drift]
    assert [change for _, change in RedisChanges(redis).untold(100) if change]
