"""RQ may run a job twice, even at the same time: here it does so on purpose."""

import time
from collections.abc import Callable
from dataclasses import replace

from rq import Queue

from reactor.doors import redis as redis_door
from reactor.doors.queue import DRIFTS, SERIALIZER, RqQueue, drift_entry
from tests.acceptance.commands import eventually
from tests.acceptance.sites import Site

WORKERS, COPIES = 8, 50


def test_eight_workers_with_the_same_drift_fifty_times_send_one_delete(site: Callable[[int], Site]) -> None:
    cluster = site(1)
    (name,) = cluster.demo.expected
    cluster.start("reactor watch", "workers events")
    cluster.demo.cut_power()
    cluster.wait_for("waiting", name)
    drift = cluster.records()[name].drift
    redis = redis_door.connect(cluster.redis_url)
    queue, entry = Queue(DRIFTS, connection=redis, serializer=SERIALIZER), drift_entry(drift)
    # The copies wait in the queue until the workers come, and come again together at the window's end.
    for number in range(COPIES):
        RqQueue(redis, time.time, keep=3600).wake(replace(entry, id=f"{entry.id}-{number}"), due=0)
    assert len(queue) == COPIES

    cluster.start("workers scheduler", *["workers drifts"] * WORKERS)

    cluster.wait_for("completed", name)
    eventually("the drift's own job and every copy have ended", lambda: len(queue.finished_job_registry) == COPIES + 1)
    (delete,) = cluster.deletes("pods")
    assert delete["code"] == 200
    assert delete["uid_precondition"]
    failed = [queue.fetch_job(job_id) for job_id in queue.failed_job_registry.get_job_ids()]
    assert not [(job.id, [result.exc_string for result in job.results()]) for job in failed if job]
    assert cluster.truth()["twice"] == []
