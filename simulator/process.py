"""The simulated cluster as a process: an API server over HTTP, its actors in real time, and a hand on the plug.

It speaks JSON lines: says `{"url": ...}` when every VM of the scene runs, then answers one line for each line on its
standard input: `{"do": "power_cut" | "power_on" | "cut_network" | "restore_network", "node": NAME}`, `{"do": "truth"}`,
`{"do": "audit"}`, `{"do": "api_down" | "api_up"}`. It ends when its standard input does.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from simulator.actors.cast import Phases, any_phases, cast, control_plane, kubevirt
from simulator.actors.volume_binder import VolumeBinder
from simulator.api.api import Api, allow_all
from simulator.api.rbac import authorizer
from simulator.api.refusing import unplaced
from simulator.apiserver import ApiServer, kubeconfig
from simulator.machines.hypervisor import Hypervisor
from simulator.scene import DEMO, LOST, Scene, Vm, build, is_up
from simulator.store.store import Store
from simulator.timing import Timing
from simulator.world import Actor, RealTime

# A token per role, so that the audit tells who did what; "" is kubectl, which sends no token over plain HTTP.
NAMESPACE = "vm-drift"
USERS = {
    "watcher": "system:serviceaccount:vm-drift:watcher",
    "intake": "system:serviceaccount:vm-drift:intake",
    "drifts": "system:serviceaccount:vm-drift:drifts",
    "fencing": "system:serviceaccount:vm-drift:fencing",
    "receiver": "system:serviceaccount:vm-drift:receiver",
    "audit": "system:serviceaccount:vm-drift:audit",
    # Who runs everything under one kubeconfig, as `vmdrift run` does.
    "operator": "system:serviceaccount:ops:vm-drift",
    "admin": "system:admin",
    "e2e": "system:e2e",
}
_LEAST_GRACE = 5.0  # seconds; a busy machine may be late by a second or two, and no node shall look dead for that
KUBEVIRT_VERSION = "v1.9.0-simulated"
NOTHING = "none"  # instead of a number of VMs: no node and no VM
_UP = 60.0  # seconds
_PLUGS = frozenset({"power_cut", "power_on", "cut_network", "restore_network"})


def faster(times: float) -> Timing:
    """A cluster that lives so many times faster. What its objects declare (tolerations) is left to the scene."""
    timing = Timing().scaled(1 / times)
    grace = max(timing.node_monitor_grace, _LEAST_GRACE)
    return dataclasses.replace(timing, factor=1.0, node_monitor_grace=grace)


def scene_for(times: float, vms: int) -> Scene:
    """The demo, or a crowd of `vms` alike on the node to be lost; evicted as much earlier as the cluster is faster."""
    scene = DEMO
    if vms:
        crowd = tuple(Vm(f"vm-{number:03}", node=LOST, namespace="crowd") for number in range(vms))
        scene = Scene(DEMO.nodes, crowd)
    toleration = round(300 / times)
    return Scene(scene.nodes, tuple(dataclasses.replace(vm, toleration=toleration) for vm in scene.vms))


class Cluster:
    """Everything of it, running. `folder` gets a kubeconfig per user; `rules`: a manifest that they are held to.

    With `vms` None there is no node, no VM and no vm-drift, and nobody but the controllers: somebody else brings
    machines, and the namespaces in which things are created.
    """

    def __init__(self, folder: Path, times: float, vms: int | None = 0, port: int = 0, rules: str = "") -> None:
        self.scene, timing = Scene((), ()) if vms is None else scene_for(times, vms), faster(times)
        self.hypervisor, self.store = Hypervisor(clock=time.time), Store(time.time)
        tokens = {**{f"token-{role}": user for role, user in USERS.items()}, "": "kubectl"}
        self.api = Api(self.store, tokens=tokens, authorize=authorizer(rules, NAMESPACE) if rules else allow_all)
        if "ValidatingAdmissionPolicy" in rules:
            from simulator.api.policies import policies  # noqa: PLC0415 - only tests bring policies, and the CEL library

            self.api.admit = policies(rules, self.store.find)
        self.server = ApiServer(self.api, port=port)
        self._life = RealTime(self._actors(timing, any_phases(0, timing), machines=vms is not None), time.time)
        self.store.listeners.append(self._life.changed)
        self.hypervisor.listeners.append(self._life.changed)
        self._folder, self._machines = folder, vms is not None

    def _actors(self, timing: Timing, phases: Phases, *, machines: bool) -> list[Actor]:
        client_of = self.api.client
        if machines:
            return cast(client_of, self.hypervisor, timing, phases)
        binder = VolumeBinder(client_of("system:serviceaccount:kube-system:persistent-volume-binder"))
        return [*control_plane(client_of, timing, phases), *kubevirt(client_of, timing, phases), binder]

    def start(self) -> str:
        """Bring the scene up; returns the API server's URL."""
        admin = self.api.client("system:admin")
        build(self.scene, admin, self.hypervisor)
        self._install_kubevirt()
        (_install_vm_drift if self._machines else unplaced)(self.api)
        self._life.start()
        end = time.monotonic() + _UP
        while not self._up():
            if time.monotonic() > end:
                raise TimeoutError("the scene does not come up")
            time.sleep(0.05)
        self.server.start()
        for role in USERS:
            config = kubeconfig(self.server.url, f"token-{role}")
            (self._folder / f"{role}.kubeconfig").write_text(yaml.safe_dump(config))
        return self.server.url

    def _install_kubevirt(self) -> None:
        """What KubeVirt's operator says of it. A world in virtual time does without: nobody asks for it there."""
        admin, meta = self.api.client("system:admin"), {"name": "kubevirt", "namespace": "kubevirt"}
        admin.create("kubevirts", {"metadata": meta, "spec": {}})
        told = {"phase": "Deployed", "observedKubeVirtVersion": KUBEVIRT_VERSION}
        admin.patch("kubevirts", "kubevirt", {"status": told}, "kubevirt", "status")

    def stop(self) -> None:
        """End it; raises what went wrong in an actor, if something did."""
        self.server.stop()
        self._life.stop()

    def answer(self, order: Mapping[str, Any]) -> Any:
        """Carry one order out; KeyError for one that is not known."""
        if order["do"] in _PLUGS:
            getattr(self.hypervisor, order["do"])(order["node"])
            return {"done": order}
        if order["do"] in {"api_down", "api_up"}:
            (self.server.stop if order["do"] == "api_down" else self.server.start)()
            return {"done": order}
        return {"truth": self._truth, "audit": self._audit}[order["do"]]()

    def _up(self) -> bool:
        with self.api.lock:
            return all(is_up(self.store, vm) for vm in self.scene.vms)

    def _truth(self) -> dict[str, Any]:
        """Where each VM really runs, and which ran twice."""
        running = {
            f"{vm.namespace}/{vm.name}": self.hypervisor.running((vm.namespace, vm.name)) for vm in self.scene.vms
        }
        twice = [{"vm": "/".join(double.vm), "nodes": double.nodes} for double in self.hypervisor.double_runs]
        return {"running": running, "twice": twice}

    def _audit(self) -> list[dict[str, Any]]:
        with self.api.lock:
            return [dataclasses.asdict(entry) for entry in self.api.audit]


def _install_vm_drift(api: Api) -> None:
    """Its ConfigMaps, as k8s/base has them."""
    for name in ("vm-drift-interventions", "vm-drift-claims", "vm-drift-fencing"):
        api.client("system:admin").create("configmaps", {"metadata": {"name": name, "namespace": NAMESPACE}})


# Its actors and its API server share an interpreter; what takes turns for long makes each answer late by as much.
_TURN = 0.0005  # seconds; Python's own is ten times that


def main(arguments: list[str]) -> None:
    """Arguments: folder, how many times faster, number of VMs (0: the demo's; "none": no nodes, too), RBAC manifest."""
    sys.setswitchinterval(_TURN)
    folder, times, vms, *manifest = arguments
    rules = Path(manifest[0]).read_text() if manifest else ""
    cluster = Cluster(Path(folder), float(times), None if vms == NOTHING else int(vms), rules=rules)
    _say({"url": cluster.start()})
    for line in sys.stdin:
        _say(cluster.answer(json.loads(line)))
    cluster.stop()


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
