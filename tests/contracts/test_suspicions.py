"""Suspicions: the twin and the real ones keep the same promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from redis import Redis

from reactor.adapters.redis.store import RedisStore, Store
from reactor.model.suspicion import NO_SUSPECTS, Suspects
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import SUSPICION

OTHER = replace(SUSPICION, renewed="2026-11-29T11:50:00.000000Z")


@dataclass
class Place:
    """`lapse` lets what is kept for a while be over."""

    store: Store
    lapse: Callable[[], object]


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest, redis: Redis) -> Place:
    if request.param == "redis":
        kept = ("vmdrift:suspects", "vmdrift:suspicions:many")
        return Place(RedisStore(redis, 3600), lambda: [redis.pexpire(key, 0) for key in kept])
    now = [1000.0]
    return Place(MemoryStore(lambda: now[0]), lambda: now.__setitem__(0, 2000.0))


def event(number: int) -> Mapping[str, Any]:
    return {"id": f"{number}"}


def sent(place: Place) -> list[str]:
    return [entry["id"] for _, entry in place.store.events()]


def test_one_begins_once_with_its_events(place: Place) -> None:
    assert place.store.suspicions.begin(SUSPICION, [event(1), event(2)])
    assert not place.store.suspicions.begin(SUSPICION, [event(3)])
    assert place.store.suspicions.begin(OTHER, [event(4)])
    assert sent(place) == ["1", "2", "4"]
    assert sorted(place.store.suspicions.open(), key=lambda one: one.renewed) == [SUSPICION, OTHER]


def test_one_ends_once_is_counted_by_how_and_may_begin_again(place: Place) -> None:
    suspicions = place.store.suspicions
    suspicions.begin(SUSPICION, [])
    assert suspicions.end(SUSPICION, "life", [event(1)])
    assert not suspicions.end(SUSPICION, "lost", [event(2)])
    assert (sent(place), suspicions.open(), suspicions.ended()) == (["1"], [], {"life": 1})
    assert suspicions.begin(SUSPICION, [])


def test_one_that_never_began_does_not_end(place: Place) -> None:
    assert not place.store.suspicions.end(SUSPICION, "life", [event(1)])
    assert (sent(place), place.store.suspicions.ended()) == ([], {})


def test_what_is_shown_is_what_the_last_watcher_saw_and_not_for_long(place: Place) -> None:
    suspicions = place.store.suspicions
    assert suspicions.shown() == NO_SUSPECTS
    suspicions.show(Suspects((OTHER,)))
    suspicions.show(Suspects((SUSPICION, OTHER), "5 of 10."))
    assert suspicions.shown() == Suspects((SUSPICION, OTHER), "5 of 10.")
    place.lapse()
    assert suspicions.shown() == NO_SUSPECTS


def test_too_many_is_news_once_in_a_while(place: Place) -> None:
    suspicions = place.store.suspicions
    assert [suspicions.too_many() for _ in range(3)] == [True, False, False]
    place.lapse()
    assert suspicions.too_many()


_GOOD = SUSPICION.as_json()


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"[]",
        b"\xff",
        orjson.dumps(_GOOD | {"renewed": "yesterday"}),
        orjson.dumps(_GOOD | {"since": "then"}),
        orjson.dumps(_GOOD | {"asked": 1}),
        orjson.dumps(_GOOD | {"node": {"name": "../x", "uid": "u"}}),
    ],
)
def test_what_cannot_be_read_is_not_there_and_no_trouble_of_others(redis: Redis, entry: bytes) -> None:
    suspicions = RedisStore(redis, 3600).suspicions
    suspicions.begin(SUSPICION, [])
    redis.hset("vmdrift:suspicions", "nonsense", entry)
    redis.set(
        "vmdrift:suspects", b'{"why": "", "suspicions": [' + (entry if entry[:1] == b"{" else b'{"a": 1}') + b"]}"
    )
    assert suspicions.open() == [SUSPICION]
    assert suspicions.shown() == NO_SUSPECTS


def test_where_redis_refuses_nothing_is_shown_and_nothing_fails(redis: Redis, redis_url: str) -> None:
    RedisStore(redis, 3600).suspicions.show(Suspects((SUSPICION,)))
    redis.config_set("requirepass", "another")
    try:
        with Redis.from_url(redis_url) as stranger:
            suspicions = RedisStore(stranger, 3600).suspicions
            assert (suspicions.shown(), suspicions.ended()) == (NO_SUSPECTS, {})
    finally:
        redis.config_set("requirepass", "")
