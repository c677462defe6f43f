"""Redis and the API server are taken away in the middle of a story; it ends well, with one DELETE for each pod."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.support.commands import eventually
from tests.support.sites import Roles, Site
from vmdrift.valkey import start as start_valkey
from workers.drift.run import LOCK_TTL

ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts", "workers drifts")
WORKERS = 3
AWAY = 4.0  # seconds that a trouble lasts, so that every process runs into it several times


@contextmanager
def killed_and_restarted(site: Roles) -> Iterator[None]:
    """Its append-only file brings everything back but the last second."""
    server = site.processes.children.pop("valkey")
    server.kill()
    server.wait()
    yield
    start_valkey(site.processes, site.folder)


@contextmanager
def full(site: Site) -> Iterator[None]:
    """`maxmemory` reached, `noeviction`: it answers reads and refuses writes."""
    with Redis.from_url(site.redis_url) as redis:
        redis.config_set("maxmemory", "1mb")
        yield
        redis.config_set("maxmemory", "0")


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """Somebody made it a replica."""
    with Redis.from_url(site.redis_url) as redis:
        redis.config_set("replica-serve-stale-data", "yes")
        redis.replicaof("127.0.0.1", 1)
        yield
        redis.replicaof("NO", "ONE")


@contextmanager
def flushed(site: Site) -> Iterator[None]:
    """Everything is forgotten."""
    with Redis.from_url(site.redis_url) as redis:
        redis.flushall()
    yield


@contextmanager
def without_api(site: Site) -> Iterator[None]:
    """Ten minutes at the demo's pace are the better part of a window."""
    site.demo.ask(do="api_down")
    yield
    site.demo.ask(do="api_up")


@contextmanager
def slow(site: Site) -> Iterator[None]:
    """It stands still for longer than locks and heartbeats live, then stutters: a third of a second at a time."""
    server = site.processes.children["valkey"]

    def stand_still(seconds: float) -> None:
        server.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        server.send_signal(signal.SIGCONT)

    stand_still(LOCK_TTL + 1)
    ended = threading.Event()

    def stutter() -> None:
        while not ended.wait(0.1):
            stand_still(0.3)

    stuttering = threading.Thread(target=stutter)
    stuttering.start()
    yield
    ended.set()
    stuttering.join()


pytestmark = pytest.mark.nightly
TROUBLES = (killed_and_restarted, full, read_only, flushed, slow, without_api)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
@pytest.mark.parametrize("phase", ["waiting", "detaching"])
def test_the_story_survives(
    site: Callable[[int], Site], trouble: Callable[[Site], AbstractContextManager[None]], phase: str
) -> None:
    cluster = site(0)
    cluster.start(*ROLES)
    with Redis.from_url(cluster.redis_url) as redis:
        eventually("every worker has started", lambda: redis.scard("rq:workers") == WORKERS)
    cluster.demo.cut_power()
    cluster.wait_for(phase, "shop/database")

    with trouble(cluster):
        end = time.monotonic() + AWAY
        eventually("the trouble lasted", lambda: time.monotonic() > end)

    def ended() -> bool:
        assert not cluster.processes.dead(), cluster.words_of(cluster.processes.dead()[0])
        try:
            return bool(cluster.records()) and _untold(cluster)
        except RedisError:
            return False

    eventually("every VM at its end", ended, seconds=120)
    deletes = cluster.deletes("pods")
    assert len({entry["name"] for entry in deletes if entry["code"] == 200}) == len(deletes) == 4
    assert cluster.truth()["twice"] == []
    moved = [vm for vm, phase in cluster.demo.expected.items() if phase == "completed"]
    assert all(len(cluster.truth()["running"][vm]) == 1 for vm in moved)


def _untold(cluster: Site) -> bool:
    """Redis was emptied after some had come up; nothing of the lost node names them, so nobody tells their end."""
    records = cluster.records()
    missing = set(cluster.demo.expected) - set(records)
    return missing <= {"shop/web", "shop/queue"} and all(record.phase.is_end for record in records.values())
