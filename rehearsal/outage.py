"""An outage of a loaded cluster, played to its end by the product's own processes in virtual time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from reactor.model.drift import Phase, Policy, Record
from reactor.model.identity import VmRef
from rehearsal.course import Course, Part, Script
from rehearsal.reactor import Reactor
from rehearsal.twins.bmc import MachineBmcs
from simulator.client import Obj
from simulator.machines.hypervisor import VmKey
from simulator.world import World
from workers.fencing.providers.redfish import Redfish

_LATEST = 3600.0  # seconds after the windows; what has not run again by then does not
_NOTICED = 120.0  # seconds; by then Kubernetes has called it Unknown, and all of its VMs have been found
_LISTENS = 60.0  # seconds until the watchers have listed all, and published it
_VM = "VirtualMachine"
_LAST_WORDS = 120.0  # seconds in which drifts of VMs that run again come to their end
_STUCK = 600.0  # seconds in which what is blocked may still get on
_RETURNS = 300.0  # seconds after which a node that is back runs what it will run
# Seconds until a pod of a lost node is replaced: Unknown after 40 to 50, evicted 5 later, started 20 later.
_REPLACED = 75.0
_FORGETS = (1.0, 60.0)  # seconds after the loss


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one VM. `down`: seconds until it ran again, None where it did not within the play.

    `node`: where it runs at the end, "" where it does not; `record`: of its drift at the end, None where it had none;
    `twice`: while its old guest lived; `lost_at`: seconds since the epoch.
    """

    vm: VmRef
    lost_on: str
    down: float | None
    node: str
    record: Record | None
    twice: bool = False
    lost_at: float = 0.0

    @property
    def after_release(self) -> float | None:
        """Seconds from the release of its old launcher until it ran; None where there was none, or it does not run."""
        released = self.record.released_at if self.record else None
        return None if released is None or self.down is None else self.lost_at + self.down - released


@dataclass(frozen=True, slots=True)
class _Guest:
    """What runs on a node that is lost. `key`: what the hypervisor calls it, by a label that may be cut short."""

    key: VmKey
    node: str
    vm: VmRef


@dataclass(frozen=True, slots=True)
class _Play:
    """One loss: who plays, who was there, and since when (seconds since the epoch)."""

    reactor: Reactor
    guests: tuple[_Guest, ...]
    begun: float
    course: Course

    @property
    def world(self) -> World:
        return self.reactor.world

    def is_over(self) -> bool:
        """Every VM runs again, or its drift has ended; not before all that is to happen has happened."""
        waiting = [guest for guest in self.guests if not self.world.hypervisor.uptime.runs(guest.key)]
        back = self.course.back_after + _RETURNS if self.course.back_after < inf else 0.0
        if waiting and self.world.now < self.begun + max(_NOTICED, back):
            return False
        ended = {str(record.drift.vm) for record in self.records() if self._is_stuck(record)}
        return all(str(guest.vm) in ended for guest in waiting)

    def _is_stuck(self, record: Record) -> bool:
        """Has it ended, or been blocked for so long that it will be for ever?"""
        windows = self.begun + _longest_wait(self.reactor.policy)
        blocked = record.phase is Phase.BLOCKED and self.world.now > max(record.changed_at, windows) + _STUCK
        return record.phase.is_end or blocked

    def records(self) -> list[Record]:
        """Of all drifts, of outages that go on and that are over."""
        store = self.reactor.store
        return [record for told in (*store.outages(), *store.history()) for record in store.records(told.outage.id)]

    def fate(self, guest: _Guest) -> Played:
        """At the end."""
        own = [record for record in self.records() if str(record.drift.vm) == str(guest.vm)]
        hypervisor = self.world.hypervisor
        nodes, spans = hypervisor.running(guest.key), hypervisor.uptime.spans[guest.key]
        return Played(
            vm=guest.vm,
            lost_on=guest.node,
            down=spans[-1][0] - self.begun if nodes else None,
            node=nodes[0] if nodes else "",
            record=max(own, key=lambda one: one.created_at, default=None),
            twice=any(run.vm == guest.key for run in hypervisor.double_runs),
            lost_at=self.begun,
        )


def played(world: World, lost: Sequence[str], policy: Policy, course: Course | None = None) -> list[Played]:
    """The power of these nodes is cut; what became of each VM that ran there, by name."""
    course = course or Course()
    reactor, bmcs = _installed(world, policy)
    play = _Play(reactor, tuple(_guests(world, lost)), world.now, course)
    world.add(Script(_scenes(play, lost, bmcs)))
    world.run(play.is_over, _longest_wait(policy) + _LATEST)
    world.run(lambda: all(record.phase.is_end for record in play.records()), _LAST_WORDS)
    return sorted((play.fate(guest) for guest in play.guests), key=lambda one: str(one.vm))


def _longest_wait(policy: Policy) -> float:
    """Seconds from a loss until everything that only takes its time has happened."""
    return max(policy.unreachable_window, policy.virt_handler_grace) + policy.detach_window


def _scenes(play: _Play, lost: Sequence[str], bmcs: MachineBmcs) -> Iterable[tuple[float, Callable[[], object]]]:
    hypervisor, reactor, course = play.world.hypervisor, play.reactor, play.course
    if course.proof_after > 0:
        bmcs.hanging |= set(lost)
    for node in lost:
        hypervisor.power_cut(node)
        yield play.begun + course.back_after, partial(hypervisor.power_on, node)
    yield play.begun + course.proof_after, lambda: bmcs.hanging.difference_update(lost)
    if Part.REDIS in course.lose:
        yield from ((play.begun + after, reactor.flush) for after in _FORGETS)
    if Part.WORKER in course.lose:
        reactor.processes["drifts-0"].kill(play.begun, _REPLACED)
    if Part.OWN_NODE in course.lose:
        for process in reactor.processes.values():
            process.kill(play.begun, _REPLACED)
        reactor.flush()


def _guests(world: World, lost: Sequence[str]) -> list[_Guest]:
    instances = {vmi["metadata"]["uid"]: vmi for vmi in world.store.objects("virtualmachineinstances").values()}
    pods = {pod["metadata"]["uid"]: pod for pod in world.store.objects("pods").values()}
    guests = []
    for process in (process for node in lost for process in world.hypervisor.on(node) if process.vm):
        labels = pods[process.pod_uid]["metadata"].get("labels") or {}
        if process.vm and (vmi := instances.get(labels.get("kubevirt.io/created-by", ""))):
            guests.append(_Guest(process.vm, process.node, _ref(vmi)))
    return guests


def _ref(vmi: Obj) -> VmRef:
    """Its VM, or the instance itself where it has none."""
    meta = vmi["metadata"]
    owner = next((owner for owner in meta.get("ownerReferences") or () if owner.get("kind") == _VM), None)
    uid, kind = (owner["uid"], _VM) if owner else (meta["uid"], "VirtualMachineInstance")
    return VmRef(meta["namespace"], meta["name"], uid, kind)


def _installed(world: World, policy: Policy) -> tuple[Reactor, MachineBmcs]:
    """The product as it is there, having heard of everything; and the BMCs of all machines."""
    reactor = Reactor(world, policy, waker=True, suspects=bool(policy.fencing))
    machines = world.hypervisor.machines
    bmcs = MachineBmcs(world.hypervisor, {name: machine.system_uuid for name, machine in machines.items()})
    reactor.providers["redfish"] = Redfish(bmcs)
    world.add(reactor)
    world.run_for(_LISTENS)
    return reactor, bmcs
