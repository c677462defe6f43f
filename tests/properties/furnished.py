"""A cluster around one VM: what the VM asks of a node, by whatever way, and what the nodes have of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.client import Client, Obj
from simulator.scene import Scene, Vm, add_vm, is_up, staged
from simulator.world import World

NODES = ("node-a", "node-b", "node-c", "node-d")
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
UNREACHABLE = "node.kubernetes.io/unreachable"
SELECTOR = "openshift.io/node-selector"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
# What nodes may have or lack, and the VM ask for: CPU, firmware, size, pool.
LABELS: Mapping[str, str] = {
    "cpumanager": "true",
    "kubevirt.io/realtime": "true",
    "kubevirt.io/sev": "true",
    "cpu-model.node.kubevirt.io/Haswell": "true",
    "cpu-feature.node.kubevirt.io/pcid": "true",
    "hyperv.node.kubevirt.io/synic": "true",
    "machine-type.node.kubevirt.io/pc": "true",
    "pool": "gpu",
    "env": "prod",
    "cores": "32",
}
GROUP = {"matchLabels": {"group": "db"}}


@dataclass(frozen=True)
class Neighbour:
    """A pod beside the VM; `apart`: it wants no pod of the group in its domain of this key."""

    node: str
    namespace: str
    labels: Mapping[str, str]
    apart: str


@dataclass(frozen=True)
class Cluster:
    """`lacking`: labels that the others do not have; `edited`: merged into the template when the VM runs."""

    vm: Vm
    edited: Mapping[str, Any]
    lacking: tuple[frozenset[str], ...]
    taints: tuple[tuple[Obj, ...], ...]
    neighbours: tuple[Neighbour, ...]
    selector: str

    def world(self) -> World | None:
        """As it is when the VM runs, and was edited; None where it does not start."""
        world = staged(Scene(NODES, ()))
        admin = world.api.client("system:admin")
        self._furnish(admin)
        add_vm(admin, self.vm)
        if not world.run(lambda: is_up(world.store, self.vm), 120):
            return None
        if self.edited:
            admin.patch("virtualmachines", "vm", {"spec": {"template": {"spec": dict(self.edited)}}}, "default")
        world.run_for(10)
        return world

    def _furnish(self, admin: Client) -> None:
        for index, name in enumerate(NODES):
            lacking, taints = (self.lacking[index - 1], self.taints[index - 1]) if index else (frozenset(), ())
            labels = {key: value for key, value in LABELS.items() if key not in lacking}
            labels[ZONE] = "east" if index % 2 else "west"
            patch = {"metadata": {"labels": labels}, "spec": {"taints": list(taints) or None}}
            admin.patch("nodes", name, patch)
        admin.create("namespaces", {"metadata": {"name": "other", "labels": {"kubernetes.io/metadata.name": "other"}}})
        if self.selector:
            admin.patch("namespaces", "default", {"metadata": {"annotations": {SELECTOR: self.selector}}})
        for number, neighbour in enumerate(self.neighbours):
            admin.create("pods", _pod(number, neighbour))


def _pod(number: int, neighbour: Neighbour) -> Obj:
    affinity = apart(neighbour.apart) if neighbour.apart else {}
    spec = {"nodeName": neighbour.node, "containers": [{"name": "main"}], "affinity": affinity}
    meta = {"name": f"pod-{number}", "namespace": neighbour.namespace, "labels": dict(neighbour.labels)}
    return {"metadata": meta, "spec": {**spec, "tolerations": [{"operator": "Exists"}]}}


def apart(key: str, **term: Any) -> Obj:
    return {"podAntiAffinity": {REQUIRED: [{"labelSelector": GROUP, "topologyKey": key, **term}]}}


def near(key: str, **term: Any) -> Obj:
    return {"podAffinity": {REQUIRED: [{"labelSelector": GROUP, "topologyKey": key, **term}]}}


def on_nodes(*rules: tuple[str, str, list[str]]) -> Obj:
    told = [{"key": key, "operator": operator, "values": values} for key, operator, values in rules]
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": told}]}}}


def spread(key: str, skew: int, **more: Any) -> list[Obj]:
    rule = {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": GROUP}
    return [{**rule, **more}]


def on_node(name: str) -> Obj:
    return {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [name]}]}


def wished(affinity: Obj) -> Obj:
    """An affinity that would like node-a best."""
    nodes = affinity.get("nodeAffinity", {})
    wish = {"weight": 100, "preference": on_node(NODES[0])}
    return {**affinity, "nodeAffinity": {**nodes, "preferredDuringSchedulingIgnoredDuringExecution": [wish]}}


GROUPED: list[Obj] = [{}, {"group": "db", "version": "1"}, {"group": "db", "version": "2"}]
