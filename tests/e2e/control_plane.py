"""The simulated control plane for `make e2e`, a process without machines, reached over HTTP only."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes


class ControlPlane:
    """API server, controllers, scheduler, virt-controller, and no node; it lives `times` faster.

    Its kubeconfigs are in `folder`.
    """

    def __init__(self, processes: Processes, folder: Path, times: str) -> None:
        self._folder, self._times = folder, times
        command = [sys.executable, "-m", "simulator", str(folder), times, "none"]
        self._process = processes.start("cluster", command, talks=True)
        self._heard()
        self.surroundings = Surroundings(self._kubeconfig("e2e"), self._kubeconfig("drifts"), times=float(times))

    @property
    def env(self) -> dict[str, str]:
        """What `make e2e` is given."""
        around = self.surroundings
        return {"KUBECONFIG": str(around.kubeconfig), "PRODUCT_KUBECONFIG": str(around.product), "TIMES": self._times}

    def deletes(self) -> list[dict[str, Any]]:
        """Every DELETE that vm-drift sent."""
        assert self._process.stdin
        self._process.stdin.write(b'{"do": "audit"}\n')
        self._process.stdin.flush()
        return [entry for entry in self._heard() if entry["verb"] == "delete" and "vm-drift" in entry["user"]]

    def _kubeconfig(self, user: str) -> Path:
        return self._folder / f"{user}.kubeconfig"

    def _heard(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())
