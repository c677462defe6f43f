"""Clusters drawn at random around one VM."""

from hypothesis import strategies as st

from simulator.client import Obj
from simulator.scene import Storage, Vm
from tests.properties.furnished import (
    GROUPED,
    HOSTNAME,
    LABELS,
    NODES,
    UNREACHABLE,
    ZONE,
    Cluster,
    Neighbour,
    apart,
    near,
    on_nodes,
    spread,
    wished,
)

_MORE_OF_A_SPREAD: list[Obj] = [{"nodeTaintsPolicy": "Honor"}, {"minDomains": 3}, {"matchLabelKeys": ["version"]}]
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
_AFFINITIES: list[Obj] = [
    {},
    apart(HOSTNAME),
    apart(ZONE),
    near(HOSTNAME),
    near(ZONE),
    apart(HOSTNAME, namespaces=["other"]),
    apart(HOSTNAME, matchLabelKeys=["version"]),
    near(ZONE, namespaces=["default", "other"]),
    on_nodes(("cores", "Gt", ["16"])),
    on_nodes((ZONE, "In", ["west"]), ("cores", "Lt", ["64"])),
]
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
def _spreads(draw: st.DrawFn, *, marked: bool) -> list[Obj]:
    """`marked`: KubeVirt's mark on the lost node has come, which by nodeAffinityPolicy Honor takes it out."""
    if draw(st.booleans()):
        return []
    more: Obj = {"nodeAffinityPolicy": "Ignore"} if marked or draw(st.booleans()) else {}
    if draw(st.booleans()):
        more |= draw(st.sampled_from(_MORE_OF_A_SPREAD))
    return spread(draw(st.sampled_from([HOSTNAME, ZONE])), draw(st.integers(1, 2)), **more)


@st.composite
def _vms(draw: st.DrawFn, *, marked: bool) -> Vm:
    template: Obj = {
        "domain": draw(st.sampled_from(_DOMAINS)),
        "affinity": draw(st.sampled_from(_AFFINITIES)),
        "topologySpreadConstraints": draw(_spreads(marked=marked)),
        "tolerations": draw(_TOLERATIONS),
    }
    kind = draw(st.sampled_from(_INSTANCETYPES))
    if not (kind and "nodeSelector" in kind):
        template["nodeSelector"] = draw(st.sampled_from(_SELECTORS))
    template["affinity"] = wished(template["affinity"])
    return Vm(
        "vm",
        draw(st.sampled_from([Storage.CONTAINER_DISK, Storage.RBD_BLOCK])),
        template={name: value for name, value in template.items() if value},
        labels=draw(st.sampled_from(GROUPED)),
        instancetype=kind,
        preference=draw(st.sampled_from(_PREFERENCES)),
        tracked=draw(st.sampled_from([False, False, False, True])),
    )


_NEIGHBOURS = st.builds(
    Neighbour,
    st.sampled_from(NODES),
    st.sampled_from(["default", "default", "other"]),
    st.sampled_from(GROUPED),
    st.sampled_from(["", "", HOSTNAME, ZONE]),
)
# None of them contradicts an instance type.
_EDITS: list[Obj] = [
    {},
    {},
    {"domain": {"cpu": {"features": [{"name": "pcid"}]}}},
    {"domain": {"cpu": {"features": [{"name": "pcid", "policy": "forbid"}]}}},
    {"domain": {"machine": {"type": "pc"}}},
    {"domain": {"features": {"hyperv": {"synic": {}}}}},
    {"affinity": apart(HOSTNAME)},
    {"tolerations": [{"key": "dedicated", "operator": "Exists"}]},
]
_EDITS_OF_SIZE: list[Obj] = [
    {"domain": {"cpu": {"model": "Haswell"}}},
    {"domain": {"cpu": {"dedicatedCpuPlacement": True}}},
    {"nodeSelector": {"pool": "gpu"}},
]


@st.composite
def clusters(draw: st.DrawFn, *, marked: bool = False) -> Cluster:
    """Mostly such as the VM starts in. `marked`: it is lost for longer than KubeVirt takes to mark its node."""
    vm = draw(_vms(marked=marked))
    others = range(len(NODES) - 1)
    lacking = st.sets(st.sampled_from(sorted(LABELS)), max_size=4).map(frozenset)
    return Cluster(
        vm,
        draw(st.sampled_from(_EDITS if vm.instancetype else [*_EDITS, *_EDITS_OF_SIZE])),
        tuple(draw(lacking) for _ in others),
        tuple(draw(_TAINTS) for _ in others),
        tuple(draw(st.lists(_NEIGHBOURS, max_size=4))),
        draw(st.sampled_from(["", "", "env=prod"])),
    )
