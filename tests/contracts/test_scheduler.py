"""The scheduler on a real Valkey: what is due is moved once and in order, whoever moves it and whatever lies there."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from reactor.adapters.redis.clock import redis_time
from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.rq import DRIFTS, EVENTS, JobEntry, RqQueue, enqueue_waiting
from reactor.model.times import parse_time
from reactor.process import Stop
from tests.contracts.queue_worlds import entry
from workers.rq.scheduler import Scheduler

QUEUE, DUE, ALIVE = f"rq:queue:{DRIFTS}", f"rq:scheduled:{DRIFTS}", "rq:scheduler:alive"
LATER = 1000.0  # seconds


class After(Stop):
    """Asked to stop after so many looks; between them `seen` is what others see."""

    def __init__(self, looks: int, look: Callable[[], object]) -> None:
        super().__init__()
        self._left, self._look, self.seen = looks, look, list[object]()

    def asked(self) -> bool:
        self.seen.append(self._look())
        self._left -= 1
        return self._left < 0


def scheduler(redis: Redis, *queues: str) -> Scheduler:
    return Scheduler(queues or (DRIFTS,), redis, Stop())


def wait(redis: Redis, *names: str, of: str = DRIFTS) -> None:
    """These jobs are due in the order of their names, from a second ago."""
    queue = RqQueue(redis, lambda: 0.0, 3600)
    for number, name in enumerate(names):
        queue.wake(JobEntry(of, name, *_call(name)), redis_time(redis) - 1 + number / 1e6)


def _call(name: str) -> tuple[str, tuple[Any, ...], str]:
    sample = entry(name)
    return sample.function, sample.args, sample.description


def queued(redis: Redis, queue: str = QUEUE) -> list[str]:
    ids: Any = redis.lrange(queue, 0, -1)
    return [job_id.decode() for job_id in ids]


def test_a_moved_job_is_queued_as_rq_would_have_queued_it(redis: Redis) -> None:
    wait(redis, "job")
    before: Any = redis.hgetall("rq:job:job")
    scheduler(redis).move_due()
    after: Any = redis.hgetall("rq:job:job")
    assert {key for key in after if after[key] != before.get(key)} == {b"status", b"enqueued_at"}
    assert after[b"status"] == b"queued"
    assert abs(parse_time(after[b"enqueued_at"].decode()) - redis_time(redis)) < LATER
    assert (queued(redis), redis.zcard(DUE)) == (["job"], 0)


def test_many_due_jobs_are_moved_in_chunks_the_oldest_first_and_nobody_sleeps_in_between(redis: Redis) -> None:
    names = [f"job-{number:03}" for number in range(250)]
    wait(redis, *names)
    pauses = [scheduler(redis).move_due() for _ in range(4)]
    assert [pause > 0 for pause in pauses] == [False, False, False, True]
    assert queued(redis) == names


def test_of_several_schedulers_at_once_one_moves_each_job(redis: Redis, redis_url: str) -> None:
    names = [f"job-{number:03}" for number in range(300)]
    wait(redis, *names)
    start = threading.Barrier(4)

    def move() -> None:
        with Redis.from_url(redis_url) as own:
            start.wait()
            for _ in range(6):
                scheduler(own).move_due()

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queued(redis) == names


def test_it_looks_again_when_the_next_job_is_due_and_soon_in_any_case(redis: Redis) -> None:
    assert scheduler(redis).move_due() == pytest.approx(0.1)
    redis.zadd(DUE, {"far": redis_time(redis) + LATER})
    assert scheduler(redis).move_due() == pytest.approx(0.1)
    redis.zadd(DUE, {"soon": redis_time(redis) + 0.05})
    assert scheduler(redis).move_due() <= 0.05


def test_a_job_that_came_and_went_and_waits_for_a_later_time_is_left_there(redis: Redis) -> None:
    """Between a scheduler's look and its move another one moved the job, and it has run."""
    RqQueue(redis, lambda: 0.0, 3600).wake(entry(), LATER)
    enqueue_waiting(redis, DRIFTS, ["job"], LATER, until=LATER - 0.1)
    assert (queued(redis), redis.zscore(DUE, "job")) == ([], LATER)
    for _ in range(2):
        enqueue_waiting(redis, DRIFTS, ["job"], LATER)
    assert (queued(redis), redis.zscore(DUE, "job")) == (["job"], None)


@pytest.mark.parametrize("job_id", [b"\xff\xfe", b"", b"gone", b"list"])
def test_what_is_no_job_is_only_removed(redis: Redis, job_id: bytes) -> None:
    redis.rpush("rq:job:list", "x")
    redis.zadd(DUE, {job_id: 1.0})
    wait(redis, "job")
    scheduler(redis).move_due()
    assert (queued(redis), redis.zcard(DUE)) == (["job"], 0)


@pytest.mark.parametrize("key", [QUEUE, DUE])
def test_a_queue_that_somebody_broke_holds_no_other_up_and_loses_nothing(redis: Redis, key: str) -> None:
    wait(redis, "broken")
    wait(redis, "event", of=EVENTS)
    redis.delete(key)
    redis.set(key, "x")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scheduler(redis, DRIFTS, EVENTS).move_due()
    assert queued(redis, f"rq:queue:{EVENTS}") == ["event"]
    assert (redis.zscore(DUE, "broken") is not None) if key == QUEUE else redis.get(DUE) == b"x"


def test_others_see_that_it_runs_and_how_far_its_clock_is_off_and_when_it_ends(redis: Redis) -> None:
    stop = After(2, lambda: redis.ttl(ALIVE) > 0)
    Scheduler([DRIFTS], redis, stop).work()
    assert stop.seen == [False, True, True]
    assert redis.exists(ALIVE) == 0
    ((name, off),) = clocks(redis).items()
    assert name.startswith("scheduler@")
    assert abs(off) < 1
