"""Is there another node that this VM could run on? Room is not asked for: the VM is down already."""

from collections.abc import Iterable, Mapping
from typing import Any

from reactor.model.drift import Policy
from reactor.model.identity import NodeRef
from reactor.model.node import NodeView, Taint
from workers.decide.decision import Held, Judgement, Verdict

Obj = Mapping[str, Any]


def placement(template: Obj, nodes: Iterable[NodeView], lost: NodeRef, policy: Policy) -> Verdict:
    """`template` is the VM's `spec.template.spec`; `nodes` may hold the lost node, which never counts as a target."""
    others = [node for node in nodes if node.name != lost.name]
    admitted = [node for node in others if admits(template, node)]
    fitting = [node for node in admitted if node.available]
    available = 1 + sum(node.available for node in others)
    if not admitted:
        return Judgement("pinned-to-node", f"Its nodeSelector, affinity or tolerations admit no node but {lost.name}.")
    if available < policy.min_available_nodes:
        return Judgement(
            "too-few-nodes",
            f"{available} nodes are available, the lost one counted; {policy.min_available_nodes} are asked for.",
        )
    if not fitting:
        names = ", ".join(node.name for node in admitted[:3])
        return Judgement("no-node-fits", f"It could run on {names}, but none of them is Ready and schedulable now.")
    return Held(f"It can run on {fitting[0].name}.")


def settled(template: Obj, nodes: Iterable[NodeView], lost: NodeRef, policy: Policy) -> bool:
    """True when more nodes would change nothing: `observe` stops reading then."""
    return isinstance(placement(template, nodes, lost, policy), Held)


def admits(template: Obj, node: NodeView) -> bool:
    """Could the scheduler ever put this VM there? KubeVirt adds the nodeSelector kubevirt.io/schedulable=true."""
    selector = {"kubevirt.io/schedulable": "true", **template.get("nodeSelector", {})}
    if any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = template.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    terms = required.get("nodeSelectorTerms", [])
    if terms and not any(_term(term, node) for term in terms):
        return False
    tolerations = template.get("tolerations", [])
    return all(_passable(taint) or any(_tolerates(t, taint) for t in tolerations) for taint in node.taints)


def _passable(taint: Taint) -> bool:
    """Taints that come and go with the node's state say nothing about whether it could *ever* take the VM."""
    return taint.effect == "PreferNoSchedule" or taint.key.startswith("node.kubernetes.io/")


def _tolerates(toleration: Obj, taint: Taint) -> bool:
    if toleration.get("effect") not in {None, "", taint.effect}:
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in {None, "", taint.key}
    return toleration.get("key") == taint.key and toleration.get("value", "") == taint.value


def _term(term: Obj, node: NodeView) -> bool:
    fields = {"metadata.name": node.name}
    rules = [(e, node.labels) for e in term.get("matchExpressions", [])]
    rules += [(e, fields) for e in term.get("matchFields", [])]
    return bool(rules) and all(_matches(rule, found) for rule, found in rules)


def _matches(rule: Obj, found: Mapping[str, str]) -> bool:
    """https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#NodeSelectorRequirement."""
    value, wanted = found.get(rule["key"]), rule.get("values", [])
    answers = {
        "In": value in wanted,
        "NotIn": value not in wanted,
        "Exists": value is not None,
        "DoesNotExist": value is None,
        "Gt": value is not None and _number(value) > _number(*wanted),
        "Lt": value is not None and _number(value) < _number(*wanted),
    }
    return answers.get(rule["operator"], False)  # an operator that we do not know admits nothing


def _number(text: str = "", *_more: str) -> float:
    """NaN compares as False, so what is no number admits nothing."""
    return float(text) if text.lstrip("-").isdecimal() else float("nan")
