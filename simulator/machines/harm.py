"""What was done to VMs and machines, as a judge counts it: run twice, written twice, stopped alive, left down."""

from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

VmKey = tuple[str, str]  # namespace, name


@dataclass(frozen=True)
class DoubleRun:
    """A VM was started on the last of `nodes` while it ran on the others, at `at` (seconds since the epoch)."""

    vm: VmKey
    nodes: tuple[str, ...]
    at: float


@dataclass(frozen=True)
class DoubleWrite:
    """From `at` on (seconds since the epoch) processes on more than one of `nodes` could write to a disk."""

    disk: str
    nodes: tuple[str, ...]
    at: float


@dataclass(frozen=True)
class Stop:
    """A machine that lived lost its power, or its way to some storage, at `at` (seconds since the epoch).

    `by`: whose order it was, as vm-drift names its providers; "" for fate. `vms`: those that ran there, or that wrote
    to that storage. `how`: "power" or "storage".
    """

    node: str
    at: float
    by: str = ""
    vms: tuple[VmKey, ...] = ()
    how: str = "power"


@dataclass
class Uptime:
    """When each VM ran anywhere: spans from second to second, the last one open while it runs."""

    spans: dict[VmKey, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def up(self, vm: VmKey, at: float) -> None:
        """It runs from now on; twice changes nothing."""
        if not self.runs(vm):
            self.spans[vm].append((at, inf))

    def down(self, vm: VmKey, at: float) -> None:
        """It runs no more."""
        if self.runs(vm):
            self.spans[vm][-1] = (self.spans[vm][-1][0], at)

    def runs(self, vm: VmKey) -> bool:
        """Whether its last span is open."""
        return bool(self.spans[vm]) and self.spans[vm][-1][1] == inf

    def seconds_down(self, vm: VmKey, since: float, until: float) -> float:
        """For how long of that time it ran nowhere."""
        ran = (max(0.0, min(end, until) - max(begin, since)) for begin, end in self.spans[vm])
        return until - since - sum(ran)
