"""Which plugs were read as on: the twin and the real one keep the same promises."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from redis import Redis

from reactor import timing
from reactor.adapters.redis.plug_memory import PlugMemory, RedisPlugMemory
from reactor.model.errors import StoreUnreachable
from rehearsal.twins.plug_memory import MemoryPlugMemory

UID = "uid-of-node-b"


@dataclass
class Place:
    memory: PlugMemory
    now: list[float]
    lapse: Callable[[], object]


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest, redis: Redis) -> Place:
    now = [1000.0]
    if request.param == "redis":
        memory = RedisPlugMemory(redis, lambda: now[0])
        return Place(memory, now, lambda: redis.pexpire(f"vmdrift:plug:{UID}:one", 0))
    return Place(MemoryPlugMemory(lambda: now[0]), now, lambda: now.__setitem__(0, 1000.0 + timing.PLUG_SEEN))


def test_what_was_never_read_as_on_is_not_there(place: Place) -> None:
    place.memory.saw_on(UID, [])
    assert place.memory.seen_on(UID, []) == {}
    assert place.memory.seen_on(UID, ["one", "two"]) == {}


def test_each_plug_of_each_node_is_remembered_by_itself_and_when_it_was_last_seen(place: Place) -> None:
    place.memory.saw_on(UID, ["one"])
    place.now[0] = 1060.0
    place.memory.saw_on(UID, ["two"])
    assert place.memory.seen_on(UID, ["one", "two", "three"]) == {"one": 1000.0, "two": 1060.0}
    assert place.memory.seen_on("another", ["one", "two"]) == {}
    place.memory.saw_on(UID, ["one"])
    assert place.memory.seen_on(UID, ["one"]) == {"one": 1060.0}


def test_it_is_not_remembered_for_ever(place: Place) -> None:
    place.memory.saw_on(UID, ["one"])
    place.lapse()
    assert place.memory.seen_on(UID, ["one"]) == {}


def test_what_belongs_to_another_machine_is_forgotten_alone(place: Place) -> None:
    place.memory.saw_on(UID, ["one", "two"])
    place.memory.forget(UID, ["one", "never-seen"])
    place.memory.forget(UID, [])
    assert list(place.memory.seen_on(UID, ["one", "two"])) == ["two"]


def test_redis_keeps_each_for_a_week(redis: Redis) -> None:
    RedisPlugMemory(redis, lambda: 1000.0).saw_on(UID, ["one"])
    assert timing.PLUG_SEEN - 60 < redis.ttl(f"vmdrift:plug:{UID}:one") <= timing.PLUG_SEEN == 7 * 86400


@pytest.mark.parametrize("text", [b"", b"on", b"\xff", b"nan"])
def test_one_that_cannot_be_read_was_not_seen_and_costs_only_itself(redis: Redis, text: bytes) -> None:
    memory = RedisPlugMemory(redis, lambda: 1000.0)
    memory.saw_on(UID, ["one", "two"])
    redis.set(f"vmdrift:plug:{UID}:one", text)
    assert memory.seen_on(UID, ["one", "two"]) == {"two": 1000.0}


def test_without_redis_nothing_is_known() -> None:
    memory = RedisPlugMemory(Redis(port=1), lambda: 1000.0)
    for call in (memory.saw_on, memory.seen_on, memory.forget):
        with pytest.raises(StoreUnreachable):
            call(UID, ["one"])
