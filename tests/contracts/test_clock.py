"""The one clock, as a store tells it: it comes with every lock, every process watches it, and its key may be lost."""

import pytest
from redis import Redis

from reactor.adapters.redis.clock import STEP, UNWATCHED, CachedClock, apart
from reactor.adapters.redis.store import RedisStore, Store
from reactor.model.drift import Phase
from reactor.model.errors import StoreUnreachable
from tests.contracts.samples import record
from tests.contracts.test_store import LONG, Place, locked, memory_place, redis_place

KEY = "vmdrift:clock"


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest) -> Place:
    return redis_place(request.getfixturevalue("redis")) if request.param == "redis" else memory_place()


def steady_since(store: Store) -> float:
    lock = locked(store)
    store.release(lock)
    return lock.steady_since


def test_locks_bear_the_time_that_is_told_without_one(place: Place) -> None:
    before, lock, after = place.store.time(), locked(place.store), place.store.time()
    assert before <= lock.now <= after
    assert lock.steady_since <= before


def test_a_lock_that_another_one_has_is_a_reading_all_the_same(place: Place) -> None:
    since = locked(place.store).steady_since
    place.let_expire()  # a moment passes
    place.monotonic[0] += STEP + 1.0
    assert place.store.acquire("vm", LONG) is None
    assert locked(place.store, "another").steady_since > since


@pytest.mark.parametrize("seconds", [STEP + 1.0, -STEP - 1.0, 3600.0, -3600.0])
def test_a_clock_that_went_otherwise_than_ours_has_stepped(place: Place, seconds: float) -> None:
    """Ours goes on by so much while Redis' does not: the same as Redis' stepping the other way."""
    place.store.time()
    place.monotonic[0] += seconds
    lock = locked(place.store)
    assert lock.steady_since == lock.now


@pytest.mark.parametrize("seconds", [STEP - 1.0, 1.0 - STEP])
def test_a_slow_answer_is_no_step(place: Place, seconds: float) -> None:
    since = steady_since(place.store)
    place.monotonic[0] += seconds
    assert steady_since(place.store) == since


def test_many_small_steps_are_one(place: Place) -> None:
    since = steady_since(place.store)
    place.let_expire()
    place.monotonic[0] += STEP - 1.0
    assert steady_since(place.store) == since
    place.monotonic[0] += STEP - 1.0
    assert steady_since(place.store) > since


def test_who_sees_a_step_says_so_to_every_process(redis: Redis) -> None:
    place, other = redis_place(redis), RedisStore(redis, 3600)
    since = steady_since(other)
    place.store.time()
    place.monotonic[0] += STEP + 1.0
    place.store.time()
    assert steady_since(other) > since


def test_a_clock_that_shows_less_than_before_was_set_back_whoever_looks(redis: Redis) -> None:
    since = steady_since(RedisStore(redis, 3600))
    redis.hincrbyfloat(KEY, "read", 2.0)  # somebody read it when it was ahead
    assert steady_since(RedisStore(redis, 3600)) > since


@pytest.mark.parametrize(("unread", "counts"), [(UNWATCHED - 1.0, True), (UNWATCHED + 1.0, False)])
def test_a_new_process_believes_a_clock_that_was_watched_until_now(redis: Redis, unread: float, counts: bool) -> None:
    since = steady_since(RedisStore(redis, 3600))
    redis.hincrbyfloat(KEY, "read", -unread)
    assert (steady_since(RedisStore(redis, 3600)) == since) is counts


def test_one_that_has_watched_it_itself_needs_nobody(redis: Redis) -> None:
    store = RedisStore(redis, 3600)
    since = steady_since(store)
    redis.hincrbyfloat(KEY, "read", -3600.0)
    assert steady_since(store) == since


def test_a_lost_key_costs_time_and_never_safety(redis: Redis) -> None:
    store = RedisStore(redis, 3600)
    since = steady_since(store)
    redis.delete(KEY)
    found = steady_since(store)
    assert since < found
    assert steady_since(store) == found


def test_a_lost_counter_of_locks_refuses_no_record(redis: Redis) -> None:
    store, known = RedisStore(redis, 3600), record()
    for lost in (False, True, False, True):
        if lost:
            redis.delete("vmdrift:fence")
        for _ in range(3):
            lock = locked(store, known.drift.vm.uid)
            known = known.moved(1, Phase.BLOCKED, "held", "x", 2.0)
            store.save(known, lock, [])
            store.release(lock)


def test_a_kept_clock_is_asked_once_a_second_and_goes_on_while_nobody_answers() -> None:
    mono, asked = [0.0], list[float]()

    def read() -> float:
        asked.append(mono[0])
        if mono[0] >= 2.0:
            raise StoreUnreachable("away")
        return 1000.0 + mono[0]

    kept = CachedClock(read, lambda: mono[0])
    told = []
    for mono[0] in (0.0, 0.5, 1.0, 2.5, 3.0, 9.0, 12.5):
        told.append(kept())
    assert told == [1000.0, 1000.5, 1001.0, 1002.5, 1003.0, 1009.0, 1012.5]
    assert asked == [0.0, 1.0, 2.5, 12.5]


def test_a_kept_clock_that_never_answered_is_not_known() -> None:
    def away() -> float:
        raise StoreUnreachable("away")

    with pytest.raises(StoreUnreachable):
        CachedClock(away, lambda: 0.0)()


@pytest.mark.parametrize(
    ("asked", "answered", "ahead"), [(10.0, 20.0, 0.0), (16.0, 20.0, 1.0), (10.0, 14.0, -1.0), (15.0, 15.0, 0.0)]
)
def test_a_clock_is_off_by_what_no_answer_took(asked: float, answered: float, ahead: float) -> None:
    assert apart(asked, answered, 15.0) == ahead
