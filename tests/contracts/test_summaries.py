"""What watchers publish of all Nodes and Leases: the twin and the real one keep the same promises."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from redis import Redis

from reactor import timing
from reactor.adapters.redis.summaries import RedisSummaries, Summaries
from reactor.model.node import NodeView, Taint, node_view
from reactor.model.summary import Summary
from reactor.watch.node_views import Labels
from rehearsal.twins.summaries import MemorySummaries
from tests.contracts.samples import LOST_AT, node, outage

FULL = NodeView(
    name="node-b",
    uid="uid-of-node-b",
    ready="Unknown",
    ready_since=LOST_AT + 0.5,
    labels=Labels({"zone": "a", "kubernetes.io/hostname": "node-b"}),
    taints=(Taint("node.kubernetes.io/unreachable", "", "NoExecute", LOST_AT), Taint("gpu", "yes", "NoSchedule")),
    unschedulable=True,
    heartbeat="2026-11-29T11:44:21Z",
    boot="boot-1",
    machine="machine-1",
    fencing="redfish",
    tainted="{}",
    created=12.0,
    policy="never",
    reported="2026-11-29T11:44:20Z",
)
HEALTHY = node_view(node("node-a"))
SUMMARY = Summary(LOST_AT + 50.25, (HEALTHY, FULL), {"node-a": LOST_AT + 49.123456, "gone": 0.0})


@dataclass
class Place:
    """`again`: as another process has them; `lapse` lets what is kept for a while be over."""

    summaries: Summaries
    again: Callable[[], Summaries]
    lapse: Callable[[], object]


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest, redis: Redis) -> Place:
    if request.param == "redis":
        return Place(RedisSummaries(redis), lambda: RedisSummaries(redis), lambda: redis.pexpire("vmdrift:summary", 0))
    now = [1000.0]
    memory = MemorySummaries(lambda: now[0])
    return Place(memory, lambda: memory, lambda: now.__setitem__(0, 1000.0 + timing.SUMMARY_KEPT))


def test_without_a_watcher_there_is_none(place: Place) -> None:
    assert place.summaries.latest() is None


def test_what_is_read_is_what_was_published(place: Place) -> None:
    place.summaries.publish(SUMMARY)
    assert place.again().latest() == SUMMARY


def test_a_cluster_without_nodes_can_be_published(place: Place) -> None:
    place.summaries.publish(Summary(LOST_AT, (), {}))
    assert place.again().latest() == Summary(LOST_AT, (), {})


@pytest.mark.parametrize(
    "change",
    [
        {"ready": "True", "ready_since": LOST_AT + 60.0},
        {"heartbeat": "later"},
        {"labels": {"zone": "b"}},
        {"taints": ()},
        {"unschedulable": False},
    ],
)
def test_each_change_of_a_node_reaches_whoever_has_read_it_before(place: Place, change: dict[str, Any]) -> None:
    reader, changed = place.again(), replace(SUMMARY, as_of=LOST_AT + 52.0, nodes=(HEALTHY, replace(FULL, **change)))
    place.summaries.publish(SUMMARY)
    assert reader.latest() == SUMMARY
    place.summaries.publish(changed)
    assert reader.latest() == changed


def test_nodes_that_come_and_go_reach_it_too(place: Place) -> None:
    reader = place.again()
    for nodes in ((HEALTHY,), (HEALTHY, FULL), (FULL,)):
        place.summaries.publish(replace(SUMMARY, nodes=nodes))
        assert reader.latest() == replace(SUMMARY, nodes=nodes)


def test_one_that_is_read_twice_is_the_same_object(place: Place) -> None:
    place.summaries.publish(SUMMARY)
    assert place.summaries.latest() is place.summaries.latest()


def test_the_last_of_two_watchers_counts(place: Place) -> None:
    place.summaries.publish(SUMMARY)
    place.again().publish(replace(SUMMARY, as_of=LOST_AT + 51.0))
    assert place.summaries.latest() == replace(SUMMARY, as_of=LOST_AT + 51.0)


def test_it_is_not_kept_for_long(place: Place) -> None:
    place.summaries.publish(SUMMARY)
    place.lapse()
    assert place.summaries.latest() is None


def test_that_a_worker_has_read_the_cluster_itself_is_known_to_all_for_this_outage_alone(place: Place) -> None:
    assert not place.summaries.was_read(outage().id)
    place.summaries.note_read(outage().id)
    assert place.again().was_read(outage().id)
    assert not place.summaries.was_read(outage("node-b").id)


def test_who_has_seen_that_once_asks_no_more(redis: Redis) -> None:
    RedisSummaries(redis).note_read("an-outage")
    worker = RedisSummaries(redis)
    assert worker.was_read("an-outage")
    redis.flushdb()
    assert worker.was_read("an-outage")
    assert not RedisSummaries(redis).was_read("an-outage")


def only(redis: Redis, pattern: str) -> str:
    """The name of the only key like this."""
    keys: Any = redis.keys(pattern)
    (key,) = keys
    return str(key.decode())


def spoiled(redis: Redis, **changes: object) -> None:
    """The moving part says something else."""
    packed: Any = redis.get("vmdrift:summary")
    body = orjson.loads(zlib.decompress(packed))
    redis.set("vmdrift:summary", zlib.compress(orjson.dumps(body | changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": None},
        {"as_of": "now"},
        {"as_of": None},
        {"nodes": "../other"},
        {"nodes": 5},
        {"renewals": None},
        {"renewals": {"node-a": "now"}},
        {"ready": ["True"]},
        {"ready": None},
        {"ready": ["True", 5]},
        {"ready_since": ["then", 0.0]},
        {"heartbeat": "ab"[:1]},
        {"reported": [None, None]},
    ],
)
def test_one_that_this_version_cannot_read_is_none(redis: Redis, changes: dict[str, object]) -> None:
    RedisSummaries(redis).publish(SUMMARY)
    spoiled(redis, **changes)
    assert RedisSummaries(redis).latest() is None


@pytest.mark.parametrize("text", [b"", b"5", b"[]", b"\xff" * 90, zlib.compress(b"[]"), zlib.compress(b"{}")[:-5]])
@pytest.mark.parametrize("part", ["vmdrift:summary", "vmdrift:summary:*"])
def test_nonsense_in_either_part_is_none_until_the_next_one_is_published(redis: Redis, part: str, text: bytes) -> None:
    watcher, reader = RedisSummaries(redis), RedisSummaries(redis)
    watcher.publish(SUMMARY)
    key = only(redis, part)
    redis.set(key, text)
    assert reader.latest() is None
    redis.flushdb()
    watcher.publish(replace(SUMMARY, as_of=LOST_AT + 52.0))
    assert reader.latest() == replace(SUMMARY, as_of=LOST_AT + 52.0)


def row(**changes: object) -> bytes:
    known = {"name": "a", "uid": "u", "labels": {}, "taints": [], "unschedulable": False, "boot": "", "machine": ""}
    known |= {"fencing": "", "tainted": "", "created": 0.0, "policy": ""}
    return zlib.compress(orjson.dumps(list((known | changes).values())) + b"\n")


def test_a_row_of_a_node_can_be_read(redis: Redis) -> None:
    assert with_row(redis, row()) == replace(SUMMARY, nodes=(replace(HEALTHY, name="a", uid="u"),))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 5},
        {"labels": []},
        {"labels": {"zone": None}},
        {"taints": [{"key": "a"}]},
        {"taints": [{"key": 1, "value": "", "effect": ""}]},
        {"taints": 5},
        {"unschedulable": "no"},
        {"created": "then"},
        {"one": "more"},
    ],
)
def test_a_row_with_anything_else_in_it_is_no_node(redis: Redis, changes: dict[str, object]) -> None:
    assert with_row(redis, row(**changes)) is None


def with_row(redis: Redis, packed: bytes) -> Summary | None:
    """What is read where the fixed part of the only node is this."""
    RedisSummaries(redis).publish(replace(SUMMARY, nodes=(HEALTHY,)))
    key = only(redis, "vmdrift:summary:*")
    redis.set(key, packed)
    return RedisSummaries(redis).latest()


def test_what_unpacks_to_more_than_any_cluster_has_is_none(redis: Redis) -> None:
    RedisSummaries(redis).publish(SUMMARY)
    packed: Any = redis.get("vmdrift:summary")
    redis.set("vmdrift:summary", zlib.compress(zlib.decompress(packed) + b"\n" * (128 << 20), 1))
    assert RedisSummaries(redis).latest() is None


def test_the_seldom_changing_part_is_written_once(redis: Redis) -> None:
    watcher = RedisSummaries(redis)
    watcher.publish(SUMMARY)
    key = only(redis, "vmdrift:summary:*")
    redis.set(key, b"as it was", ex=5)
    watcher.publish(replace(SUMMARY, as_of=LOST_AT + 52.0, nodes=(replace(HEALTHY, ready="False"), FULL)))
    assert redis.get(key) == b"as it was"
    left: Any = redis.ttl(key)
    assert left > 5


def test_while_redis_refuses_there_is_none_and_nothing_was_read(redis: Redis, redis_url: str) -> None:
    RedisSummaries(redis).publish(SUMMARY)
    redis.config_set("requirepass", "another")
    try:
        with Redis.from_url(redis_url) as stranger:
            summaries = RedisSummaries(stranger)
            summaries.note_read("an-outage")
            assert summaries.latest() is None
            assert not summaries.was_read("an-outage")
    finally:
        redis.config_set("requirepass", "")
