"""The whole reactor in virtual time: watchers, queue, workers and store as one actor of a simulated world.

`Play` is a scene that is up, with a Reactor in it and an Auditor who looks at all it does.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from reactor.doors.cloudevents import decode
from reactor.doors.queue import RUN_DRIFT, RUN_FENCE, TAKE_EVENT, TAKE_POST, Entry
from reactor.model.drift import Again, Ended, Outcome, Policy, Record
from reactor.model.errors import BadInput, ClusterError, StoreError
from reactor.model.event import NODE_FENCED, Event, watcher_source, worker_source
from reactor.model.identity import Drift, Outage
from reactor.model.node import node_view
from reactor.settings import Settings
from reactor.watch.stream import LISTED
from reactor.watch.watcher import Watcher
from simulator.client import Obj
from simulator.fencing import TEMPLATE
from simulator.scene import Scene, Vm, staged
from simulator.twins.cluster import ApiCluster
from simulator.twins.inbox import MemoryInbox
from simulator.twins.queue import MemoryQueue
from simulator.twins.store import MemoryStore
from simulator.world import World
from tests import schemas
from tests.auditor import FENCING, INTAKE, WORKERS, Auditor
from tests.clocks import ProcessClock
from workers.drift import run_pass
from workers.fence.provider import Provider
from workers.fence.registry import provider
from workers.fencing import FenceTools, look_after, run_fence
from workers.hints import take_post
from workers.intake import take_event
from workers.rq import body
from workers.surroundings import Surroundings
from workers.tools import Tools

WATCHERS = "system:serviceaccount:vm-drift:watcher"
_TROUBLE_RETRY = 5.0  # seconds, as in workers.rq
_RESTART = 8.0  # seconds until a job whose worker was killed is run again
_T = TypeVar("_T", MemoryStore, MemoryQueue)


class KilledError(BaseException):
    """The process is gone in the middle of something; raised by what a test puts into `Reactor.before_call`."""


def no_trouble() -> None:
    """What happens before an API call when nothing happens."""


class Reactor:
    """An actor: some watchers, one queue with its worker, one store. `settings` are the product's.

    `requests` counts the workers' API requests by the job's function; `before_call` runs before each of them.
    """

    name = "reactor"
    watches = ("nodes",)

    def __init__(
        self, world: World, policy: Policy | None = None, store: MemoryStore | None = None, watchers: int = 1
    ) -> None:
        self.world, self.resync = world, Settings().resync
        self.redis = ProcessClock(world.clock)
        self.store = store or MemoryStore(self.redis, world.clock)
        self.queue = MemoryQueue(self.redis, self.handle)
        self.entries: dict[str, Entry] = {}
        self.requests: Counter[str] = Counter()
        self.before_call = no_trouble
        self._function = ""
        uid = world.store.get("namespaces", "kube-system")["metadata"]["uid"]
        cluster = ApiCluster(world.api, WORKERS, self._called)
        policy = policy or Settings().to_policy()
        self.tools = Tools(
            cluster, self.store, self.queue, policy, world.clock, worker_source(uid), Surroundings(world.clock), cluster
        )
        intake = ApiCluster(world.api, INTAKE, self._called)
        self.intake = replace(self.tools, cluster=intake, claims=intake)
        fencing = ApiCluster(world.api, FENCING, self._called)
        self.providers: dict[str, Provider] = {}
        self.fencing = FenceTools(replace(self.tools, cluster=fencing), fencing, self._provider, "vm-drift")
        self.settings = Settings(remediation_template=TEMPLATE)
        self.inbox = MemoryInbox(self.queue, self.redis, Settings().dedup_ttl)
        self._nodes = world.api.client(WATCHERS).informer("nodes")
        self._watchers = [Watcher(self.store, self.queue, watcher_source(uid), self.redis) for _ in range(watchers)]
        self._resync_at: float | None = None

    def step(self, now: float) -> float:
        changes = self._nodes.poll()
        for watcher in self._watchers:
            self._tell(watcher, changes)
        if self._resync_at is None or now >= self._resync_at:
            for watcher in self._watchers:
                watcher.resync()
            self._resync_at = now + self.resync
            self._look_after()
        try:
            due = self.queue.step(self.redis())
        except KilledError:
            due = self.redis() + _RESTART
        return self._resync_at if due is None else min(due - self.redis.ahead, self._resync_at)

    def handle(self, entry: Entry) -> Outcome:
        """Run a job, as `workers.rq` does."""
        self.entries[entry.id], self._function = entry, entry.function
        try:
            return self._outcome(entry)
        except BadInput as error:
            return Ended("malformed", "bad-input", str(error))
        except (ClusterError, StoreError) as error:
            return Again(self.redis() + _TROUBLE_RETRY, "unavailable", str(error))

    def _provider(self, name: str) -> Provider:
        """The product's, unless a test put another one there."""
        if name not in self.providers:
            self.providers[name] = provider(name, self.fencing.cluster, self.settings)
        return self.providers[name]

    def again(self) -> None:
        """Every job that ran or is to run is run once more at this moment: a duplicate, too early or too late."""
        waiting = {job_id: job.entry for job_id, job in self.queue._jobs.items()}
        for entry in (self.entries | waiting).values():
            self.handle(entry)

    def flush(self) -> None:
        """Redis lost everything; the processes live on."""
        _emptied(self.store, MemoryStore(self.redis, self.world.clock))
        _emptied(self.queue, MemoryQueue(self.redis, self.handle))

    def _look_after(self) -> None:
        """What the fencing role does at each resync."""
        if self.tools.policy.fencing:
            with suppress(KilledError, ClusterError):
                look_after(self.fencing)

    def _tell(self, watcher: Watcher, changes: Iterable[tuple[str, Obj]]) -> None:
        if self._resync_at is None:
            watcher.take(LISTED, [node_view(obj) for obj in self._nodes.objects.values()])
            return
        for kind, obj in changes:
            watcher.take(kind, [node_view(obj)])

    def _outcome(self, entry: Entry) -> Outcome:
        if entry.function == RUN_DRIFT:
            return run_pass(Drift.of(body(entry.args)), self.tools)
        if entry.function == RUN_FENCE:
            return run_fence(Outage.of(body(entry.args)), self.fencing)
        if entry.function == TAKE_POST:
            return take_post(body(entry.args), self.inbox, self.intake)
        assert entry.function == TAKE_EVENT
        return take_event(decode(body(entry.args)), self.intake)

    def _called(self) -> None:
        self.requests[self._function] += 1
        self.before_call()


def _emptied(thing: _T, fresh: _T) -> None:
    vars(thing).update(vars(fresh))


@dataclass
class Play:
    """A scene with a Reactor and an Auditor in it."""

    world: World
    reactor: Reactor
    auditor: Auditor
    vms: tuple[Vm, ...]

    @classmethod
    def of(cls, scene: Scene, policy: Policy | None = None, seed: int = 0, watchers: int = 1) -> "Play":
        """The scene is up and the reactor has just been started."""
        world = staged(scene, seed)
        policy = policy or Settings().to_policy()
        auditor = Auditor(world, policy.unreachable_window, policy.virt_handler_grace)
        world.api.faults.append(auditor.sent)
        world.api.late_faults.append(auditor.done)
        reactor = Reactor(world, policy, watchers=watchers)
        world.add(reactor)
        return cls(world, reactor, auditor, scene.vms)

    @property
    def records(self) -> list[Record]:
        """All records, of all outages."""
        return list(self.reactor.store._records.values())

    def record(self, vm: str) -> Record:
        """The newest record of a VM; StopIteration without one."""
        return next(r for r in sorted(self.records, key=lambda r: -r.created_at) if r.drift.vm.name == vm)

    def story(self, vm: str) -> tuple[str, str]:
        """Phase and reason of a VM's newest record, ("", "") without one."""
        known = any(record.drift.vm.name == vm for record in self.records)
        return (self.record(vm).phase.value, self.record(vm).reason) if known else ("", "")

    def outages(self) -> list[Outage]:
        """The outages that are not done with."""
        return [record.outage for record in self.reactor.store.outages()]

    def news(self, vm: str) -> list[str]:
        """What was told of a VM, in order: scheduled, released..."""
        told = [event for _, event in self.reactor.store.events() if event["subject"].endswith(f"/{vm}")]
        return [event["type"].rpartition(".")[2] for event in told]

    def take(self, event: Event) -> None:
        """Another sender's event comes in at this moment."""
        take_event(event, self.reactor.tools)

    def confirm(self, node: str) -> None:
        """Somebody entitled says that this very boot of a node is off."""
        found, now = self.world.store.get("nodes", node), self.world.now
        told = {"uid": found["metadata"]["uid"], "bootID": found["status"]["nodeInfo"]["bootID"], "how": "looked"}
        self.reactor.inbox.accept([Event(NODE_FENCED, "/pdu", f"{now}", node, now, told)], "pdu")
        self.world.remove(self.reactor)  # so that it looks now, and not only when it wanted to
        self.world.add(self.reactor)

    def running(self, vm: str, namespace: str = "default") -> list[str]:
        """Where it really runs."""
        return self.world.hypervisor.running((namespace, vm))

    def restart(self, *, forgetful: bool = False) -> None:
        """The reactor dies and another one starts, with the same store but an empty queue, or with nothing at all."""
        old = self.reactor
        self.world.remove(old)
        self.reactor = Reactor(self.world, old.tools.policy, None if forgetful else old.store)
        self.world.add(self.reactor)

    def until(self, vm: str, *stories: tuple[str, str], limit: float = 1500.0) -> bool:
        """Live until the VM's record has one of these (phase, reason)."""
        return self.world.run(lambda: self.story(vm) in stories, limit)

    def until_ended(self, limit: float = 1500.0) -> bool:
        """Live until there are records and every one of them has ended."""
        return self.world.run(lambda: bool(self.records) and all(r.phase.is_end for r in self.records), limit)

    def check(self) -> None:
        """What must hold in every play without a cut network."""
        self.auditor.check()
        for _, event in self.reactor.store.events():
            schemas.check(event)
        assert self.world.hypervisor.double_runs == []
