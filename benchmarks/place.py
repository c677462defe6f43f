"""A cluster that stands still, a Valkey, and as many of vm-drift's processes as a figure wants."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from redis import Redis

from reactor.adapters.kubernetes.cluster import KubernetesCluster, connect
from reactor.adapters.redis import connection
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import RqQueue
from simulator.scene import Storage
from tests.support.sites import Roles
from vmdrift.processes import Processes, wait_for

_LONG = 600.0  # seconds; whatever takes longer has failed
KEEP = 3600.0  # seconds for which what has ended is kept


def window(seconds: float) -> Mapping[str, str]:
    """Settings: a lost node is given up after so long, and must have been silent for a part of that, as by default.

    So the window is what is waited for, and not the time that taking in took.
    """
    return {"VMDRIFT_UNREACHABLE_WINDOW": f"{seconds:g}", "VMDRIFT_VIRT_HANDLER_GRACE": f"{0.6 * seconds:g}"}


class Place(Roles):
    """All of it. `settings`: environment variables for vm-drift's processes."""

    def __init__(
        self, processes: Processes, folder: Path, cluster: tuple[str, ...], settings: Mapping[str, str]
    ) -> None:
        super().__init__(processes, folder)
        self._settings = settings
        command = [sys.executable, "-m", "benchmarks.still", str(folder), *cluster]
        self._cluster = processes.start("cluster", command, talks=True)
        self.url = str(self._heard()["url"])
        self.redis: Redis = connection.connect(self.redis_url)
        self.store = RedisStore(self.redis, KEEP)
        self.queue = RqQueue(self.redis, time.time, KEEP)

    def env(self, role: str = "drifts") -> Mapping[str, str]:
        """What one of vm-drift's processes needs."""
        return {
            "VMDRIFT_POLICY": "auto",
            **self._settings,
            "VMDRIFT_REDIS_URL": self.redis_url,
            "KUBECONFIG": str(self.folder / f"{role}.kubeconfig"),
        }

    def cluster(self, role: str = "drifts") -> KubernetesCluster:
        """The product's own adapter of the cluster, as this role."""
        return connect(str(self.folder / f"{role}.kubeconfig"), 30.0)

    def until(self, what: str, true: Callable[[], bool]) -> float:
        """Wait until it is true; when that was. RuntimeError if it takes too long, or a process died."""
        if not wait_for(lambda: true() or bool(self.processes.dead()), _LONG) or not true():
            raise RuntimeError(f"not within {_LONG:g} s: {what}; {self._last_words()}")
        return time.time()

    def workers(self, number: int) -> None:
        """Wait until so many of RQ's workers are there."""
        self.until(f"{number} workers", lambda: self.redis.scard("rq:workers") >= number)

    def ask(self, do: str, **order: Any) -> Any:
        """One order to the cluster, and its answer."""
        if self._cluster.stdin is None:
            raise RuntimeError("the cluster has no ears")
        self._cluster.stdin.write(json.dumps({"do": do, **order}).encode() + b"\n")
        self._cluster.stdin.flush()
        return self._heard()

    def requests(self, *roles: str) -> int:
        """How many of these roles since the last `forget`."""
        return sum(number for user, _, _, number in self.ask("requests") if user in roles)

    def deleted(self) -> int:
        """How many launcher pods we deleted since the last `forget`."""
        time.sleep(0.1)  # asking takes the cluster's time, too
        return sum(n for *what, n in self.ask("requests") if what == ["drifts", "delete", "pods"])

    def memory(self) -> int:
        """What Valkey's data takes, in bytes."""
        return int(self.redis.info("memory")["used_memory"])

    def _heard(self) -> Any:
        line = self._cluster.stdout.readline() if self._cluster.stdout else b""
        if not line:
            raise RuntimeError(f"the cluster ended: {self.processes.log('cluster').read_text()[-2000:]}")
        return json.loads(line)

    def _last_words(self) -> str:
        return "; ".join(f"{name}: {self.processes.log(name).read_text()[-500:]}" for name in self.processes.dead())


@contextmanager
def place(
    nodes: int,
    lost: int,
    vms: int,
    settings: Mapping[str, str] = MappingProxyType({}),
    storage: Storage = Storage.CONTAINER_DISK,
) -> Iterator[Place]:
    """A place for one measurement; nothing of it is left. `vms` on each of the `lost` nodes."""
    with TemporaryDirectory(prefix="vmd-") as name, Processes(Path(name)) as processes:
        yield Place(processes, Path(name), (str(nodes), str(lost), str(vms), storage.value), settings)
