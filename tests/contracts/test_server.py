"""What a Redis says of itself is read from its INFO; a Valkey is asked, others' answers were recorded."""

import time

import pytest
from redis import Redis

from reactor.adapters.redis.queue_metrics import figures
from reactor.adapters.redis.server import of, server
from reactor.model.times import format_time

NOW = 1795500000.0


def test_a_valkey_that_keeps_what_it_is_given(redis: Redis) -> None:
    found = server(redis)
    assert found.name.startswith("Valkey ")
    assert (found.primary, found.appends, found.writes, found.policy) == (True, True, True, "noeviction")
    assert found.used > 0
    assert found.time == pytest.approx(time.time(), abs=60)


def test_limits_are_told_as_they_are_set(redis: Redis) -> None:
    redis.config_set("maxmemory", 10_000_000)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert (server(redis).memory, server(redis).policy) == (10_000_000, "allkeys-lru")
    finally:
        redis.config_set("maxmemory", 0)
        redis.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("info", "primary", "writes"),
    [
        ({"role": "slave"}, False, True),
        ({"aof_last_write_status": "err"}, True, False),
        ({"rdb_last_bgsave_status": "err"}, True, False),
        ({}, True, True),
    ],
)
def test_a_replica_and_a_full_disk_are_seen(info: dict[str, object], primary: bool, writes: bool) -> None:
    found = of({"redis_version": "6.0.16", **info})
    assert (found.name, found.primary, found.writes, found.time) == ("Redis 6.0.16", primary, writes, None)


def test_a_worker_counts_while_its_heart_beats(redis: Redis) -> None:
    for name, beat in {"new": NOW - 2, "old": NOW - 90}.items():
        redis.sadd("rq:workers:drifts", f"rq:worker:{name}")
        redis.hset(f"rq:worker:{name}", "last_heartbeat", format_time(beat))
    redis.sadd("rq:workers:drifts", "rq:worker:gone")
    assert [one.workers for one in figures(redis, NOW)] == [0, 1, 0]
