"""How evenly pods are to lie over domains: the scheduler's filter for topologySpreadConstraints that must hold.

Source: kubernetes `pkg/scheduler/framework/plugins/podtopologyspread` (`filtering.go`, `common.go`). Only pods of its
namespace that are not Terminating are counted; tainted nodes are domains like any other unless
`nodeTaintsPolicy: Honor`, nodes that the pod's own selectors do not admit only with `nodeAffinityPolicy: Ignore`.
"""

from collections import Counter
from dataclasses import dataclass

from simulator.actors import objects
from simulator.actors.neighbours import Filter
from simulator.actors.nodefit import repelled, selected
from simulator.actors.placed import Placed
from simulator.client import Obj
from simulator.store import labels

UNEVEN = "node(s) didn't match pod topology spread constraints"
UNLABELLED = f"{UNEVEN} (missing required label)"


@dataclass(frozen=True)
class _Constraint:
    """One of a pod's, with what has been counted: domain -> pods."""

    spec: Obj
    pod: Obj
    counts: Counter[str]

    def refusal(self, node: Obj) -> str | None:
        domain = _labels(node).get(self.spec["topologyKey"])
        if domain is None:
            return UNLABELLED
        few = len(self.counts) < (self.spec.get("minDomains") or 1)
        least = 0 if few else min(self.counts.values())
        itself = 1 if _meant(self.spec, self.pod, self.pod) else 0
        return UNEVEN if self.counts[domain] + itself - least > self.spec["maxSkew"] else None


def spread(pod: Obj, placed: Placed) -> Filter | None:
    """The filter for a pod that is to be placed; None where it has no constraint that must hold."""
    specs = [c for c in pod["spec"].get("topologySpreadConstraints") or () if c["whenUnsatisfiable"] == "DoNotSchedule"]
    if not specs:
        return None
    keys = {spec["topologyKey"] for spec in specs}
    nodes = [node for node in placed.nodes() if keys <= _labels(node).keys()]
    constraints = [_Constraint(spec, pod, _counted(spec, pod, nodes, placed)) for spec in specs]
    return lambda node: next((why for one in constraints if (why := one.refusal(node))), None)


def _counted(spec: Obj, pod: Obj, nodes: list[Obj], placed: Placed) -> Counter[str]:
    key = spec["topologyKey"]
    domains = {node["metadata"]["name"]: _labels(node)[key] for node in nodes if _is_domain(spec, pod, node)}
    counts = Counter(dict.fromkeys(domains.values(), 0))
    for other, node in placed.all():
        name, there = node["metadata"]["name"], other["metadata"]["namespace"] == pod["metadata"]["namespace"]
        if name in domains and there and not objects.deleting(other) and _meant(spec, pod, other):
            counts[domains[name]] += 1
    return counts


def _is_domain(spec: Obj, pod: Obj, node: Obj) -> bool:
    if (spec.get("nodeAffinityPolicy") or "Honor") == "Honor" and not selected(pod["spec"], node):
        return False
    return (spec.get("nodeTaintsPolicy") or "Ignore") == "Ignore" or not repelled(pod, node)


def _meant(spec: Obj, pod: Obj, other: Obj) -> bool:
    """Whether another pod is one of those to be spread: selected, and like this one by `matchLabelKeys`."""
    own, present = _labels(pod), _labels(other)
    like = all(present.get(key) == own[key] for key in spec.get("matchLabelKeys") or () if key in own)
    return like and labels.selects(spec.get("labelSelector"), present)


def _labels(obj: Obj) -> Obj:
    return obj["metadata"].get("labels") or {}
