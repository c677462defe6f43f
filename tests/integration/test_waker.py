"""The waker over HTTP and on a real Redis: its streams, its threads, and what it leaves behind."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from reactor.adapters.redis.coverage import RedisCoverage
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import DRIFTS, RqQueue, drift_entry
from reactor.model.drift import Record
from reactor.wake.waker import Waker
from reactor.wake.watches import wake
from simulator.api.api import Api
from simulator.apiserver import ApiServer
from tests.contracts.clusters import an_api, over_http
from tests.contracts.samples import outage_record, record
from tests.support.commands import eventually

NODE = outage_record().outage.node.name
LAUNCHER = {"kubevirt.io": "virt-launcher", "kubevirt.io/created-by": "lost"}
WAITING: Record = replace(record(), vmi_uid="lost")


@pytest.fixture
def api() -> Api:
    return an_api()


@pytest.fixture
def store(redis: Redis) -> RedisStore:
    """With one open outage, and one drift that is due in an hour."""
    store, queue = RedisStore(redis, 3600), RqQueue(redis, time.time, 3600)
    store.save_outage(outage_record(), done=False)
    store.create(WAITING, [])
    queue.wake(drift_entry(WAITING.drift), time.time() + 3600)
    return store


def launcher(api: Api) -> None:
    meta = {"name": "launcher", "namespace": "shop", "labels": LAUNCHER}
    api.store.create("pods", {"metadata": meta, "spec": {"nodeName": NODE, "terminationGracePeriodSeconds": 60}})


@contextmanager
def waking(api: Api, store: RedisStore, redis: Redis, folder: Path) -> Iterator[None]:
    """A waker at work, which has ended afterwards."""
    end = threading.Event()
    with ApiServer(api, bookmark_interval=0.2) as server, over_http(server.url, folder) as cluster:
        adapters = store, RedisCoverage(redis), RqQueue(redis, time.time, 3600)
        waker = Waker(*adapters, asked=lambda: (), steady=time.monotonic, namespace="vm-drift")
        thread = threading.Thread(target=wake, args=(waker, cluster, end.is_set))
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join(30)
    assert not thread.is_alive()


def watched(redis: Redis) -> bool:
    return RedisCoverage(redis).watched(WAITING.drift) is not None


def queued(redis: Redis) -> bool:
    return bool(redis.llen(f"rq:queue:{DRIFTS}"))


def test_an_eviction_puts_the_waiting_drift_into_its_queue(
    api: Api, store: RedisStore, redis: Redis, tmp_path: Path
) -> None:
    launcher(api)
    with waking(api, store, redis, tmp_path):
        eventually("the outage is watched", lambda: watched(redis))
        assert not queued(redis)
        api.store.delete("pods", "launcher", "shop")
        eventually("the drift is in its queue", lambda: queued(redis))
        seen = RedisCoverage(redis).watched(WAITING.drift)
        assert seen is not None
        assert seen.stirred > seen.since


def test_who_takes_over_says_that_it_watches_only_from_then_on(
    api: Api, store: RedisStore, redis: Redis, tmp_path: Path
) -> None:
    with waking(api, store, redis, tmp_path):
        eventually("the outage is watched", lambda: watched(redis))
    first = RedisCoverage(redis).watched(WAITING.drift)
    redis.delete("vmdrift:lock:waker", f"vmdrift:watched:{WAITING.drift.outage.id}")
    with waking(api, store, redis, tmp_path):
        eventually("it is watched again", lambda: watched(redis))
    second = RedisCoverage(redis).watched(WAITING.drift)
    assert first is not None
    assert second is not None
    assert second.since > first.since


def test_only_one_of_two_watches(api: Api, store: RedisStore, redis: Redis, tmp_path: Path) -> None:
    assert store.acquire("waker", 60) is not None
    seen: list[str] = []
    api.faults.append(lambda request: seen.append(request.verb))
    with waking(api, store, redis, tmp_path):

        def has_asked() -> bool:
            return "cmdstat_smembers" in redis.info("commandstats")

        eventually("it has asked for the outages", has_asked)
    assert "watch" not in seen
