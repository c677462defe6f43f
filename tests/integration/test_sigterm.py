"""SIGTERM as Kubernetes sends it, in the middle of the work: nothing is left half-done, and the process ends with 0."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.job import Job, JobStatus

import reactor
from reactor.doors.queue import DRIFTS, EVENTS, SERIALIZER, RqQueue, drift_entry, event_entry
from reactor.doors.store import RedisStore
from reactor.model.drift import Phase
from reactor.model.event import unreachable, watcher_source
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import node_view
from simulator.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.clusters import TOKEN, an_api
from tests.contracts.samples import node
from vmdrift.processes import Processes, wait_for
from vmdrift.valkey import start

WATCH, DRIFT_WORKER, EVENT_WORKER, SCHEDULER = "reactor watch", "workers drifts", "workers events", "workers scheduler"
SIGNALS = pytest.mark.parametrize(
    "signals", [(signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)]
)
ROOT = Path(reactor.__path__[0]).parent
DEADLINE = 30.0  # seconds; Kubernetes' grace period


class Gate:
    """The API server keeps one kind of request waiting until the gate opens; so do all that come after it."""

    def __init__(self, api: Api, verb: str, resource: str, first: int = 1) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._what, self._left = (verb, resource), first
        api.authorize = self._pass

    def _pass(self, _user: str, verb: str, resource: str, _namespace: str) -> bool:
        self._left -= (verb, resource) == self._what
        if self._left == 0 and (verb, resource) == self._what:
            self.reached.set()
            self.opened.wait(DEADLINE)
        return True


@pytest.fixture
def api() -> Api:
    """A cluster that has lost node-a just now, and on it the VM shop/db."""
    api = an_api()
    owner = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "name": "db",
        "uid": "1",
        "controller": True,
    }
    meta = {
        "name": "launcher",
        "namespace": "shop",
        "labels": {"kubevirt.io": "virt-launcher"},
        "ownerReferences": [owner],
    }
    api.store.create("namespaces", {"metadata": {"name": "kube-system"}})
    api.store.create("nodes", node(ready="Unknown", since=int(time.time())))
    api.store.create("virtualmachines", {"metadata": {"name": "db", "namespace": "shop"}, "spec": {}})
    api.store.create("pods", {"metadata": meta, "spec": {"nodeName": "node-a"}})
    return api


@pytest.fixture
def env(redis_url: str, redis: Redis, api: Api, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the processes are started with."""
    redis.ping()
    with ApiServer(api) as server:
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(server.url, TOKEN)))
        yield {
            "VMDRIFT_REDIS_URL": redis_url,
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "VMDRIFT_API_TIMEOUT": "6",
        }


Begin = Callable[[str, Callable[[], bool]], "subprocess.Popen[str]"]


@pytest.fixture
def begin(env: dict[str, str]) -> Iterator[Begin]:
    """Starts a role, and waits until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def begin(role: str, ready: Callable[[], bool]) -> "subprocess.Popen[str]":
        command, more = [sys.executable, "-m", *role.split()], {**os.environ, **env}
        started.append(subprocess.Popen(command, env=more, cwd=ROOT, stderr=subprocess.PIPE, text=True))
        assert wait_for(ready, DEADLINE)
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def idle(redis: Redis) -> bool:
    return any(redis.hget(key, "state") == b"idle" for key in redis.scan_iter("rq:worker:*"))


def ends_well(process: "subprocess.Popen[str]") -> None:
    """By itself, with 0, and with nothing worse to say than what it does."""
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    assert not [line for line in err.splitlines() if json.loads(line)["level"] != "info"]


def the_outage(api: Api) -> Outage:
    with api.lock:
        found = node_view(api.store.get("nodes", "node-a")).outage
    assert found
    return found


def the_drift(api: Api) -> Drift:
    with api.lock:
        vm = api.store.get("virtualmachines", "db", "shop")
    return Drift(VmRef("shop", "db", vm["metadata"]["uid"]), the_outage(api))


@SIGNALS
def test_a_worker_of_drifts_ends_its_pass_before_it_ends_itself(
    begin: Begin, api: Api, redis: Redis, signals: tuple[signal.Signals, ...]
) -> None:
    worker = begin(DRIFT_WORKER, lambda: idle(redis))
    drift, gate = the_drift(api), Gate(api, "get", "nodes")
    queue = RqQueue(redis, time.time, 3600)
    queue.wake(drift_entry(drift), 0)
    assert gate.reached.wait(DEADLINE)
    for number in signals:
        worker.send_signal(number)
    gate.opened.set()
    ends_well(worker)
    record = RedisStore(redis, 3600).record(drift.id)
    assert record
    assert (record.phase, record.reason) == (Phase.WAITING, "unreachable-window")
    assert redis.zscore(f"rq:scheduled:{DRIFTS}", drift.id) is not None
    assert redis.zcard(f"rq:wip:{DRIFTS}") == redis.exists(f"vmdrift:lock:{drift.vm.uid}") == 0


@SIGNALS
def test_a_worker_of_events_ends_its_intake_before_it_ends_itself(
    begin: Begin, api: Api, redis: Redis, signals: tuple[signal.Signals, ...]
) -> None:
    worker = begin(EVENT_WORKER, lambda: idle(redis))
    gate = Gate(api, "list", "pods")
    entry = event_entry(unreachable(the_outage(api), watcher_source("cluster")))
    RqQueue(redis, time.time, 3600).wake(entry, 0)
    assert gate.reached.wait(DEADLINE)
    for number in signals:
        worker.send_signal(number)
    gate.opened.set()
    ends_well(worker)
    store, drift = RedisStore(redis, 3600), the_drift(api)
    assert [known.outage for known in store.outages()] == [drift.outage]
    assert [record.drift for record in store.records(drift.outage.id)] == [drift]
    assert redis.zscore(f"rq:scheduled:{DRIFTS}", drift.id) is not None
    assert Job.fetch(entry.id, redis, SERIALIZER).get_status() == JobStatus.FINISHED


def test_a_worker_takes_no_other_job_once_it_was_asked_to_stop(begin: Begin, api: Api, redis: Redis) -> None:
    worker = begin(EVENT_WORKER, lambda: idle(redis))
    gate, queue = Gate(api, "get", "nodes"), RqQueue(redis, time.time, 3600)
    told = unreachable(the_outage(api), watcher_source("cluster"))
    for number in range(2):
        queue.wake(replace(event_entry(told), id=f"event_{number}"), 0)
    assert gate.reached.wait(DEADLINE)
    worker.send_signal(signal.SIGTERM)
    gate.opened.set()
    ends_well(worker)
    assert redis.lrange(f"rq:queue:{EVENTS}", 0, -1) == [b"event_1"]
    assert redis.llen(f"rq:queue:{EVENTS}:intermediate") == 0


@SIGNALS
def test_a_watcher_in_the_middle_of_its_list_ends(begin: Begin, api: Api, signals: tuple[signal.Signals, ...]) -> None:
    gate = Gate(api, "list", "nodes", first=2)  # the first one only asks whether it may
    watcher = begin(WATCH, gate.reached.is_set)
    for number in signals:
        watcher.send_signal(number)
    try:
        ends_well(watcher)
    finally:
        gate.opened.set()


@SIGNALS
def test_a_scheduler_gives_its_locks_back_and_the_other_takes_them(
    begin: Begin, redis: Redis, signals: tuple[signal.Signals, ...]
) -> None:
    def holders() -> set[Any]:
        return {redis.get(f"rq:scheduler-lock:{name}") for name in (EVENTS, DRIFTS)}

    first = begin(SCHEDULER, lambda: len(holders()) == 1 and None not in holders())
    (holder,) = holders()
    begin(SCHEDULER, lambda: len(list(redis.scan_iter("rq:scheduler:*"))) == 2)
    for number in signals:
        first.send_signal(number)
    ends_well(first)
    assert holder not in holders()
    assert wait_for(lambda: len(holders()) == 1 and None not in holders(), DEADLINE)


def has_begun(redis: Redis) -> bool:
    return idle(redis) or bool(redis.keys("rq:scheduler-lock:*")) or redis.exists("rq:queues") == 1


@pytest.mark.parametrize("role", [WATCH, DRIFT_WORKER, EVENT_WORKER, SCHEDULER])
def test_a_role_that_waits_for_redis_ends(role: str, begin: Begin, env: dict[str, str], tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        env |= {"VMDRIFT_REDIS_URL": start(processes, tmp_path), "VMDRIFT_RESYNC": "1"}
        with Redis.from_url(env["VMDRIFT_REDIS_URL"]) as own:
            process = begin(role, lambda: has_begun(own))
        server = processes._children.pop("valkey")
        server.kill()
        server.wait()
        assert process.stderr
        assert any("trying again" in line for line in process.stderr)  # reads until it says so
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
