"""What became of fence drills: the twin and the real one keep the same promises."""

from dataclasses import replace

import pytest
from redis import Redis

from reactor.adapters.redis.fence_drills import FenceDrills, RedisFenceDrills
from reactor.model.fence_drill import FenceDrill
from rehearsal.twins.fence_drills import MemoryFenceDrills

ONE = FenceDrill("node-a", "uid-a", "redfish", 50.5, False, "BMC x refuses access.", "Change it.", 2, "7-1")
DAY = 86400


@pytest.fixture(params=["redis", "memory"])
def drills(request: pytest.FixtureRequest, redis: Redis) -> FenceDrills:
    return RedisFenceDrills(redis) if request.param == "redis" else MemoryFenceDrills()


def test_what_is_read_is_what_was_written(drills: FenceDrills) -> None:
    assert drills.all() == []
    drills.write([ONE])
    assert drills.all() == [ONE]


def test_the_last_of_each_node_and_provider_counts_in_their_order(drills: FenceDrills) -> None:
    other, later = replace(ONE, provider="network-fence"), replace(ONE, at=99.0, passed=True)
    drills.write([ONE, other, replace(ONE, node="node-0")])
    drills.write([later])
    assert drills.all() == [replace(ONE, node="node-0"), other, later]


def test_what_is_gone_is_gone_and_nothing_else(drills: FenceDrills) -> None:
    other = replace(ONE, node="node-b")
    drills.write([ONE, other])
    drills.write([], [ONE])
    assert drills.all() == [other]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"node": "node-a"}', b'{"more": 1}', b"\xff", b'{"node": 5, "uid": "u"}']
)
def test_what_this_version_cannot_read_is_passed_over(redis: Redis, text: bytes) -> None:
    RedisFenceDrills(redis).write([ONE])
    redis.hset("vmdrift:drills", "node-b/redfish", text)
    assert RedisFenceDrills(redis).all() == [ONE]


def test_they_are_kept_for_a_day(redis: Redis) -> None:
    RedisFenceDrills(redis).write([ONE])
    assert redis.ttl("vmdrift:drills") == DAY
