"""A simulated cluster in its own process, a Valkey, and as many of vm-drift's processes as a test wants."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reactor.adapters.redis import connection
from reactor.adapters.redis.store import RedisStore
from reactor.model.drift import Record
from reactor.roles import ON_CLUSTER, ROLES
from tests.support.commands import Done, eventually, vmdrift
from tests.support.places import K8S
from tests.support.policies import FILES
from vmdrift.demo import Demo
from vmdrift.processes import Processes
from vmdrift.valkey import start as start_valkey

TIMES = 30.0  # how many times faster it lives: the window lasts ten seconds, and less is not allowed

# Whose user in Redis, and whose ServiceAccount, a process has.
USERS = {role.module: role.name for role in ROLES}
_COMPONENTS = (K8S / "components" / name / "rbac.yaml" for name in ("fencing", "audit"))
RULES = (K8S / "base" / "rbac.yaml", *_COMPONENTS, *FILES)
ACCOUNTS = {role.name for role in ON_CLUSTER}


class Roles:
    """Vm-drift's processes and their Redis, in `folder`. `urls`: of a Redis that knows a user per role (guarded)."""

    def __init__(self, processes: Processes, folder: Path, urls: Mapping[str, str] | None = None) -> None:
        self.processes, self.folder, self.urls = processes, folder, urls or {}
        self.redis_url = self.urls.get("tester") or start_valkey(processes, folder)
        self._started = 0

    def env(self, role: str = "drifts") -> Mapping[str, str]:
        """What vm-drift needs to find all of it, as one of the cluster's users."""
        del role  # there is no cluster
        return {"VMDRIFT_REDIS_URL": self.redis_url}

    def start(self, *roles: str, **more: str) -> "list[subprocess.Popen[bytes]]":
        """Each a process: "reactor watch", "workers drifts"... with `more` environment variables."""
        return [self._start(words, more) for words in roles]

    def _start(self, words: str, more: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        self._started += 1
        role = USERS.get(words, "drifts")
        account = self.env(role if role in ACCOUNTS else "drifts")
        env = {**account, "VMDRIFT_REDIS_URL": self.urls.get(role, self.redis_url), **more}
        return self.processes.start(f"{self._started}-{words}", [sys.executable, "-m", *words.split()], env)

    def take(self, role: str) -> "subprocess.Popen[bytes]":
        """The first process of a role; whatever becomes of it, nobody is surprised by its death."""
        name = next(name for name in self.processes.children if role in name)
        return self.processes.children.pop(name)

    def kill(self, role: str) -> None:
        """SIGKILL to the first process of a role, and wait for its end."""
        victim = self.take(role)
        victim.kill()
        victim.wait()

    def buried(self) -> list[str]:
        """Those that ended since the last call; nobody is surprised by their death any more."""
        return [name for name in self.processes.dead() if self.processes.children.pop(name).wait() is not None]

    def words_of(self, name: str) -> str:
        """What a process said, for a failed test to show."""
        return f"{name} ended:\n{self.processes.log(name).read_text()}"


class Site(Roles):
    """With a simulated cluster. `vms`: 0 for the demo's own, else so many alike on the node to be lost.

    `manifest`: the RBAC and the admission policies of the installation, where they are not those of k8s/.
    """

    def __init__(
        self,
        processes: Processes,
        folder: Path,
        vms: int = 0,
        urls: Mapping[str, str] | None = None,
        manifest: str = "",
    ) -> None:
        super().__init__(processes, folder, urls)
        rules = folder / "rbac.yaml"
        rules.write_text(manifest or "---\n".join(file.read_text() for file in RULES))
        self.demo = Demo(processes, folder, TIMES, vms, rules)
        self.redis = connection.connect(self.redis_url)
        self.store = RedisStore(self.redis, 3600)

    def env(self, role: str = "drifts") -> Mapping[str, str]:
        return {**self.demo.env, **super().env(role), "KUBECONFIG": str(self.demo.kubeconfig(role))}

    def records(self) -> dict[str, Record]:
        """By VM."""
        outages = self.store.outages()
        return {str(r.drift.vm): r for outage in outages for r in self.store.records(outage.outage.id)}

    def wait_for(self, phase: str, *vms: str) -> None:
        """Until these VMs' drifts are in this phase."""

        def there() -> bool:
            assert not self.processes.dead(), self.words_of(self.processes.dead()[0])
            records = self.records()
            return all(vm in records and records[vm].phase == phase for vm in vms)

        eventually(f"{', '.join(vms)} {phase}", there)

    def audit(self) -> list[dict[str, Any]]:
        """Every request that vm-drift sent to the cluster."""
        return [entry for entry in self.demo.ask(do="audit") if "vm-drift" in entry["user"]]

    def deletes(self, resource: str = "pods") -> list[dict[str, Any]]:
        """Every DELETE that vm-drift sent."""
        return [entry for entry in self.audit() if entry["verb"] == "delete" and entry["resource"] == resource]

    def truth(self) -> Any:
        """Where each VM really runs, and which ran twice."""
        return self.demo.ask(do="truth")

    def status(self, *words: str) -> Done:
        """`vmdrift status`."""
        return vmdrift("status", *words, env=self.env())

    def drifts(self) -> dict[str, dict[str, Any]]:
        """By VM, as `vmdrift status --json` tells them."""
        told = json.loads(self.status("--json").out)
        drifts = [drift for outage in told["outages"] for drift in outage["drifts"]]
        return {f"{d['drift']['vm']['namespace']}/{d['drift']['vm']['name']}": d for d in drifts}
