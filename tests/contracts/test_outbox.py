"""The outbox: the twin and the real one keep the same promises."""

from dataclasses import dataclass

import pytest
from redis import Redis

from reactor.adapters.redis.outbox import Delivery, Outbox, RedisOutbox
from reactor.adapters.redis.store import RedisStore, Store
from rehearsal.twins.outbox import MemoryOutbox
from rehearsal.twins.store import MemoryStore
from tests.contracts.interrupted import Interrupted
from tests.contracts.samples import record

NOW, KEEP = 1795500000.0, 3600.0


@dataclass(frozen=True)
class Place:
    """An outbox and the store whose stream it delivers."""

    outbox: Outbox
    store: Store

    def tell(self, number: int) -> None:
        event = {"type": "io.vmdrift.vm.drift.blocked", "id": f"{number}", "data": {}}
        lock = self.store.acquire("vm", 60)
        assert lock
        self.store.save(record(), lock, [event])
        self.store.release(lock)

    def posted(self, *numbers: int) -> list[str]:
        for number in numbers:
            self.tell(number)
        return self.outbox.post(NOW)

    def one(self) -> Delivery:
        (letter_id,) = self.posted(1)
        letter = self.outbox.letter(letter_id)
        assert letter
        return letter


@pytest.fixture(params=["twin", "redis"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "twin":
        store = MemoryStore(lambda: NOW)
        return Place(MemoryOutbox(store, KEEP), store)
    redis: Redis = request.getfixturevalue("redis")
    return Place(RedisOutbox(redis, KEEP), RedisStore(redis, KEEP))


def test_what_was_told_becomes_a_letter_once(place: Place) -> None:
    assert place.outbox.post(NOW) == []
    first = place.posted(1, 2)
    second = place.posted(3)
    assert len(set(first + second)) == 3
    assert place.outbox.post(NOW) == []


def test_a_letter_is_its_event_with_its_place_in_the_order(place: Place) -> None:
    letters = [place.outbox.letter(letter_id) for letter_id in place.posted(*range(1, 12))]
    events = [letter.event for letter in letters if letter]
    assert [event["id"] for event in events] == [str(number) for number in range(1, 12)]
    assert sorted(events, key=lambda event: event["sequence"]) == events
    assert len({len(event["sequence"]) for event in events}) == 1


def test_more_than_a_hundred_come_a_hundred_at_a_time(place: Place) -> None:
    assert [len(place.posted(*range(101))), len(place.outbox.post(NOW)), len(place.outbox.post(NOW))] == [100, 1, 0]


def test_a_delivered_letter_is_gone(place: Place) -> None:
    letter = place.one()
    place.outbox.delivered(letter)
    assert place.outbox.letter(letter.id) is None
    assert place.outbox.overdue(NOW + 999) == []
    assert place.outbox.dead(NOW) == []
    assert place.outbox.counts() == {("io.vmdrift.vm.drift.blocked", "delivered"): 1}


def test_a_letter_that_was_not_tried_in_time_is_found(place: Place) -> None:
    letter = place.one()
    assert place.outbox.overdue(NOW) == []
    assert place.outbox.overdue(NOW + 1) == [letter.id]
    place.outbox.later(letter.id, NOW + 300)
    assert place.outbox.overdue(NOW + 300) == []
    assert place.outbox.overdue(NOW + 301) == [letter.id]
    assert place.outbox.letter(letter.id) == letter


def test_a_dead_letter_says_why_and_is_not_delivered(place: Place) -> None:
    letter = place.one()
    place.outbox.bury(letter, "The sink answers 400.", NOW + 5)
    assert place.outbox.letter(letter.id) is None
    assert place.outbox.overdue(NOW + 999) == []
    assert place.outbox.dead(NOW + 6) == [Delivery(letter.id, letter.event, NOW, "The sink answers 400.", NOW + 5)]
    assert place.outbox.counts() == {("io.vmdrift.vm.drift.blocked", "dead"): 1}


def test_a_dead_letter_that_is_revived_has_all_its_time_again_and_is_the_same_event(place: Place) -> None:
    letter = place.one()
    place.outbox.bury(letter, "No.", NOW + 5)
    assert place.outbox.revive(["unknown", letter.id], NOW + 9) == [letter.id]
    assert place.outbox.letter(letter.id) == Delivery(letter.id, letter.event, NOW + 9)
    assert place.outbox.dead(NOW + 9) == []
    assert place.outbox.overdue(NOW + 10) == [letter.id]
    assert place.outbox.revive([letter.id], NOW + 9) == []


def test_a_letter_that_is_delivered_cannot_be_postponed_or_revived(place: Place) -> None:
    letter = place.one()
    place.outbox.delivered(letter)
    place.outbox.later(letter.id, NOW + 5)
    assert place.outbox.revive([letter.id], NOW) == []
    assert place.outbox.overdue(NOW + 999) == []


def test_dead_letters_are_shown_oldest_first_and_forgotten_after_their_time(place: Place) -> None:
    first, second = (place.outbox.letter(letter_id) for letter_id in place.posted(1, 2))
    assert first
    assert second
    place.outbox.bury(second, "b", NOW)
    place.outbox.bury(first, "a", NOW + 10)
    assert [letter.why for letter in place.outbox.dead(NOW + 11)] == ["b", "a"]
    assert [letter.why for letter in place.outbox.dead(NOW + KEEP + 5)] == ["a"]
    assert place.outbox.dead(NOW + KEEP + 10) == []


def test_nothing_of_a_forgotten_letter_stays_in_redis(redis: Redis) -> None:
    place = Place(RedisOutbox(redis, KEEP), RedisStore(redis, KEEP))
    for number, moment in enumerate((NOW, NOW + KEEP + 1)):
        (letter_id,) = place.posted(number)
        letter = place.outbox.letter(letter_id)
        assert letter
        place.outbox.bury(letter, "No.", moment)
    assert (redis.hlen("vmdrift:letters"), redis.zcard("vmdrift:dead"), redis.zcard("vmdrift:leaving")) == (1, 1, 0)


def test_of_two_who_post_at_the_same_moment_one_does(redis: Redis) -> None:
    """The second one looks, and before it writes the first one has."""
    place = Place(RedisOutbox(redis, KEEP), RedisStore(redis, KEEP))
    place.tell(1)
    posted: list[list[str]] = []
    late = RedisOutbox(Interrupted(redis, lambda: posted.append(place.outbox.post(NOW))), KEEP)
    assert late.post(NOW) == []
    assert [len(ids) for ids in posted] == [1]
