"""What really happens, beyond what the API shows: machines, power, network, processes and who writes to disks.

Kubelets register processes here. Nobody fences anything by itself: a VM that is started while its old process lives on
behind a cut network runs **twice**, and `double_runs` remembers it; `double_writes` remembers the disks that two
machines could write to. Ceph's own guards (exclusive locks, watchers) are
not simulated, so this shows the worst case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

VmKey = tuple[str, str]  # namespace, name
MACHINES = "machines"  # what the hypervisor's changes are called among resource names
_FIRMWARE = UUID("5f0d2c0e-7b1c-4e55-9d0a-3c1f6a1e8b42")  # ours, made up: the space of all machines' names


@dataclass
class Machine:
    """One host. `network` is its way to the API server, `storage` its way to the disks.

    `skew`: seconds by which its clock is ahead of the API server's, negative for behind.
    """

    node: str
    powered: bool = True
    kubelet_alive: bool = True
    virt_handler_alive: bool = True
    network: bool = True
    storage: bool = True
    boots: int = 1
    skew: float = 0.0

    def clock(self, now: float) -> float:
        """What its clock shows at `now`: the time in its Lease, its conditions and virt-handler's heartbeat."""
        return now + self.skew

    @property
    def boot_id(self) -> str:
        """As in `status.nodeInfo.bootID`: another one after each power on."""
        return f"{self.node}-boot{self.boots}"

    @property
    def system_uuid(self) -> str:
        """As in `status.nodeInfo.systemUUID`, the firmware's: the same for as long as the machine exists."""
        return str(uuid5(_FIRMWARE, self.node))

    @property
    def identity(self) -> dict[str, str]:
        """What its kubelet reports of it in `status.nodeInfo`."""
        return {"bootID": self.boot_id, "systemUUID": self.system_uuid}

    @property
    def kubelet_works(self) -> bool:
        """Whether the kubelet runs and reaches the API server."""
        return self.powered and self.kubelet_alive and self.network

    @property
    def virt_handler_works(self) -> bool:
        """Whether virt-handler runs and reaches the API server."""
        return self.powered and self.virt_handler_alive and self.network


@dataclass(frozen=True)
class Process:
    """What a pod runs: the guest of `vm`, or None for a pod that only holds `disks`.

    `disks` are what it can write to: CSI volume handles, or names of volumes without one.
    """

    node: str
    pod_uid: str
    vm: VmKey | None = None
    disks: frozenset[str] = frozenset()


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


@dataclass
class Hypervisor:
    """All machines and processes. `listeners` are called after each change of a machine, with `MACHINES`.

    In real time a test pulls plugs from another thread than the kubelets: whoever reads processes reads a copy.
    """

    machines: dict[str, Machine] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    double_runs: list[DoubleRun] = field(default_factory=list)
    double_writes: list[DoubleWrite] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)
    version: int = 0

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
        self.processes[process.pod_uid] = process
        self._note_writers(process, now)

    def stop(self, pod_uid: str) -> None:
        """A pod's process ends; nothing happens when there is none."""
        self.processes.pop(pod_uid, None)

    def running(self, vm: VmKey) -> list[str]:
        """The nodes on which a VM runs now, whatever the API says; more than one means twice."""
        return sorted({process.node for process in tuple(self.processes.values()) if process.vm == vm})

    def on(self, node: str) -> list[Process]:
        """The processes of one machine."""
        return [process for process in tuple(self.processes.values()) if process.node == node]

    def writers(self, disk: str) -> list[str]:
        """The nodes from which something can write to a disk (CSI volume handle) now."""
        return sorted(
            {p.node for p in tuple(self.processes.values()) if disk in p.disks and self.machines[p.node].storage}
        )

    def power_cut(self, node: str) -> None:
        """The machine is off: kubelet, virt-handler and every process die at once."""
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

    def block_storage(self, node: str) -> None:
        """The node's storage clients are fenced off: its processes can no longer write."""
        self._set(node, storage=False)

    def unblock_storage(self, node: str, now: float = 0.0) -> None:
        """The node's storage clients are let in again, at `now`: what still runs there writes again."""
        self._set(node, storage=True)
        for process in self.on(node):
            self._note_writers(process, now)

    def set_clock(self, node: str, skew: float) -> None:
        """The node's clock is `skew` seconds ahead of the API server's from now on, behind if negative."""
        self._set(node, skew=skew)

    def _note_writers(self, process: Process, now: float) -> None:
        for disk in sorted(process.disks):
            nodes = tuple(self.writers(disk))
            if len(nodes) > 1 and process.node in nodes:
                self.double_writes.append(DoubleWrite(disk, nodes, now))

    def _set(self, node: str, **state: bool | float) -> None:
        for name, value in state.items():
            setattr(self.machines[node], name, value)
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for listener in self.listeners:
            listener(MACHINES)
