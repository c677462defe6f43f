"""The inbox: the twin and the real one keep the same promises."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from rq import Queue as RedisQueue
from rq.job import Job

from reactor.adapters.redis.inbox import Inbox, RedisInbox, takes
from reactor.adapters.redis.memory import RoomInRedis
from reactor.adapters.rq import EVENTS, SERIALIZER, TAKE_POST
from reactor.model.drift import Ended
from reactor.model.errors import SenderQuotaExceeded, StoreUnreachable
from reactor.model.event import NODE_FENCED, Event
from reactor.model.receipt import Receipt, Result
from rehearsal.twins.inbox import MemoryInbox
from rehearsal.twins.queue import MemoryQueue
from tests.contracts.interrupted import Interrupted

NOW = 1795500000.0
_RESULT = Result("taken", "outage", "Node n is lost.", "u_1", ("d_1", "d_2"))


class _Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture(params=["twin", "redis"])
def inbox(request: pytest.FixtureRequest, clock: _Clock) -> Inbox:
    if request.param == "twin":
        return MemoryInbox(MemoryQueue(clock, lambda _: Ended("a", "b", "c")), clock, 3600)
    return RedisInbox(request.getfixturevalue("redis"), clock, 3600, 2.0)


@pytest.fixture(params=["twin", "redis"])
def frugal(request: pytest.FixtureRequest, clock: _Clock) -> Inbox:
    """One that keeps two receipts of a sender in an hour."""
    most = 2.5 * takes(Receipt.for_event(_event(1), "a", NOW))
    if request.param == "twin":
        return MemoryInbox(MemoryQueue(clock, lambda _: Ended("a", "b", "c")), clock, 3600 * 24, most)
    return RedisInbox(request.getfixturevalue("redis"), clock, 3600 * 24, 0.0, most)


def _event(number: int, source: str = "/s") -> Event:
    return Event("io.vmdrift.node.unreachable", source, f"{number}", "node-a", NOW, {"any": "thing"})


def _told(inbox: Inbox, events: Sequence[Event]) -> list[tuple[str, bool]]:
    return [(one.receipt.event, one.duplicate) for one in inbox.accept(events, "me")]


def test_an_event_is_accepted_once_by_source_and_id(inbox: Inbox) -> None:
    assert _told(inbox, [_event(1)]) == [("1", False)]
    assert _told(inbox, [_event(1), _event(2)]) == [("1", True), ("2", False)]
    assert _told(inbox, [_event(1, "/other")]) == [("1", False)]
    assert inbox.backlog() == 3


def test_only_who_asks_in_a_persons_name_says_that_it_is_one(inbox: Inbox) -> None:
    (posted,), (asked,) = inbox.accept([_event(1)], "ann"), inbox.accept([_event(2)], "ann", person=True)
    known = [inbox.receipt(one.receipt.id) for one in (posted, asked)]
    assert [one.person for one in known if one] == [False, True]
    (again,) = inbox.accept([_event(1)], "ann", person=True)
    assert (again.duplicate, again.receipt.person) == (True, False)


def test_nothing_is_written_for_nothing_new(inbox: Inbox) -> None:
    assert _told(inbox, []) == []
    _told(inbox, [_event(1)])
    before = inbox.backlog()
    _told(inbox, [_event(1), _event(1)])
    assert inbox.backlog() == before


def test_a_receipt_says_who_sent_what_when_and_what_became_of_it(inbox: Inbox) -> None:
    receipt = inbox.accept([_event(1)], "me")[0].receipt
    assert inbox.receipt(receipt.id) == Receipt("/s", "1", _event(1).type, "node-a", "me", NOW)
    inbox.settle(receipt.id, _RESULT)
    settled = inbox.receipt(receipt.id)
    assert settled is not None
    assert settled.result == _RESULT
    assert inbox.receipt("another") is None


def test_what_nobody_looked_at_can_be_found(inbox: Inbox, clock: _Clock) -> None:
    first = inbox.accept([_event(1)], "me")[0].receipt
    clock.now += 30
    second = inbox.accept([_event(2)], "me")[0].receipt
    assert inbox.unsettled(NOW - 1) == []
    assert inbox.unsettled(NOW) == [first]
    assert inbox.unsettled(NOW + 30) == [first, second]
    inbox.settle(first.id, _RESULT)
    assert inbox.unsettled(NOW + 30) == [second]


def test_a_senders_minute_is_his_own_and_ends(inbox: Inbox, clock: _Clock) -> None:
    assert [inbox.spend("a", 2), inbox.spend("a", 3), inbox.spend("b", 1)] == [(2, 0), (5, 0), (1, 0)]
    clock.now += 60
    assert inbox.spend("a", 1) == (1, 0)


def test_who_spends_is_told_how_many_wait(inbox: Inbox) -> None:
    _told(inbox, [_event(1)])
    assert inbox.spend("a", 1) == (1, 1)


def _kept(inbox: Inbox, number: int, sender: str, *, person: bool = False) -> bool:
    try:
        inbox.accept([_event(number)], sender, person=person)
    except SenderQuotaExceeded:
        return False
    return True


def test_what_is_kept_of_a_sender_in_an_hour_has_its_limit_in_bytes(frugal: Inbox, clock: _Clock) -> None:
    assert [_kept(frugal, number, "a") for number in range(4)] == [True, True, False, False]
    assert _kept(frugal, 0, "a"), "what is kept already takes nothing more"
    assert _kept(frugal, 4, "b")
    assert _kept(frugal, 5, "a", person=True)
    assert frugal.backlog() == 4
    clock.now += 3600
    assert _kept(frugal, 6, "a")


def test_who_has_had_enough_is_told_until_when(frugal: Inbox, clock: _Clock) -> None:
    clock.now += 600 - clock.now % 3600
    with pytest.raises(SenderQuotaExceeded) as enough:
        frugal.accept([_event(number) for number in range(9)], "a")
    assert enough.value.seconds == 3000
    assert frugal.backlog() == 0


def test_events_are_counted_by_type_and_result(inbox: Inbox) -> None:
    for kind, result, events in [("a.b", "accepted", 1), ("a.b", "accepted", 2), ("other", "refused", 1)]:
        inbox.count(kind, result, events)
    assert inbox.counts() == {("a.b", "accepted"): 3, ("other", "refused"): 1}


def test_a_persons_proof_has_a_place_of_its_own_and_counts_in_no_other(inbox: Inbox) -> None:
    """The receiver, which faces the network, may not write there (k8s/base/users.rules)."""
    proof = replace(_event(1), type=NODE_FENCED)
    (person,), (program,) = inbox.accept([proof], "ann", person=True), inbox.accept([proof], "pdu")
    assert person.receipt.id == f"person-{program.receipt.id}"
    assert [inbox.receipt(one.receipt.id) for one in (person, program)] == [person.receipt, program.receipt]


def test_a_receipt_that_stands_in_anothers_place_is_none(redis: Redis, clock: _Clock) -> None:
    inbox, proof = RedisInbox(redis, clock, 3600, 0.0), replace(_event(1), type=NODE_FENCED)
    (person,) = inbox.accept([proof], "ann", person=True)
    redis.copy(f"vmdrift:receipt:{person.receipt.id}", "vmdrift:receipt:0a1b")
    assert inbox.receipt("0a1b") is None


def test_events_and_their_job_are_written_together(redis: Redis, clock: _Clock) -> None:
    accepted = RedisInbox(redis, clock, 3600, 0.0).accept([_event(1), _event(2)], "me")
    (job_id,) = RedisQueue(EVENTS, connection=redis, serializer=SERIALIZER).job_ids
    job = Job.fetch(job_id, connection=redis, serializer=SERIALIZER)
    assert job.func_name == TAKE_POST
    assert set(job.args[1]) == {one.receipt.id for one in accepted}
    assert job.description == "node.unreachable node-a and 1 more"


def test_of_two_that_come_at_the_same_moment_one_is_the_duplicate(redis: Redis, clock: _Clock) -> None:
    """The second one looks, and before it writes the first one is there."""
    first = RedisInbox(redis, clock, 3600, 0.0)
    late = RedisInbox(Interrupted(redis, lambda: first.accept([_event(1)], "me")), clock, 3600, 0.0)
    assert [one.duplicate for one in late.accept([_event(1)], "me")] == [True]
    assert first.backlog() == 1


@pytest.fixture
def durable(redis: Redis) -> Iterator[Redis]:
    """Its settings are as they were afterwards."""
    before: Any = redis.config_get("append*")
    yield redis
    for name in ("appendfsync", "appendonly"):
        redis.config_set(name, before[name])


class _Silent(Redis):
    """It tells us no setting, as it does where we have no right to ask (k8s/base/users.rules)."""

    def config_get(self, *_: Any, **__: Any) -> Any:
        raise NoPermissionError


class _Slow(Redis):
    """A disk that takes longer than anybody waits: nothing is on it yet."""

    def pipeline(self, *args: Any, **more: Any) -> Any:
        pipe: Any = super().pipeline(*args, **more)
        if not more.get("transaction", True):
            execute = pipe.execute
            pipe.execute = lambda **words: [execute(**words)[0], [0, 0]]
        return pipe


def test_what_is_not_on_disk_in_time_is_not_accepted_and_sent_again_it_is_waited_for_again(
    durable: Redis, clock: _Clock
) -> None:
    durable.config_set("appendfsync", "everysec")
    inbox = RedisInbox(_Slow(connection_pool=durable.connection_pool), clock, 3600, 2.0)
    for _ in range(2):
        with pytest.raises(StoreUnreachable, match="not written it to disk within 2 s"):
            inbox.accept([_event(1)], "me")
    assert _told(RedisInbox(durable, clock, 3600, 2.0), [_event(1)]) == [("1", True)]


def test_waiting_is_for_the_event_whichever_connection_wrote_it(durable: Redis, clock: _Clock) -> None:
    """With appendfsync no nothing is ever known to be on disk, so whoever really waits is told so."""
    inbox = RedisInbox(_Silent(connection_pool=durable.connection_pool), clock, 3600, 0.01)
    durable.config_set("appendfsync", "no")
    with pytest.raises(StoreUnreachable):
        inbox.accept([_event(1)], "me")


@pytest.mark.parametrize(("name", "value"), [("appendfsync", "no"), ("appendonly", "no")])
def test_a_server_that_never_tells_is_not_waited_for(durable: Redis, clock: _Clock, name: str, value: str) -> None:
    durable.config_set(name, value)
    assert _told(RedisInbox(durable, clock, 3600, 0.01), [_event(1)]) == [("1", False)]


def test_what_redis_refuses_to_write_is_not_accepted(redis: Redis, clock: _Clock) -> None:
    inbox = RedisInbox(redis, clock, 3600, 0.0)
    redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreUnreachable):
            inbox.accept([_event(1)], "me")
    finally:
        redis.config_set("maxmemory", "0")
    assert inbox.backlog() == 0
    assert _told(inbox, [_event(1)]) == [("1", False)]


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),  # OOM
        (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),  # READONLY
        (
            ["CONFIG", "SET", "min-replicas-to-write", "1"],
            ["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),  # NOREPLICAS
    ],
)
def test_it_is_ready_only_while_redis_can_be_written_to(
    redis: Redis, clock: _Clock, worse: list[str], better: list[str]
) -> None:
    inbox, order = RedisInbox(redis, clock, 3600, 0.0), cast("Any", redis).execute_command
    order(*worse)
    try:
        assert inbox.backlog() == 0
        with pytest.raises(StoreUnreachable):
            inbox.ready()
    finally:
        order(*better)
    assert inbox.ready() == 0


def test_the_last_quarter_of_redis_memory_is_not_for_others(redis: Redis) -> None:
    moment = NOW
    room = RoomInRedis(redis, lambda: moment)
    used: Any = redis.info("memory")
    told = []
    try:
        for share in (0.5, 0.8, 0.5):
            redis.config_set("maxmemory", int(used["used_memory"] / share))
            before, moment = room.is_full(), moment + 1
            told.append((before, room.is_full()))
    finally:
        redis.config_set("maxmemory", "0")
    assert told == [(False, False), (False, True), (True, False)]
    moment += 1
    assert not room.is_full(), "there is no limit"
