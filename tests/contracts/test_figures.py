"""The queues' figures are what RQ itself would say."""

import time
from typing import Any

from redis import Redis

from reactor.adapters.redis.queue_metrics import QueueFigures, figures, is_crowded
from reactor.adapters.rq import RqQueue, delivery_entry, drift_entry
from reactor.model.times import format_time
from reactor.process import Stop
from tests.contracts.samples import drift
from workers.rq.worker import Worker

NOW = 1795500000.0


def test_an_empty_redis_has_empty_queues_without_a_scheduler(redis: Redis) -> None:
    found = [QueueFigures(name, 0, 0, 0, 0.0, scheduler=False) for name in ("events", "drifts", "outgoing")]
    assert list(figures(redis, NOW)) == found


def test_what_waits_what_is_due_and_how_late_it_is(redis: Redis) -> None:
    queue = RqQueue(redis, lambda: NOW, 3600)
    queue.wake(delivery_entry("1-0"), NOW)
    redis.hset("rq:job:out_1-0", "enqueued_at", format_time(NOW + 130))  # RQ has no clock but the machine's
    queue.wake(drift_entry(drift("web")), NOW + 100)
    queue.wake(drift_entry(drift("db")), NOW + 300)
    redis.set("rq:scheduler:alive", 1)
    events, drifts, outgoing = figures(redis, NOW + 160)
    assert drifts == QueueFigures("drifts", 0, 2, 0, 60.0, scheduler=True)
    assert outgoing == QueueFigures("outgoing", 1, 0, 0, 0.0, scheduler=True, oldest=30.0)
    assert events.waiting == 0
    assert [one.late for one in figures(redis, NOW + 50)] == [0.0, 0.0, 0.0]


def test_the_oldest_job_is_the_one_that_a_worker_takes_next_as_rq_wrote_it(redis: Redis) -> None:
    queue = RqQueue(redis, time.time, 3600)
    for name in ("1-0", "2-0"):
        queue.wake(delivery_entry(name), 0.0)
    redis.hset("rq:job:out_2-0", "enqueued_at", format_time(NOW))
    (*_, outgoing) = figures(redis, time.time() + 10_000)
    assert 10_000 <= outgoing.oldest < NOW - 10_000


def test_a_queue_whose_first_job_is_gone_has_no_oldest(redis: Redis) -> None:
    redis.rpush("rq:queue:drifts", "nobody-knows-it")
    _, drifts, _ = figures(redis, NOW)
    assert (drifts.waiting, drifts.oldest) == (1, 0.0)


def test_a_worker_counts_while_its_heartbeat_lives(redis: Redis) -> None:
    for _ in range(2):
        worker: Any = Worker("drifts", redis, Stop())
        worker.register_birth()
    assert [one.workers for one in figures(redis, time.time())] == [0, 2, 0]
    redis.delete(next(iter(redis.scan_iter("rq:worker:*"))))
    assert [one.workers for one in figures(redis, time.time())] == [0, 1, 0]


def test_a_queue_is_crowded_while_more_than_ten_jobs_wait(redis: Redis) -> None:
    queue = RqQueue(redis, time.time, 3600)
    for number in range(10):
        queue.wake(delivery_entry(f"{number}-0"), 0.0)
    assert not is_crowded(redis, "outgoing")
    queue.wake(delivery_entry("10-0"), 0.0)
    assert is_crowded(redis, "outgoing")
