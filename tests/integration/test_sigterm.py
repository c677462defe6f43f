"""SIGTERM as Kubernetes sends it, in the middle of the work: nothing is left half-done, and the process ends with 0."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job, JobStatus

from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import DRIFTS, EVENTS, SERIALIZER, RqQueue, drift_entry, event_entry
from reactor.model.drift import Phase
from reactor.model.event import unreachable, watcher_source
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import node_view
from reactor.process import Stop
from reactor.web.server.listening import split
from simulator.actors.objects import owner_reference
from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.clusters import TOKEN, an_api
from tests.contracts.samples import node
from tests.support.commands import descendants, gone
from tests.support.forked import silent
from tests.support.http import ask, free_address
from vmdrift.processes import Processes, wait_for
from vmdrift.valkey import start
from workers.rq.worker import Worker

WATCH, SERVE = "reactor watch", "reactor serve"
DRIFT_WORKER, EVENT_WORKER, SCHEDULER = "workers drifts", "workers intake", "workers scheduler"
ORDERS = [(signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)]
IMPATIENT = (signal.SIGTERM, signal.SIGINT, signal.SIGTERM)  # Kubernetes, and somebody who cannot wait
EVENT = b'{"specversion":"1.0","id":"1","source":"/m","type":"io.vmdrift.node.unreachable","subject":"node-a"}'
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
    vm = api.store.create("virtualmachines", {"metadata": {"name": "db", "namespace": "shop"}, "spec": {}})
    instance = {"name": "db", "namespace": "shop", "uid": "1", "ownerReferences": [owner_reference(vm)]}
    api.store.create("virtualmachineinstances", {"metadata": instance, "status": {"nodeName": "node-a"}})
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


Begin = Callable[[str, Callable[[], bool]], "Role"]


@dataclass
class Role:
    """One that runs, and where it says what it does."""

    words: str
    env: Mapping[str, str]
    log: Path

    def __post_init__(self) -> None:
        with self.log.open("wb") as log:
            self.process = silent(self.words.split(), {**os.environ, **self.env}, log.fileno())

    @property
    def said(self) -> str:
        return self.log.read_text()


@pytest.fixture
def begin(env: dict[str, str], tmp_path: Path) -> Iterator[Begin]:
    """Starts a role, and waits until it is ready."""
    started: list[Role] = []

    def begin(role: str, ready: Callable[[], bool]) -> Role:
        started.append(Role(role, env, tmp_path / f"{len(started)}.log"))
        assert wait_for(ready, DEADLINE), started[-1].said
        return started[-1]

    yield begin
    for role in started:
        role.process.kill()
        role.process.wait()


def idle(redis: Redis) -> bool:
    return any(redis.hget(key, "state") == b"idle" for key in redis.scan_iter("rq:worker:*"))


def ends_well(role: Role) -> None:
    """By itself, with 0, and with nothing worse to say than what it does."""
    assert role.process.wait(DEADLINE) == 0, role.said
    assert not [line for line in role.said.splitlines() if json.loads(line)["level"] != "info"]


def the_outage(api: Api) -> Outage:
    with api.lock:
        found = node_view(api.store.get("nodes", "node-a")).outage
    assert found
    return found


def the_drift(api: Api) -> Drift:
    with api.lock:
        vm = api.store.get("virtualmachines", "db", "shop")
    return Drift(VmRef("shop", "db", vm["metadata"]["uid"]), the_outage(api))


@pytest.fixture
def handlers() -> Iterator[None]:
    """This process' own come back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("signals", ORDERS)
def test_whatever_signals_come_the_first_is_remembered_and_the_others_change_nothing(
    signals: tuple[signal.Signals, ...],
) -> None:
    stop = Stop()
    stop.listen()
    assert not stop.asked()
    first, *others = signals
    signal.raise_signal(first)
    assert stop.asked()
    since = time.monotonic()
    time.sleep(0.05)
    for number in (*others, signals[-1]):
        signal.raise_signal(number)
        assert stop.asked()
    assert stop.is_older_than(time.monotonic() - since)


@pytest.mark.usefixtures("handlers")
def test_rqs_worker_does_not_listen_to_signals_itself(redis: Redis) -> None:
    stop = Stop()
    stop.listen()
    stop.ask()
    Worker(EVENTS, redis, stop)._install_signal_handlers()  # noqa: SLF001 - RQ's own name
    for number in (signal.SIGINT, signal.SIGTERM):
        assert signal.getsignal(number) == stop.ask


def test_a_worker_of_drifts_ends_its_pass_before_it_ends_itself(begin: Begin, api: Api, redis: Redis) -> None:
    worker = begin(DRIFT_WORKER, lambda: idle(redis))
    drift, gate = the_drift(api), Gate(api, "get", "nodes")
    queue = RqQueue(redis, time.time, 3600)
    queue.wake(drift_entry(drift), 0)
    assert gate.reached.wait(DEADLINE)
    stopped(worker, gate)
    record = RedisStore(redis, 3600).record(drift.id)
    assert record
    assert (record.phase, record.reason) == (Phase.WAITING, "unreachable-window")
    assert redis.zscore(f"rq:scheduled:{DRIFTS}", drift.id) is not None
    assert redis.zcard(f"rq:wip:{DRIFTS}") == redis.exists(f"vmdrift:lock:{drift.vm.uid}") == 0


def stopped(role: Role, gate: Gate) -> None:
    """It is told to stop in the middle of its work, several times, may then end that, and ends."""
    for number in IMPATIENT:
        role.process.send_signal(number)
    gate.opened.set()
    ends_well(role)


def test_a_worker_of_events_ends_its_intake_before_it_ends_itself_and_takes_no_other_job(
    begin: Begin, api: Api, redis: Redis
) -> None:
    worker = begin(EVENT_WORKER, lambda: idle(redis))
    gate, queue = Gate(api, "list", "pods"), RqQueue(redis, time.time, 3600)
    entry = event_entry(unreachable(the_outage(api), watcher_source("cluster")))
    queue.wake(entry, 0)
    queue.wake(replace(entry, id="event_next"), 0)
    assert gate.reached.wait(DEADLINE)
    stopped(worker, gate)
    store, drift = RedisStore(redis, 3600), the_drift(api)
    assert [known.outage for known in store.outages()] == [drift.outage]
    assert [record.drift for record in store.records(drift.outage.id)] == [drift]
    assert redis.zscore(f"rq:scheduled:{DRIFTS}", drift.id) is not None
    assert Job.fetch(entry.id, redis, SERIALIZER).get_status() == JobStatus.FINISHED
    assert redis.lrange(f"rq:queue:{EVENTS}", 0, -1) == [b"event_next"]
    assert redis.llen(f"rq:queue:{EVENTS}:intermediate") == 0


def test_a_watcher_in_the_middle_of_its_list_ends(begin: Begin, api: Api) -> None:
    gate = Gate(api, "list", "nodes", first=2)  # the first one only asks whether it may
    watcher = begin(WATCH, gate.reached.is_set)
    for number in IMPATIENT:
        watcher.process.send_signal(number)
    try:
        ends_well(watcher)
    finally:
        gate.opened.set()


def test_a_scheduler_ends_and_the_other_goes_on(begin: Begin, api: Api, redis: Redis) -> None:
    first, _ = (begin(SCHEDULER, lambda count=count: redis.hlen("vmdrift:clocks") == count) for count in (1, 2))
    for number in IMPATIENT:
        first.process.send_signal(number)
    ends_well(first)
    RqQueue(redis, time.time, 3600).wake(drift_entry(the_drift(api)), time.time() + 0.5)
    assert wait_for(lambda: redis.llen(f"rq:queue:{DRIFTS}") == 1, DEADLINE)
    assert wait_for(lambda: redis.exists("rq:scheduler:alive") == 1, DEADLINE)


def receiving(begin: Begin, env: dict[str, str]) -> tuple[Role, tuple[str, int]]:
    """A receiver, and where it is."""
    address = env["VMDRIFT_LISTEN"] = free_address()
    receiver = begin(SERVE, lambda: ask(f"http://{address}/readyz").status == 200)
    return receiver, split(address)


def is_open(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, DEADLINE).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_receiver_answers_what_it_has_begun_to_read_and_ends_with_all_its_processes(
    begin: Begin, env: dict[str, str]
) -> None:
    receiver, address = receiving(begin, env)
    processes = descendants(receiver.process.pid)
    assert len(processes) == 2
    head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/cloudevents+json\r\n"
    with socket.create_connection(address, DEADLINE) as sock:
        sock.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(EVENT)}\r\n\r\n".encode())
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        receiver.process.terminate()
        assert wait_for(lambda: not is_open(address), DEADLINE)
        sock.sendall(EVENT)
        assert sock.recv(65536).startswith(b"HTTP/1.1 202 ")
    ends_well(receiver)
    gone(processes)


def test_a_process_of_the_receiver_that_is_killed_begins_again_and_none_outlives_it(
    begin: Begin, env: dict[str, str]
) -> None:
    receiver, address = receiving(begin, env)
    for pid, _ in descendants(receiver.process.pid):
        os.kill(pid, signal.SIGKILL)
    url = f"http://{address[0]}:{address[1]}/healthz"
    assert wait_for(lambda: all(ask(url).status == 200 for _ in range(8)), DEADLINE)
    processes = descendants(receiver.process.pid)
    assert len(processes) == 2
    receiver.process.kill()
    gone(processes)


def has_begun(redis: Redis) -> bool:
    """All four of them."""
    idle = [key for key in redis.smembers("rq:workers") if redis.hget(key, "state") == b"idle"]
    return len(idle) == 2 and redis.exists("rq:scheduler:alive") == 1 and redis.exists("vmdrift:watcher") == 1


def test_roles_that_wait_for_redis_end(begin: Begin, env: dict[str, str], tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        env |= {"VMDRIFT_REDIS_URL": start(processes, tmp_path), "VMDRIFT_RESYNC": "1"}
        roles = [begin(role, lambda: True) for role in (WATCH, DRIFT_WORKER, EVENT_WORKER, SCHEDULER)]
        with Redis.from_url(env["VMDRIFT_REDIS_URL"]) as own:
            assert wait_for(lambda: has_begun(own), DEADLINE)
        server = processes.children.pop("valkey")
        server.kill()
        server.wait()
        for role in roles:
            assert wait_for(lambda role=role: "trying again" in role.said, DEADLINE)  # type: ignore[misc]
            role.process.send_signal(signal.SIGTERM)
        assert [role.process.wait(DEADLINE) for role in roles] == [0, 0, 0, 0]
