"""A simulated cluster with VMs on the node to be lost, a Valkey, and vm-drift's processes, each of them twice."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.sites import TIMES, Site
from vmdrift.demo import WINDOW
from vmdrift.processes import Processes, wait_for

WATCHER, SCHEDULER, WORKER = "reactor watch", "workers scheduler", "workers drifts"
KILLED_WORKER = "benchmarks.killed_worker"
_ROLES = (WATCHER, WATCHER, "workers intake", SCHEDULER, SCHEDULER)
_LONG = 180.0  # seconds; whatever takes longer has failed


class RunningSite(Site):
    """All of it, running. `worker` is the module and its arguments that work the queue `drifts`, twice."""

    def __init__(self, processes: Processes, folder: Path, worker: str, vms: int = 1) -> None:
        super().__init__(processes, folder, vms)
        self.children: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.start(*_ROLES, worker, worker)
        self.until("everything has started", self._is_ready)

    def _start(self, words: str, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = super()._start(words, more)
        self.children.setdefault(words, []).append(process)
        return process

    def until(self, what: str, true: Callable[[], bool]) -> None:
        """Wait until it is true; RuntimeError if it takes too long."""
        if not wait_for(true, _LONG):
            raise RuntimeError(f"not within {_LONG:g} s: {what}")

    def due(self) -> float:
        """When the window of the only outage ends, in seconds since the epoch; waits until it is told."""
        self.until("the outage is told", lambda: bool(self.store.outages()))
        return self.store.outages()[0].outage.since + WINDOW / TIMES

    def told(self) -> float:
        """Seconds from when Kubernetes wrote that the node is unreachable until vm-drift had taken that in."""
        self.due()
        written = next(
            entry["time"]
            for entry in reversed(self.requests("nodes", "update", "patch"))
            if entry["name"] == self.demo.lost
            and entry["user"].endswith(":node-controller")
            and entry["time"] <= self.store.outages()[0].seen_at
        )
        return self.store.outages()[0].seen_at - float(written)

    def deleted(self) -> float:
        """Seconds from the end of the window to the DELETE of the launcher pod."""
        due = self.due()
        self.until("the launcher pod is deleted", lambda: bool(self.deleted_launchers()))
        return float(self.deleted_launchers()[0]["time"]) - due

    def requests(self, resource: str, *verbs: str) -> list[dict[str, Any]]:
        """Anybody's requests of these verbs, oldest first."""
        found: list[dict[str, Any]] = self.demo.ask(do="audit")
        return [entry for entry in found if entry["resource"] == resource and entry["verb"] in verbs]

    def deleted_launchers(self) -> list[dict[str, Any]]:
        """The launcher pods that vm-drift deleted."""
        return [entry for entry in self.deletes() if entry["code"] == HTTPStatus.OK]

    def _is_ready(self) -> bool:
        clocks: Any = self.redis.hkeys("vmdrift:clocks")
        started = self.redis.scard("rq:workers") + sum(name.startswith(b"scheduler@") for name in clocks)
        watching = [entry for entry in self.requests("nodes", "watch") if "vm-drift" in entry["user"]]
        return bool(started + len(watching) >= sum(map(len, self.children.values())))


@contextmanager
def running(worker: str = WORKER, vms: int = 1, kind: type[RunningSite] = RunningSite) -> Iterator[RunningSite]:
    """A site for one measurement; nothing of it is left."""
    with TemporaryDirectory(prefix="vmd-") as name, Processes(Path(name)) as processes:
        yield kind(processes, Path(name), worker, vms)


def sleep_until(moment: float) -> None:
    """`moment` in seconds since the epoch."""
    time.sleep(max(0.0, moment - time.time()))
