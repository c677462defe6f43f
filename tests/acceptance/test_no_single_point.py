"""Fifty VMs lose their node while one of everything is killed, the Redis primary included; each is moved, once."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import pytest
from redis.exceptions import RedisError

from reactor.model.drift import Record
from reactor.model.errors import StoreError
from tests.support.commands import eventually
from tests.support.forked import ForkedProcesses
from tests.support.sentinels import Sentinels
from tests.support.sites import TIMES, Site
from vmdrift.demo import WINDOW

VMS = 50
ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts")
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(500)]


@pytest.fixture
def sentinels(folder: Path) -> Iterator[Sentinels]:
    with ForkedProcesses(folder) as processes:
        yield Sentinels(processes, folder)


def known(cluster: Site) -> dict[str, Record]:
    """What Redis tells; nothing while it is away."""
    try:
        return cluster.records()
    except (RedisError, StoreError):
        return {}


def kill(cluster: Site, role: str) -> None:
    """SIGKILL to the first of them, and another one, as Kubernetes would start it."""
    name = next(name for name in cluster.processes.children if role in name)
    victim = cluster.processes.children.pop(name)
    victim.kill()
    victim.wait()
    cluster.start(role)


def released(records: Mapping[str, Record]) -> int:
    return sum(record.released_at is not None for record in records.values())


@pytest.mark.parametrize("moment", ["never", "in the window", "at the release"])
def test_every_drift_completes_with_one_delete_each(
    sentinels: Sentinels, moment: str, record_property: Callable[[str, object], None]
) -> None:
    cluster = Site(sentinels.processes, sentinels.folder, VMS, {"tester": sentinels.url})
    cluster.start(*ROLES, *ROLES)
    cluster.demo.cut_power()
    eventually("every VM has its drift", lambda: len(known(cluster)) == VMS)
    if moment == "at the release":
        eventually("the first is released", lambda: released(known(cluster)) > 0)
    if moment != "never":
        for role in ROLES:
            kill(cluster, role)
        killed = sentinels.kill_primary()
        eventually("another one is the primary", lambda: sentinels.primary() != killed)
        sentinels.serve(killed)

    def completed() -> bool:
        records = known(cluster)
        return len(records) == VMS and {record.phase for record in records.values()} == {"completed"}

    eventually("all completed", completed, seconds=300)
    deletes = [entry["name"] for entry in cluster.deletes("pods") if entry["code"] == 200]
    assert len(set(deletes)) == len(deletes) == VMS
    assert cluster.truth()["twice"] == []
    assert all(len(where) == 1 for vm, where in cluster.truth()["running"].items() if vm in cluster.demo.expected)
    late = [(r.released_at or 0) - r.drift.outage.since - WINDOW / TIMES for r in known(cluster).values()]
    record_property(
        f"50 VMs, one of everything killed {moment}",
        f"released {median(late):.1f} s late, {max(late):.1f} s at the most",
    )
