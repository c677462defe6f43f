"""What watchers heard of a suspected node: the twin and the real one keep the same promises."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from redis import Redis

from reactor import timing
from reactor.adapters.redis.witness_reports import RedisWitnessReports, WitnessReports
from reactor.model.witness import Answer, WitnessReport
from rehearsal.twins.witness_reports import MemoryWitnessReports

UID = "uid-of-node-b"
ONE = WitnessReport("node-a", 50.5, {10250: Answer.SILENT, 22: Answer.REFUSED}, frozenset({10250, 22}), "node-c")


@dataclass
class Place:
    reports: WitnessReports
    lapse: Callable[[], object]


@pytest.fixture(params=["redis", "memory"])
def place(request: pytest.FixtureRequest, redis: Redis) -> Place:
    if request.param == "redis":
        return Place(RedisWitnessReports(redis), lambda: redis.pexpire(f"vmdrift:witness:{UID}", 0))
    now = [1000.0]
    return Place(MemoryWitnessReports(lambda: now[0]), lambda: now.__setitem__(0, 1000.0 + timing.WITNESS_KEPT))


def test_what_is_read_is_what_was_written(place: Place) -> None:
    assert place.reports.of(UID) == []
    place.reports.write(UID, ONE)
    assert place.reports.of(UID) == [ONE]
    assert place.reports.of("another") == []


def test_the_last_of_each_witness_counts(place: Place) -> None:
    later, other = replace(ONE, at=51.5, control=""), replace(ONE, witness="node-d")
    for report in (ONE, other, later):
        place.reports.write(UID, report)
    assert place.reports.of(UID) == [later, other]


def test_it_is_not_kept_for_long(place: Place) -> None:
    place.reports.write(UID, ONE)
    place.lapse()
    assert place.reports.of(UID) == []


@pytest.mark.parametrize(
    "text",
    [
        b"", b"5", b"{}", b"\xff",
        b'{"witness":"x","at":"now","answers":{},"drilled":[],"control":""}',
        b'{"witness":"x","at":1.0,"answers":{"a":"silent"},"drilled":[],"control":""}',
        b'{"witness":"x","at":1.0,"answers":{"1":"maybe"},"drilled":[],"control":""}',
        b'{"witness":"x","at":1.0,"answers":[],"drilled":5,"control":""}',
        b'{"witness":"x","at":1e400,"answers":{},"drilled":[],"control":""}',
    ],
)  # fmt: skip
def test_one_that_cannot_be_read_costs_only_itself(redis: Redis, text: bytes) -> None:
    reports = RedisWitnessReports(redis)
    reports.write(UID, ONE)
    redis.hset(f"vmdrift:witness:{UID}", mapping={b"\xfe": text})
    assert reports.of(UID) == [ONE]
