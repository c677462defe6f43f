"""Workers die by SIGKILL in the middle of their passes, each time at another call; every VM comes up, deleted once.

In virtual time tests/behaviour/test_killed.py does so at every single call.
"""

from collections.abc import Callable

import pytest
from redis import Redis

from tests.support.commands import eventually
from tests.support.sites import Site

VMS = 6
WORKER = "tests.acceptance.killed_worker"


@pytest.mark.long(40)
@pytest.mark.timeout(300)
def test_six_vms_each_with_its_own_place_to_be_killed_at(site: Callable[[int], Site]) -> None:
    cluster = site(VMS)
    names = sorted(cluster.demo.expected)
    cluster.start("reactor watch", "workers intake", "workers scheduler", WORKER, WORKER)
    cluster.demo.cut_power()

    def completed() -> bool:
        for _ in cluster.buried():
            cluster.start(WORKER)  # as Kubernetes restarts a container
        records = cluster.records()
        return len(records) == VMS and {record.phase for record in records.values()} == {"completed"}

    eventually("all completed", completed, seconds=240)

    with Redis.from_url(cluster.redis_url) as redis:
        killed = redis.keys("test:killed:*")
    assert len(killed) >= VMS // 2  # the later places lie beyond the last call of the shortest passes
    deletes = cluster.deletes("pods")
    effective = [entry["name"] for entry in deletes if entry["code"] == 200]
    assert len(set(effective)) == len(effective) == VMS
    assert cluster.truth()["twice"] == []
    assert all(len(cluster.truth()["running"][name]) == 1 for name in names)
