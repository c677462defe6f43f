"""The queues' figures are what RQ itself would say."""

from redis import Redis

from reactor.doors.figures import QueueFigures, figures
from reactor.doors.queue import RqQueue, drift_entry, letter_entry
from tests.contracts.samples import drift

NOW = 1795500000.0


def test_an_empty_redis_has_empty_queues_without_a_scheduler(redis: Redis) -> None:
    found = [QueueFigures(name, 0, 0, 0, 0.0, scheduler=False) for name in ("events", "drifts", "outgoing")]
    assert list(figures(redis, NOW)) == found


def test_what_waits_what_is_due_and_how_late_it_is(redis: Redis) -> None:
    queue = RqQueue(redis, lambda: NOW, 3600)
    queue.wake(letter_entry("1-0"), NOW)
    queue.wake(drift_entry(drift("web")), NOW + 100)
    queue.wake(drift_entry(drift("db")), NOW + 300)
    redis.set("rq:scheduler-lock:drifts", "x")
    events, drifts, outgoing = figures(redis, NOW + 160)
    assert drifts == QueueFigures("drifts", 0, 2, 0, 60.0, scheduler=True)
    assert outgoing == QueueFigures("outgoing", 1, 0, 0, 0.0, scheduler=False)
    assert events.waiting == 0
    assert [one.late for one in figures(redis, NOW + 50)] == [0.0, 0.0, 0.0]
