"""What runs on machines: a process for each pod, found by its machine, its VM or a disk that it can write to."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulator.machines.harm import VmKey
from simulator.machines.machine import NO_BACKEND, Backend


@dataclass(frozen=True)
class Process:
    """What a pod runs: the guest of `vm`, or None for a pod that only holds `disks`.

    `disks` are what it can write to: CSI volume handles, or names of volumes without one; `backends`: where each lies.
    """

    node: str
    pod_uid: str
    vm: VmKey | None = None
    disks: frozenset[str] = frozenset()
    backends: Mapping[str, Backend] = field(default_factory=dict)

    def on_backend(self, disk: str) -> Backend:
        """Where one of its disks lies."""
        return self.backends.get(disk, NO_BACKEND)


_Index = defaultdict[str, dict[str, Process]]  # by pod uid within each


class Processes(Mapping[str, Process]):
    """All of them, by their pod's uid. Lists that are handed out are copies: other threads may start and stop some."""

    def __init__(self) -> None:
        self._all: dict[str, Process] = {}
        self._on: _Index = defaultdict(dict)
        self._writing: _Index = defaultdict(dict)
        self._of: defaultdict[VmKey, dict[str, Process]] = defaultdict(dict)

    def __getitem__(self, pod_uid: str) -> Process:
        return self._all[pod_uid]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def on(self, node: str) -> list[Process]:
        """Those of a machine."""
        return list(self._on[node].values())

    def of(self, vm: VmKey) -> list[Process]:
        """Those that are this VM's guest."""
        return list(self._of[vm].values())

    def writing(self, disk: str) -> list[Process]:
        """Those that have a disk."""
        return list(self._writing[disk].values())

    def put(self, process: Process) -> None:
        """It runs from now on, instead of what its pod ran before."""
        self.drop(process.pod_uid)
        for index in self._indexes(process):
            index[process.pod_uid] = process

    def drop(self, pod_uid: str) -> Process | None:
        """It has ended; None where there was none."""
        process = self._all.get(pod_uid)
        for index in self._indexes(process) if process else ():
            index.pop(pod_uid, None)
        return process

    def _indexes(self, process: Process) -> Iterator[dict[str, Process]]:
        yield self._all
        yield self._on[process.node]
        if process.vm:
            yield self._of[process.vm]
        for disk in process.disks:
            yield self._writing[disk]
