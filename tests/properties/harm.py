"""Machines that were stopped by our fences, and VMs that stay down: what there was against it, and for whom it was."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from reactor.model.drift import Policy
from reactor.model.witness import SUSPICION
from simulator.machines.harm import Stop, VmKey
from simulator.world import World
from tests.properties.excuses import WINDOWS, WITHIN_WINDOWS, excuse
from tests.properties.heard import Heard
from tests.properties.testimony import Testimony
from tests.support.visible import Node, Visible

_KNOWN_FOR = 5.0  # seconds for which a worker may not have heard of what was changed
_FOR_A_RELEASE = 900.0  # seconds; it takes some, unless processes die and API requests fail
_LOOK = 30.0  # seconds between two looks at what is down
_COULD_RUN = 600.0  # seconds for which a VM that nothing keeps from it may be down
_BLUR = 5.0  # seconds that a clock may be wrong without anybody's notice
_LEASE = 40.0  # seconds that a kubelet's Lease lasts
_CALM = 3600.0  # seconds between two losses that are not one trouble
_MANY = 40  # percent of the nodes: more that are lost have something in common, and none of them is fenced


@dataclass
class Harm:
    """`stops` are ours, each with its boot; what there was against one is in `wrong`. `freed`: by node and boot, the
    VMs that proof let go.

    `overtaken`: nodes of which something else became after they were stopped (they came back, were held, or deleted).
    """

    world: World
    visible: Visible
    policy: Policy
    wrong: list[str] = field(default_factory=list)
    stops: list[tuple[Stop, str]] = field(default_factory=list)
    freed: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    overtaken: dict[str, float] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)  # nodes that somebody else stops
    testimony: Testimony | None = None  # where witnesses may shorten VMDRIFT_FENCE_AFTER

    def __post_init__(self) -> None:
        self.world.hypervisor.stops = Heard(self._stopped)

    def for_nothing(self) -> list[str]:
        """The machines that were stopped so long ago, and for no VM that was released by it."""
        old = [(stop, boot) for stop, boot in self.stops if stop.at < self.world.now - _FOR_A_RELEASE]
        idle = [stop for stop, boot in old if not self.freed.get((stop.node, boot))]
        return [f"{stop} for no VM that was released by it" for stop in idle if self._goes_on(stop)]

    def _goes_on(self, stop: Stop) -> bool:
        return self.overtaken.get(stop.node, 0.0) < stop.at

    def bystanders(self) -> int:
        """VMs that lived on a machine that was stopped for others."""
        lived = [({vm[1] for vm in stop.vms}, self.freed.get((stop.node, boot), set())) for stop, boot in self.stops]
        return sum(len(vms - freed) for vms, freed in lived)

    def _stopped(self, stop: Stop) -> None:
        """A machine that is on is about to be stopped; by us?"""
        if stop.by and stop.node not in self.others:
            self.stops.append((stop, self.world.hypervisor.machines[stop.node].boot_id))
            self.wrong += [f"{stop}: {why}" for why in self._objections(stop.node, stop.vms)]

    def _objections(self, name: str, lived: Collection[VmKey]) -> Iterator[str]:
        now, node = self.world.now, self.visible.nodes.get(name)
        if self.policy.mode != "auto":
            yield f"the mode is {self.policy.mode}"
        yield from self.visible.holds(name, {f"vm/{vm[0]}/{vm[1]}" for vm in lived}, now - _KNOWN_FOR)
        if node is None or now < node.ready_at + _KNOWN_FOR:
            return
        if node.ready != "Unknown":
            yield f"the node is {node.ready}"
        elif now < node.sign_at + _LEASE - _BLUR:
            yield f"it gave a sign of life {now - node.sign_at:.0f} s ago"
        elif now < (since := self._silent_since(node)) + self.policy.fence_after - _BLUR:
            yield from self._too_early(name, since)
        lost = self._lost_with(node.ready_at)
        if lost > max(1, len(self.visible.nodes) * _MANY // 100):
            yield f"{lost} of {len(self.visible.nodes)} nodes are lost"

    def _silent_since(self, node: Node) -> float:
        """From the last heartbeat; from the last Lease where virt-handler had been dead for long."""
        return node.beat_at if node.beat_at > node.lease_at - self.policy.fence_after else node.lease_at

    def _too_early(self, name: str, since: float) -> Iterator[str]:
        """Unless witnesses hear nothing of it either."""
        if self.policy.fence_at == SUSPICION and self.testimony:
            yield from self.testimony.objections(name)
        else:
            yield f"it has been silent for {self.world.now - since:.0f} s only"

    def _lost_with(self, since: float) -> int:
        """How many are lost in one trouble with who is lost since then: without an hour of calm in between."""
        times = [self.visible.nodes[name].ready_at for name in self.visible.nodes if self._is_lost(name)]
        for other in sorted(times, reverse=True):
            since = min(since, other) if other > since - _CALM else since
        return sum(other >= since for other in times)

    def _is_lost(self, name: str) -> bool:
        """Those that others proved dead do not count; those that we stopped do."""
        node, ours = self.visible.nodes[name], name in {stop.node for stop, _ in self.stops}
        unknown = node.ready == "Unknown" and node.ready_at < self.world.now - _KNOWN_FOR
        return unknown and (ours or not self.visible.proven(name))


@dataclass
class Downtime:
    """An actor who looks which VMs are down. `overdue`: for how long although nothing excuses it for ten minutes.

    `wanted`: VMs that have to run. `facts`: what excuses it (tests.properties.excuses), and whether that is so.
    """

    world: World
    wanted: Collection[VmKey]
    facts: Callable[[], dict[str, bool]]
    seconds: float = 0.0
    overdue: float = 0.0
    longest: float = 0.0
    excused: Counter[str] = field(default_factory=Counter)
    name: str = "clerk"
    watches: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._at = self._troubled_at = self.world.now
        self._free_since: dict[VmKey, float] = {}

    def step(self, now: float) -> float:
        """What was down since the last look."""
        past, self._at = now - self._at, now
        why = excuse(self.facts() | {WITHIN_WINDOWS: now < self._troubled_at + WINDOWS})
        for vm in self.wanted:
            down = not self.world.hypervisor.running(vm)
            self.seconds += past if down else 0.0
            self.excused[why] += down
            if not down or why:
                self._free_since[vm] = now
            self._count(now - self._free_since.setdefault(vm, now), past)
        return now + _LOOK

    def trouble(self) -> None:
        """Something happened: what is down may be down for that."""
        self._troubled_at = self.world.now
        self._free_since.clear()

    def _count(self, free: float, past: float) -> None:
        self.longest = max(self.longest, free)
        self.overdue += past if free > _COULD_RUN else 0.0
