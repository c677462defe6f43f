"""The simulated story: a cluster, a power cut, and what a good end looks like."""

import json
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from reactor.model.drift import Phase, Record
from reactor.model.errors import ClusterUnreachable, SettingsError
from reactor.model.recovery import recoveries
from vmdrift.processes import Processes

WINDOW, GRACE, DETACH, RESYNC = 300.0, 180.0, 360.0, 60.0  # seconds, the real ones


class Demo:
    """The simulated cluster in a process of its own. `times`: how much faster it runs; `vms`: 0 for the demo's own.

    `rules`: the manifest whose RBAC it enforces; without one everybody may do everything.

    Raises SettingsError where only the package is installed, or for a factor that compresses a window below 10 s.
    """

    def __init__(
        self, processes: Processes, folder: Path, times: float, vms: int = 0, rules: Path | None = None
    ) -> None:
        if not 1 <= times <= WINDOW / 10:
            raise SettingsError(
                f"--factor: {times:g} is not from 1 to {WINDOW / 10:g}; a window must last at least 10 s"
            )
        # Signals wait: what a handler raises inside a class statement comes out of it as a RuntimeError (Python 3.11).
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            from simulator.process import scene_for  # noqa: PLC0415 - not in the package
            from simulator.scene import LOST, Storage  # noqa: PLC0415 - same
        except ImportError as error:
            message = f"the simulated cluster is only in the source tree; start it there with `make run`: {error}"
            raise SettingsError(message) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        self.lost, self._times, self._folder = LOST, times, folder
        on_lost = [vm for vm in scene_for(times, vms).vms if vm.node == LOST]
        stays = {f"{vm.namespace}/{vm.name}" for vm in on_lost if vm.pinned or vm.storage is Storage.LOCAL}
        self.expected = {
            name: Phase.REFUSED if name in stays else Phase.COMPLETED
            for name in (f"{vm.namespace}/{vm.name}" for vm in on_lost)
        }
        command = [
            sys.executable,
            "-m",
            "simulator",
            str(folder),
            str(times),
            str(vms),
            *([str(rules)] if rules else []),
        ]
        self._process = processes.start("cluster", command, talks=True)
        self.url = str(self._answer()["url"])

    @property
    def env(self) -> Mapping[str, str]:
        """The settings for a cluster that runs faster; the others as the story needs them, whatever is set outside."""
        return {
            "VMDRIFT_POLICY": "auto",
            "VMDRIFT_DETACH_POLICY": "wait",
            "VMDRIFT_TENANTS_MAY": "detach",  # shop/queue asks to be detached at once
            "VMDRIFT_MIN_AVAILABLE_NODES": "2",
            "VMDRIFT_UNREACHABLE_WINDOW": f"{WINDOW / self._times:f}",
            "VMDRIFT_VIRT_HANDLER_GRACE": f"{GRACE / self._times:f}",
            "VMDRIFT_DETACH_WINDOW": f"{DETACH / self._times:f}",
            "VMDRIFT_RESYNC": f"{max(1.0, RESYNC / self._times):f}",
        }

    def kubeconfig(self, role: str) -> Path:
        """The kubeconfig file of `watcher`, `intake`, `drifts`, `operator` (all of them in one) or `admin`."""
        return self._folder / f"{role}.kubeconfig"

    def story(self) -> list[str]:
        """Where it happens, how fast, and what is going to happen."""
        window, detach = WINDOW / self._times, DETACH / self._times
        return [
            f"API server: {self.url}",
            f"  kubectl --kubeconfig {self.kubeconfig('admin')} get vmi -A",
            f"Time runs {self._times:g} times faster: the window of {WINDOW:g} s lasts {window:g} s here,",
            f"Kubernetes' detach window of {DETACH:g} s lasts {detach:g} s.",
            f"Now the power of {self.lost} fails; {len(self.expected)} VMs run there.",
        ]

    def cut_power(self) -> None:
        """Pull the plug."""
        self.ask(do="power_cut", node=self.lost)

    def ask(self, **order: str) -> Any:
        """One order to the simulated cluster, and its answer."""
        if self._process.stdin is None:
            raise ClusterUnreachable("the simulated cluster takes no commands")
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise ClusterUnreachable(f"the simulated cluster ended; see {self._folder / 'cluster.log'}")
        return json.loads(line)

    def ended(self, records: Sequence[Record]) -> bool:
        """Every VM that ran on the lost node has a drift, and each has ended."""
        return len(records) >= len(self.expected) and all(record.phase.is_end for record in records)

    def faults(self, records: Sequence[Record]) -> list[str]:
        """What did not end as it should, by the records and by what really happened; empty if all is well."""
        truth = self.ask(do="truth")
        faults = self._bad_deletes()
        faults += [f"{double['vm']} ran twice, on {', '.join(double['nodes'])}" for double in truth["twice"]]
        phases = {str(record.drift.vm): record.phase for record in records}
        for vm, phase in self.expected.items():
            if phases.get(vm) is not phase:
                faults.append(f"{vm} ended as {phases.get(vm, 'nothing')}, not as {phase}")
            runs = len(truth["running"][vm])
            if runs != (phase is Phase.COMPLETED):
                faults.append(f"{vm} really runs on {runs} nodes")
        return faults

    def praise(self, records: Sequence[Record]) -> list[str]:
        """The good end in figures."""
        moved = recoveries(records)
        pods = sum(entry["resource"] == "pods" for entry in self._deletes())
        return [
            f"{len(moved)} VMs run elsewhere, {len(records) - len(moved)} rightly stayed; none ran twice.",
            f"{pods} launcher pods were force-deleted, each by one DELETE with a uid precondition.",
            f"Median from Unknown to running elsewhere: {median(moved):.0f} s.",
        ]

    def _deletes(self) -> list[dict[str, Any]]:
        """Every DELETE that vm-drift sent, from the cluster's audit."""
        return [entry for entry in self.ask(do="audit") if entry["verb"] == "delete" and "vm-drift" in entry["user"]]

    def _bad_deletes(self) -> list[str]:
        """DELETEs that could have hit another object, or were sent twice."""
        deletes = self._deletes()
        sent = Counter(f"{entry['resource']} {entry['namespace']}/{entry['name']}" for entry in deletes)
        faults = [f"{name} got {times} DELETEs" for name, times in sent.items() if times > 1]
        without_uid = [entry["name"] for entry in deletes if not entry["uid_precondition"]]
        return faults + [f"{name} was deleted without a uid precondition" for name in without_uid]
