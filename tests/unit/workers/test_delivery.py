"""Delivering: which answers end it, how long is waited, and that no letter is lost on the way."""

from collections.abc import Mapping
from typing import Any

import pytest

from reactor.adapters.redis.outbox import Delivery
from reactor.adapters.rq import OUTGOING, JobEntry
from reactor.adapters.sink import Answer
from reactor.model.drift import Again, Ended, Outcome
from rehearsal.twins.outbox import MemoryOutbox
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import record
from workers.delivery.sink import DeliveryTools, collect, deliver, judged

NOW, GIVE_UP = 1795500000.0, 86400.0
LETTER = Delivery("1-0", {"type": "t", "id": "1"}, NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_ends_it(status: int) -> None:
    assert judged(Answer(status, "x"), LETTER, GIVE_UP, NOW) == Ended("delivered", "delivered", "Delivered: x.")


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 405, 406, 410, 413, 415, 422])
def test_what_would_be_answered_the_same_again_is_not_tried_again(status: int) -> None:
    outcome = judged(Answer(status, "the sink answers so"), LETTER, GIVE_UP, NOW)
    assert outcome == Ended("dead", "refused", "The sink answers so, so it is not tried again.")


@pytest.mark.parametrize("status", [0, 404, 408, 409, 429, 500, 501, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    outcome = judged(Answer(status, "x"), LETTER, GIVE_UP, NOW)
    assert isinstance(outcome, Again)
    assert outcome.at == NOW + 1


def _waits(answer: Answer, give_up: float = GIVE_UP) -> list[float]:
    """How long is waited between tries that all get this answer at once."""
    now, waits = NOW, list[float]()
    while isinstance(outcome := judged(answer, LETTER, give_up, now), Again):
        waits.append(outcome.at - now)
        now = outcome.at
    assert outcome.reason == "given-up"
    assert "VMDRIFT_SINK_GIVE_UP" in outcome.sentence
    return waits


def test_waits_double_up_to_five_minutes_until_it_is_given_up() -> None:
    waits = _waits(Answer(503, "x"))
    assert waits[:11] == [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(waits[11:-1]) == {300}
    assert sum(waits) == GIVE_UP


def test_retry_after_is_honoured_but_never_beyond_giving_up() -> None:
    assert _waits(Answer(429, "x", 1000.0), give_up=2500.0) == [1000, 1000, 500]
    assert _waits(Answer(429, "x", 1.0), give_up=7.0) == [1, 1, 2, 3]


class _World:
    """An office whose sink answers what a test says, and whose queue really runs its jobs."""

    def __init__(self, give_up: float = GIVE_UP) -> None:
        self.now, self.answers, self.sent = NOW, list[Answer](), list[str]()
        self.store, self.ran = MemoryStore(self.clock), list[JobEntry]()
        self.queue = MemoryQueue(self.clock, self._run)
        self.outbox = MemoryOutbox(self.store, 3600)
        self.office = DeliveryTools(self.outbox, self, self.queue, self.clock, give_up)

    def clock(self) -> float:
        return self.now

    def deliver(self, event: Mapping[str, Any]) -> Answer:
        self.sent.append(str(event["id"]))
        return self.answers.pop(0) if self.answers else Answer(202, "x")

    def _run(self, entry: JobEntry) -> Outcome:
        self.ran.append(entry)
        return deliver(entry.args[1]["letter"], self.office)

    def tell(self, *numbers: int) -> None:
        lock = self.store.acquire("vm", 60)
        assert lock
        self.store.save(record(), lock, [{"id": f"{number}", "type": "t"} for number in numbers])
        self.store.release(lock)

    def live(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.queue.step(self.now)
            self.now += 1.0


def test_each_event_is_delivered_by_a_job_of_its_own_and_once() -> None:
    world = _World()
    world.tell(1, 2)
    collect(world.office)
    collect(world.office)
    world.live(3)
    assert sorted(world.sent) == ["1", "2"]
    assert {entry.queue for entry in world.ran} == {OUTGOING}
    assert world.outbox.counts() == {("t", "delivered"): 2}


def test_one_that_waits_keeps_no_other_from_leaving() -> None:
    world = _World()
    world.answers = [Answer(503, "x", 60.0)]
    world.tell(1, 2, 3)
    collect(world.office)
    world.live(5)
    assert len(world.sent) == 3
    world.live(60)
    assert len(world.sent) == 4
    assert world.outbox.counts() == {("t", "delivered"): 3}


def test_one_that_shall_wait_for_long_is_not_taken_for_lost() -> None:
    world = _World()
    world.answers = [Answer(503, "x", 300.0)]
    world.tell(1)
    for _ in range(290):
        collect(world.office)
        world.live(1)
    assert len(world.sent) == 1
    world.live(15)
    assert len(world.sent) == 2


def test_a_thousand_are_collected_in_one_go() -> None:
    world = _World()
    world.tell(*range(1000))
    collect(world.office)
    world.live(2)
    assert len(world.sent) == 1000


def test_a_letter_whose_job_was_lost_is_delivered_after_all() -> None:
    world = _World()
    world.tell(1)
    collect(world.office)
    world.queue.jobs.clear()
    world.live(60)
    collect(world.office)
    assert world.sent == []
    world.live(2)
    collect(world.office)
    world.live(1)
    assert world.sent == ["1"]


def test_a_job_that_comes_once_more_after_delivery_sends_nothing() -> None:
    world = _World()
    world.tell(1)
    collect(world.office)
    world.live(1)
    assert deliver(world.ran[0].args[1]["letter"], world.office).reason == "no-letter"
    assert world.sent == ["1"]


def test_what_is_refused_dies_at_once_and_what_is_never_taken_dies_in_the_end() -> None:
    world = _World(give_up=10.0)
    world.answers = [Answer(400, "no"), *[Answer(503, "later")] * 20]
    world.tell(1, 2)
    collect(world.office)
    world.live(2)
    assert [letter.why for letter in world.outbox.dead(world.now)] == ["No, so it is not tried again."]
    world.live(10)
    assert len(world.outbox.dead(world.now)) == 2
    assert world.outbox.overdue(world.now + 999) == []
