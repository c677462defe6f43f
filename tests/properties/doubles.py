"""VMs that ran twice, and disks with two writers: each is in a column that is documented, or it is wrong.

silent      it was released by silence, as documented, from a node that lived: silence is no proof
lied        by the word of somebody entitled (a BMC, an operator, a person) that was not true, and not refuted before
cut off     where a fence blocks its disks it may run on; it writes no more (runs only)
Kubernetes  somebody deleted the Node, so Kubernetes itself let go of what was on it
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.machines.hypervisor import DoubleRun, DoubleWrite
from simulator.world import World
from tests.properties.heard import Heard
from tests.support.visible import Visible

RUN, WRITE = "double runs", "double writers"


@dataclass
class Doubles:
    """`blind`: VM and node of each release by silence of a VM that ran there. `lied`: nodes and boots of which somebody
    said what was not so. `counts`: how many are in which column.
    """

    world: World
    visible: Visible
    wrong: list[str]
    blind: set[tuple[str, str]] = field(default_factory=set)
    lied: set[tuple[str, str]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.world.hypervisor.double_runs = Heard(self._ran)
        self.world.hypervisor.double_writes = Heard(self._wrote)

    def _ran(self, run: DoubleRun) -> None:
        self._count(RUN, run, next(self._columns(run.vm[1], run.nodes, runs=True), ""))

    def _wrote(self, write: DoubleWrite) -> None:
        self._count(WRITE, write, next(self._columns(vm_of(write.disk), write.nodes, runs=False), ""))

    def _columns(self, vm: str, nodes: tuple[str, ...], *, runs: bool) -> Iterator[str]:
        machines = self.world.hypervisor.machines
        if any((vm, node) in self.blind for node in nodes):
            yield "silent"
        if any((node, machines[node].boot_id) in self.lied for node in nodes):
            yield "lied"
        if runs and any(not machines[node].storage for node in nodes):
            yield "cut off"
        if set(nodes) & self.visible.gone.keys():
            yield "Kubernetes"

    def _count(self, what: str, found: DoubleRun | DoubleWrite, column: str) -> None:
        self.counts[f"{what}, {column or 'wrong'}"] += 1
        if not column:
            self.wrong.append(f"{found}, and nothing that is documented explains it")


def vm_of(disk: str) -> str:
    """Whose it is, as the scenes name disks: "...-default-VM-VOLUME"."""
    return disk.partition("-default-")[2].rpartition("-")[0]
