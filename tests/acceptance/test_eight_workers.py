"""RQ may run a job twice, even at the same time: here it does so on purpose."""

from collections.abc import Callable

from rq import Queue

from reactor.doors import store as store_door
from reactor.doors.queue import DRIFTS, RUN_DRIFT, SERIALIZER
from reactor.model.identity import VERSION
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
    queue = Queue(DRIFTS, connection=store_door.connect(cluster.redis_url), serializer=SERIALIZER)
    # The copies wait in the queue until the workers come, and come again together at the window's end.
    for number in range(COPIES):
        queue.enqueue_call(RUN_DRIFT, args=[VERSION, drift.as_json()], job_id=f"{drift.id}-{number}")

    cluster.start("workers scheduler", *["workers drifts"] * WORKERS)

    cluster.wait_for("completed", name)
    eventually("every copy has ended", lambda: len(queue.finished_job_registry) == COPIES)
    (delete,) = cluster.deletes("pods")
    assert delete["code"] == 200
    assert delete["uid_precondition"]
    assert len(queue.failed_job_registry) == 0
    assert cluster.truth()["twice"] == []
