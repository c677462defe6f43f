"""Clusters around one VM in which one rule decides to which random ones seldom come."""

from typing import Any

from simulator.client import Obj
from simulator.scene import Vm
from tests.properties.furnished import (
    GROUPED,
    HOSTNAME,
    NODES,
    UNREACHABLE,
    ZONE,
    Cluster,
    Neighbour,
    apart,
    near,
    spread,
    wished,
)


def _example(
    affinity: Obj | None = None, *pods: tuple[str, str], tainted: int = 0, edited: Obj | None = None, **vm: Any
) -> Cluster:
    """`pods`: node and namespace of pods of the group; `tainted`: so many nodes, the last first."""
    template = {**vm.pop("template", {}), "affinity": wished(affinity or {})}
    taint = ({"key": "dedicated", "value": "web", "effect": "NoSchedule"},)
    taints = tuple(taint if index >= len(NODES) - 1 - tainted else () for index in range(len(NODES) - 1))
    beside = tuple(Neighbour(node, namespace, GROUPED[2], "") for node, namespace in pods)
    return Cluster(Vm("vm", template=template, **vm), edited or {}, (frozenset(),) * 3, taints, beside, "")


def _spreading(key: str, skew: int, **more: Any) -> Obj:
    return {"topologySpreadConstraints": spread(key, skew, **more)}


_B, _C, _D = (("node-b", "default"), ("node-c", "default"), ("node-d", "default"))
# Rules that random clusters seldom come to, each decided by nothing else.
NEIGHBOURS = (
    _example(near(ZONE), _C),
    _example(apart(HOSTNAME, namespaces=["other"]), ("node-c", "other")),
    _example(apart(HOSTNAME, matchLabelKeys=["version"]), _B, labels=GROUPED[1]),
    _example(
        None, _B, _C, _D, labels=GROUPED[1], template={"topologySpreadConstraints": spread(ZONE, 2, minDomains=3)}
    ),
    _example(
        None,
        _B,
        _C,
        tainted=1,
        labels=GROUPED[1],
        template=_spreading(HOSTNAME, 1, nodeAffinityPolicy="Ignore", nodeTaintsPolicy="Honor"),
    ),
)
_TPM: Obj = {"devices": {"preferredTPM": {"persistent": True}}}
_SOON = {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
INSTANCES = (
    _example(preference=_TPM, edited={"tolerations": [{"key": "dedicated", "operator": "Exists"}]}),
    _example(template={"tolerations": [{"operator": "Exists"}, _SOON]}),
    _example(template={"tolerations": [_SOON, {"operator": "Exists"}]}),
)
