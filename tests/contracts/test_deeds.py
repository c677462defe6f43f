"""Who did what when: the twin and the real log keep the same promises."""

from dataclasses import replace

import pytest
from redis import Redis

from reactor.adapters.redis.deeds import MOST, MOST_OF_AN_OUTAGE, Deeds, RedisDeeds
from reactor.model.deed import Deed
from reactor.model.errors import StoreRefused
from rehearsal.twins.deeds import MemoryDeeds

NOW = 1_795_500_000.25
HELD = Deed("hold", "node/node-a", "ann", "cli", "firmware", NOW, NOW + 60, ("o-1",))
CALM = replace(HELD, target="node/node-b", outages=())
DAY = 86_400_000  # milliseconds


@pytest.fixture(params=["redis", "memory"])
def deeds(request: pytest.FixtureRequest, redis: Redis) -> Deeds:
    return RedisDeeds(redis, DAY) if request.param == "redis" else MemoryDeeds()


def several(number: int) -> list[Deed]:
    return [replace(HELD, at=NOW + n) for n in range(number)]


def test_what_is_read_is_what_was_noted_of_each_outage_oldest_first(deeds: Deeds) -> None:
    assert deeds.of(["o-1"]) == {"o-1": []}
    both = replace(HELD, what="resume", target="all", until=None, outages=("o-1", "o-2"))
    for deed in (HELD, CALM, both):
        deeds.note(deed)
    assert deeds.of(["o-2", "o-1"]) == {"o-2": [both], "o-1": [HELD, both]}
    assert deeds.elsewhere() == [CALM]
    assert deeds.of([]) == {}


def test_one_that_is_noted_again_is_one(deeds: Deeds) -> None:
    for deed in (HELD, CALM, HELD, CALM):
        deeds.note(deed)
    assert (deeds.of(["o-1"]), deeds.elsewhere()) == ({"o-1": [HELD]}, [CALM])


def test_one_outage_with_very_many_leaves_those_of_others_alone(deeds: Deeds) -> None:
    other = replace(HELD, outages=("o-2",))
    deeds.note(other)
    many = several(MOST_OF_AN_OUTAGE + 5)
    for deed in many:
        deeds.note(deed)
    assert deeds.of(["o-1", "o-2"]) == {"o-1": many[5:], "o-2": [other]}


def test_what_was_sent_on_is_not_sent_again(deeds: Deeds) -> None:
    three = several(3)
    for deed in three:
        deeds.note(deed)
    first = deeds.untold(2)
    assert [deed for _, deed in first] == three[:2]
    deeds.told(first[0][0])
    assert [deed for _, deed in deeds.untold(9)] == three[1:]
    deeds.told(deeds.untold(9)[-1][0])
    assert deeds.untold(9) == []
    assert deeds.of(["o-1"])["o-1"] == three, "the log stays"


def test_all_of_them_take_bounded_room(redis: Redis) -> None:
    log = RedisDeeds(redis, DAY)
    redis.xadd("vmdrift:deeds", {"deed": "{}"})
    with redis.pipeline() as pipe:
        for _ in range(MOST):
            pipe.xadd("vmdrift:deeds", {"deed": "{}"})
        pipe.execute()
    log.note(HELD)
    assert redis.xlen("vmdrift:deeds") == MOST


def test_those_of_an_outage_are_kept_for_as_long_as_its_history(redis: Redis) -> None:
    RedisDeeds(redis, DAY).note(HELD)
    assert DAY - 60_000 < redis.pttl("vmdrift:deeds:o-1") <= DAY


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b'{"what": "hold"}', b'{"what": 1}'])
def test_what_this_version_cannot_read_is_passed_over(redis: Redis, text: bytes) -> None:
    log = RedisDeeds(redis, DAY)
    for key in ("vmdrift:deeds", "vmdrift:deeds:o-1"):
        redis.xadd(key, {"deed": text})
        redis.xadd(key, {"other": text})
    log.note(HELD)
    log.note(CALM)
    assert (log.of(["o-1"]), log.elsewhere()) == ({"o-1": [HELD]}, [CALM])
    assert [deed for _, deed in log.untold(9)] == [None, None, HELD, CALM]


def test_who_may_not_read_them_is_shown_none_and_sees_all_else(redis: Redis, redis_url: str) -> None:
    """The rules of Redis' users are those of an earlier version until somebody applies them."""
    RedisDeeds(redis, DAY).note(HELD)
    redis.acl_setuser("narrow", enabled=True, nopass=True, commands=["+@all"], keys=["other*"])
    try:
        with Redis.from_url(redis_url, username="narrow", password="") as narrow:
            log = RedisDeeds(narrow, DAY)
            assert (log.of(["o-1"]), log.elsewhere()) == ({"o-1": []}, [])
            with pytest.raises(StoreRefused):
                log.note(CALM)
    finally:
        redis.acl_deluser("narrow")
