"""Each process compares its clock with Redis', and says what it found; RQ's due times come by Redis' clock, too."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from reactor.adapters.redis.clock import redis_time
from reactor.adapters.redis.clock_offsets import Comparer, clocks, off
from reactor.adapters.rq import DRIFTS, RqQueue
from reactor.process import Stop
from tests.contracts.queue_worlds import entry
from workers.rq.queue import WorkedQueue
from workers.rq.scheduler import Scheduler

HOUR = 3600.0


class Ahead(Redis):
    """A server whose clock is an hour ahead of this machine's."""

    def time(self, **options: Any) -> Any:
        seconds, micros = super().time(**options)
        return seconds + int(HOUR), micros


@pytest.fixture
def ahead(redis: Redis) -> Ahead:
    return Ahead(connection_pool=redis.connection_pool)


def comparer(redis: Redis, role: str, seconds: float) -> Comparer:
    """Of a process whose clock is so far ahead of Redis'."""
    return Comparer(redis, role, lambda: redis_time(redis) + seconds)


def test_at_first_no_process_has_said_anything(redis: Redis) -> None:
    assert clocks(redis) == {}


def test_a_process_says_how_far_its_clock_is_off_and_which_it_is(redis: Redis) -> None:
    for role, seconds in (("drifts", 60.0), ("intake", 0.0), ("watcher", -7.5)):
        comparer(redis, role, seconds).look()
    found = {name.partition("@")[0]: round(ahead, 1) for name, ahead in clocks(redis).items()}
    assert found == {"drifts": 60.0, "intake": 0.0, "watcher": -7.5}
    assert [name.partition("@")[0] for name in off(clocks(redis))] == ["drifts", "watcher"]
    assert all(name.endswith(f":{os.getpid()}") for name in clocks(redis))


def test_it_is_logged_when_it_goes_wrong_and_when_it_is_right_again(redis: Redis) -> None:
    wrong = [0.0]
    one = Comparer(redis, "drifts", lambda: redis_time(redis) + wrong[0])
    with capture_logs() as logs:
        for wrong[0] in (0.0, -60.0, -60.0, 0.0, 0.0):
            one.look()
    told = [(entry["log_level"], entry["event"], entry["reason"]) for entry in logs]
    assert told == [("warning", "clock is off", "clock-off"), ("info", "clock is right again", "clock-off")]
    assert "60 s behind Redis'" in logs[0]["sentence"]


def test_who_has_said_nothing_for_long_is_not_shown_and_some_day_forgotten(redis: Redis) -> None:
    now = redis_time(redis)
    redis.hset("vmdrift:clocks", mapping={"dead@a:1": f"60.0 {now - 151}", "gone@a:2": f"60.0 {now - 86401}"})
    assert clocks(redis) == {}
    comparer(redis, "drifts", 0.0).look()
    kept: Any = redis.hkeys("vmdrift:clocks")
    assert {name.decode().partition("@")[0] for name in kept} == {"dead", "drifts"}


def test_a_redis_that_is_away_is_no_error() -> None:
    Comparer(Redis(port=1, retry=Retry(NoBackoff(), 0)), "drifts").look()


def test_what_is_due_by_redis_clock_is_moved_and_nothing_by_the_schedulers_own(redis: Redis, ahead: Ahead) -> None:
    now = redis_time(redis)
    for name, due in (("late", now - 1), ("soon", now + HOUR - 60), ("far", now + HOUR + 60)):
        RqQueue(redis, lambda: now - HOUR, 3600).wake(entry(name), due)
    for server, moved in ((redis, [b"late"]), (ahead, [b"late", b"soon"])):
        Scheduler([DRIFTS], server, Stop()).move_due()
        assert redis.lrange(f"rq:queue:{DRIFTS}", 0, -1) == moved


def test_a_job_that_comes_again_is_due_by_redis_clock(redis: Redis, ahead: Ahead) -> None:
    """Also where it names no moment: when Redis or the cluster was away."""
    queue: Any = WorkedQueue(DRIFTS, connection=ahead, serializer="json")
    job = queue.create_job("os.getpid", job_id="job")
    queue.schedule_job(job, datetime.now(UTC) + timedelta(seconds=30))
    due = redis.zscore(f"rq:scheduled:{DRIFTS}", "job")
    assert due is not None
    assert abs(due - redis_time(ahead) - 30) < 10


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_job_whose_worker_has_another_time_runs_once_it_is_woken(redis: Redis, seconds: float) -> None:
    """It beats by its own clock, so nobody knows whether it lives: one that is an hour ahead is not waited for."""
    queue = RqQueue(redis, lambda: redis_time(redis), 3600)
    queue.wake(entry(), 0)
    redis.lrem(f"rq:queue:{DRIFTS}", 0, "job")
    beat = datetime.fromtimestamp(redis_time(redis) + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    redis.hset("rq:job:job", mapping={"status": "started", "last_heartbeat": beat})
    queue.wake(entry(), 0)
    assert redis.lrange(f"rq:queue:{DRIFTS}", 0, -1) == [b"job"]
