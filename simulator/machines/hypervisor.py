"""What really happens, beyond what the API shows: machines, power, network, processes and who writes to disks.

Kubelets register processes here. Nobody fences anything by itself: a VM that is started while its old process lives on
behind a cut network runs **twice**, and `double_runs` remembers it; `double_writes` remembers the disks that two
machines could write to. Ceph's own guards (exclusive locks, watchers) are
not simulated, so this shows the worst case.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from simulator.machines.harm import DoubleRun, DoubleWrite, Stop, Uptime, VmKey
from simulator.machines.machine import EVERYTHING, Backend, Machine
from simulator.machines.processes import Process, Processes

__all__ = ["MACHINES", "DoubleRun", "DoubleWrite", "Hypervisor", "Machine", "Process", "Stop", "VmKey"]
MACHINES = "machines"  # what the hypervisor's changes are called among resource names


@dataclass
class Hypervisor:
    """All machines and processes. `listeners` are called after each change of a machine, with `MACHINES`.

    In real time a test pulls plugs from another thread than the kubelets. `clock` is the one true time, seconds since
    the epoch.
    """

    machines: dict[str, Machine] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)
    double_runs: list[DoubleRun] = field(default_factory=list)
    double_writes: list[DoubleWrite] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)
    version: int = 0
    stops: list[Stop] = field(default_factory=list)
    uptime: Uptime = field(default_factory=Uptime)
    clock: Callable[[], float] = lambda: 0.0

    def add_machine(self, node: str) -> Machine:
        """A new machine, powered and connected."""
        self.machines[node] = Machine(node)
        self._changed()
        return self.machines[node]

    def start(self, process: Process, now: float) -> None:
        """A pod's process starts; notes it when its VM or a writer of its disks already runs on another machine."""
        if process.vm:
            others = tuple(node for node in self.running(process.vm) if node != process.node)
            if others:
                self.double_runs.append(DoubleRun(process.vm, (*others, process.node), now))
            self.uptime.up(process.vm, self.clock())
        self.processes.put(process)
        self._note_writers(process, now)

    def stop(self, pod_uid: str) -> None:
        """A pod's process ends; nothing happens when there is none."""
        process = self.processes.drop(pod_uid)
        if process and process.vm and not self.running(process.vm):
            self.uptime.down(process.vm, self.clock())

    def running(self, vm: VmKey) -> list[str]:
        """The nodes on which a VM runs now, whatever the API says; more than one means twice."""
        return sorted({process.node for process in self.processes.of(vm)})

    def on(self, node: str) -> list[Process]:
        """The processes of one machine."""
        return self.processes.on(node)

    def writers(self, disk: str) -> list[str]:
        """The nodes from which something can write to a disk (CSI volume handle) now."""
        writing = self.processes.writing(disk)
        return sorted({p.node for p in writing if self.machines[p.node].reaches(p.on_backend(disk))})

    def power_cut(self, node: str, by: str = "") -> None:
        """The machine is off: kubelet, virt-handler and every process die at once. `by`: whose order, "" for fate."""
        if self.machines[node].powered:
            self.stops.append(Stop(node, self.clock(), by, self._vms(node)))
        self.machines[node].powered = False
        for process in self.on(node):
            self.stop(process.pod_uid)
        self._changed()

    def power_on(self, node: str) -> None:
        """The machine boots, with a new bootID and nothing running."""
        machine = self.machines[node]
        machine.powered, machine.kubelet_alive, machine.virt_handler_alive = True, True, True
        machine.boots += 1
        self._changed()

    def cut_network(self, node: str) -> None:
        """The API server no longer hears the node; its VMs run on."""
        self._set(node, network=False)

    def restore_network(self, node: str) -> None:
        """The node is heard again."""
        self._set(node, network=True)

    def stop_kubelet(self, node: str) -> None:
        """The kubelet dies alone: virt-handler and the VMs live on."""
        self._set(node, kubelet_alive=False)

    def start_kubelet(self, node: str) -> None:
        """The kubelet is back."""
        self._set(node, kubelet_alive=True)

    def stop_virt_handler(self, node: str) -> None:
        """virt-handler dies alone: kubelet and the VMs live on."""
        self._set(node, virt_handler_alive=False)

    def start_virt_handler(self, node: str) -> None:
        """virt-handler is back."""
        self._set(node, virt_handler_alive=True)

    def block_storage(self, node: str, backends: Iterable[Backend] = (EVERYTHING,), by: str = "") -> None:
        """These keep the node's clients out, everything where nothing is said: its processes cannot write there."""
        machine = self.machines[node]
        fresh = {backend for backend in backends if machine.reaches(backend)}
        if fresh and machine.powered:
            self.stops.append(Stop(node, self.clock(), by, self._vms(node, fresh), "storage"))
        self._set(node, blocked=machine.blocked | fresh)

    def unblock_storage(self, node: str, now: float = 0.0, backends: Iterable[Backend] = (EVERYTHING,)) -> None:
        """The node's clients are let in again, at `now`: what still runs there writes again."""
        let_in = set(backends)
        self._set(node, blocked=set() if EVERYTHING in let_in else self.machines[node].blocked - let_in)
        for process in self.on(node):
            self._note_writers(process, now)

    def set_firmware(self, node: str, uuid: str) -> None:
        """The machine bears this system UUID, perhaps another one's, or none (""); its kubelet reports it."""
        self._set(node, firmware=uuid)

    def set_clock(self, node: str, skew: float) -> None:
        """The node's clock is `skew` seconds ahead of the API server's from now on, behind if negative."""
        self._set(node, skew=skew)

    def _note_writers(self, process: Process, now: float) -> None:
        for disk in sorted(process.disks):
            nodes = tuple(self.writers(disk))
            if len(nodes) > 1 and process.node in nodes:
                self.double_writes.append(DoubleWrite(disk, nodes, now))

    def _vms(self, node: str, backends: Collection[Backend] = (EVERYTHING,)) -> tuple[VmKey, ...]:
        """The VMs that run there, or only those that write to these."""
        found = (p for p in self.on(node) if EVERYTHING in backends or {p.on_backend(d) for d in p.disks} & {*backends})
        return tuple(sorted({process.vm for process in found if process.vm}))

    def _set(self, node: str, **state: bool | float | str | set[Backend]) -> None:
        for name, value in state.items():
            setattr(self.machines[node], name, value)
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for listener in self.listeners:
            listener(MACHINES)
