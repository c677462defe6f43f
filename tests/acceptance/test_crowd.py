"""Twelve VMs on the lost node, and RQ runs every job several times, even at the same time: here on purpose."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from rq import Queue

from reactor.adapters.redis import connection as redis_door
from reactor.adapters.rq import DRIFTS, SERIALIZER, RqQueue, drift_entry
from tests.support.commands import eventually
from tests.support.sites import Site

VMS, WORKERS, COPIES = 12, 4, 5


def of_drifts(job_ids: list[str]) -> list[str]:
    """Their queue has a job that foresees them, too."""
    return [job_id for job_id in job_ids if not job_id.startswith("forecast_")]


@pytest.mark.long(30)
@pytest.mark.timeout(200)
def test_whatever_runs_twice_each_vm_is_moved_with_one_delete(site: Callable[[int], Site]) -> None:
    cluster = site(VMS)
    names = sorted(cluster.demo.expected)
    cluster.start("reactor watch", "workers intake")
    cluster.demo.cut_power()
    cluster.wait_for("waiting", *names)
    redis = redis_door.connect(cluster.redis_url)
    queue = Queue(DRIFTS, connection=redis, serializer=SERIALIZER)
    # The copies wait in the queue until the workers come, and come again together at the window's end.
    for record in cluster.records().values():
        entry = drift_entry(record.drift)
        for number in range(COPIES):
            RqQueue(redis, time.time, keep=3600).wake(replace(entry, id=f"{entry.id}-{number}"), due=0)
    assert len(of_drifts(queue.job_ids)) == VMS * COPIES

    cluster.start("workers scheduler", *["workers drifts"] * WORKERS)

    cluster.wait_for("completed", *names)
    all_jobs = VMS * (COPIES + 1)
    ended = queue.finished_job_registry
    eventually("each drift's job and every copy ended", lambda: len(of_drifts(ended.get_job_ids())) == all_jobs)
    failed = [queue.fetch_job(job_id) for job_id in queue.failed_job_registry.get_job_ids()]
    assert not [(job.id, [result.exc_string for result in job.results()]) for job in failed if job]
    deletes = cluster.deletes("pods")
    assert len(names) == VMS
    assert len({entry["name"] for entry in deletes}) == len(deletes) == VMS
    assert all(entry["uid_precondition"] for entry in deletes)
    assert {entry["code"] for entry in deletes} == {200}
    truth = cluster.truth()
    assert truth["twice"] == []
    assert all(len(truth["running"][name]) == 1 for name in names)
