"""Clusters drawn at random around one VM: what it asks of a node, by whatever way, and what the nodes have of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from simulator.client import Client, Obj
from simulator.scene import Scene, Storage, Vm, add_vm, is_up, staged
from simulator.world import World

NODES = ("node-a", "node-b", "node-c", "node-d")
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
UNREACHABLE = "node.kubernetes.io/unreachable"
SELECTOR = "openshift.io/node-selector"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
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
_GROUP = {"matchLabels": {"group": "db"}}


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
    affinity = _apart(neighbour.apart) if neighbour.apart else {}
    spec = {"nodeName": neighbour.node, "containers": [{"name": "main"}], "affinity": affinity}
    meta = {"name": f"pod-{number}", "namespace": neighbour.namespace, "labels": dict(neighbour.labels)}
    return {"metadata": meta, "spec": {**spec, "tolerations": [{"operator": "Exists"}]}}


def _apart(key: str, **term: Any) -> Obj:
    return {"podAntiAffinity": {_REQUIRED: [{"labelSelector": _GROUP, "topologyKey": key, **term}]}}


def _near(key: str) -> Obj:
    return {"podAffinity": {_REQUIRED: [{"labelSelector": _GROUP, "topologyKey": key}]}}


def _on_nodes(*rules: tuple[str, str, list[str]]) -> Obj:
    told = [{"key": key, "operator": operator, "values": values} for key, operator, values in rules]
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": told}]}}}


def _spread(key: str, skew: int, **more: Any) -> list[Obj]:
    rule = {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": _GROUP}
    return [{**rule, **more}]


_KEYS = st.sampled_from([HOSTNAME, ZONE])
_INSTANCETYPES: list[Obj | None] = [
    None,
    {"nodeSelector": {"pool": "gpu"}},
    {"cpu": {"guest": 2, "model": "Haswell"}},
    {"cpu": {"guest": 2, "dedicatedCPUPlacement": True}},
    {"cpu": {"guest": 2, "realtime": {}}},
    {"launchSecurity": {"sev": {}}},
]
_PREFERENCES: list[Obj | None] = [
    None,
    {"devices": {"preferredTPM": {"persistent": True}}},
    {"firmware": {"preferredEfi": {"persistent": True}}},
    {"cpu": {"preferredCPUFeatures": [{"name": "pcid", "policy": "require"}]}},
    {"features": {"preferredHyperv": {"synic": {}}}},
]
_DOMAINS: list[Obj] = [
    {},
    {"cpu": {"features": [{"name": "pcid", "policy": "forbid"}]}},
    {"cpu": {"features": [{"name": "pcid", "policy": "optional"}]}},
    {"machine": {"type": "pc"}},
    {"features": {"hyperv": {"synic": {"enabled": False}}}},
    {"devices": {"tpm": {"persistent": True}}},
]
_SELECTORS: list[Obj] = [{}, {"env": "prod"}, {"pool": "gpu"}]
_AFFINITIES = st.one_of(
    st.just({}),
    st.builds(_apart, _KEYS),
    st.builds(_near, _KEYS),
    st.sampled_from([_apart(HOSTNAME, namespaces=["other"]), _apart(ZONE, namespaces=["default", "other"])]),
    st.sampled_from([_on_nodes(("cores", "Gt", ["16"])), _on_nodes((ZONE, "In", ["west"]), ("cores", "Lt", ["64"]))]),
)
# `nodeAffinityPolicy` is said: with Honor, KubeVirt's mark on the lost node decides, which comes some time after.
_SPREADS = st.one_of(
    st.just([]),
    st.builds(_spread, _KEYS, st.integers(1, 2), nodeAffinityPolicy=st.just("Ignore")),
    st.builds(_spread, st.just(ZONE), st.just(1), minDomains=st.integers(1, 3), nodeAffinityPolicy=st.just("Ignore")),
    st.builds(_spread, _KEYS, st.just(1), nodeAffinityPolicy=st.just("Ignore"), nodeTaintsPolicy=st.just("Honor")),
)
_TOLERATIONS = st.lists(
    st.sampled_from(
        [
            {"operator": "Exists"},
            {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30},
            {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 420},
            {"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": 380},
            {"key": "dedicated", "value": "db"},
            {"key": "dedicated", "operator": "Exists", "effect": "NoExecute"},
        ]
    ),
    max_size=2,
)
_TAINTS = st.lists(
    st.sampled_from(
        [
            {"key": "dedicated", "value": "db", "effect": "NoSchedule"},
            {"key": "dedicated", "value": "db", "effect": "NoExecute"},
            {"key": "dedicated", "value": "web", "effect": "NoSchedule"},
            {"key": "soft", "effect": "PreferNoSchedule"},
        ]
    ),
    max_size=1,
).map(tuple)


@st.composite
def _vms(draw: st.DrawFn) -> Vm:
    template = {
        "domain": draw(st.sampled_from(_DOMAINS)),
        "affinity": draw(_AFFINITIES),
        "topologySpreadConstraints": draw(_SPREADS),
        "tolerations": draw(_TOLERATIONS),
    }
    kind = draw(st.sampled_from(_INSTANCETYPES))
    if not (kind and "nodeSelector" in kind):
        template["nodeSelector"] = draw(st.sampled_from(_SELECTORS))
    wish = {"weight": 100, "preference": _on_node(NODES[0])}
    nodes = template["affinity"].get("nodeAffinity", {})
    nodes = {**nodes, "preferredDuringSchedulingIgnoredDuringExecution": [wish]}
    template["affinity"] = {**template["affinity"], "nodeAffinity": nodes}
    return Vm(
        "vm",
        draw(st.sampled_from([Storage.CONTAINER_DISK, Storage.RBD_BLOCK])),
        template={name: value for name, value in template.items() if value},
        labels=draw(st.sampled_from([{}, {"group": "db"}])),
        instancetype=kind,
        preference=draw(st.sampled_from(_PREFERENCES)),
        tracked=draw(st.sampled_from([False, False, False, True])),
    )


def _on_node(name: str) -> Obj:
    return {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [name]}]}


_NEIGHBOURS = st.builds(
    Neighbour,
    st.sampled_from(NODES),
    st.sampled_from(["default", "other"]),
    st.sampled_from([{}, {"group": "db"}]),
    st.sampled_from(["", "", HOSTNAME, ZONE]),
)
_EDITS: list[Obj] = [
    {},
    {},
    {"domain": {"cpu": {"model": "Haswell"}}},
    {"domain": {"cpu": {"dedicatedCpuPlacement": True}}},
    {"tolerations": [{"key": "dedicated", "operator": "Exists"}]},
]


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Mostly such as the VM starts in."""
    vm = draw(_vms())
    others = range(len(NODES) - 1)
    lacking = st.sets(st.sampled_from(sorted(LABELS)), max_size=4).map(frozenset)
    return Cluster(
        vm,
        draw(st.sampled_from(_EDITS if vm.instancetype is None else _EDITS[-1:])),
        tuple(draw(lacking) for _ in others),
        tuple(draw(_TAINTS) for _ in others),
        tuple(draw(st.lists(_NEIGHBOURS, max_size=3))),
        draw(st.sampled_from(["", "", "env=prod"])),
    )
