"""Is there another node that this VM could run on? Room is not asked for: the VM is down already."""

from collections.abc import Iterable, Mapping, Sequence

from reactor.model.drift import Policy
from reactor.model.identity import NodeRef
from reactor.model.node import NodeView, Taint
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import Obj, Volume

SCHEDULABLE = "kubevirt.io/schedulable"  # virt-handler's label on its node


def placement(
    template: Obj, volumes: Iterable[Volume], nodes: Iterable[NodeView], lost: NodeRef, policy: Policy
) -> Verdict:
    """`template` is the VM's `spec.template.spec`; `nodes` may hold the lost node, which never counts as a target."""
    others = [node for node in nodes if node.name != lost.name]
    disks = [volume for volume in volumes if volume.admits]
    admitted = _admitted(template, disks, others)
    fitting = targets(template, disks, others)
    available = 1 + sum(node.available for node in others)
    # Without another node, or without KubeVirt on those that there are, nothing is known of what it could run on.
    if not admitted and any(SCHEDULABLE in node.labels for node in others):
        return _pinned(template, disks, others, lost)
    if available < policy.min_available_nodes:
        return Judgement(
            "too-few-nodes",
            f"Available nodes, the lost one counted: {available}; asked for: {policy.min_available_nodes}.",
        )
    if not fitting:
        names = ", ".join(node.name for node in admitted[:3])
        told = f"It could run on {names}, but none of them is Ready and schedulable now."
        return Judgement("no-node-fits", told if names else "No other node runs KubeVirt now.")
    return Held(f"It can run on {fitting[0].name}.")


def targets(template: Obj, volumes: Iterable[Volume], others: Iterable[NodeView]) -> list[NodeView]:
    """Those of the `others` on which this VM could run now, as far as the scheduler's rules go, without room."""
    admitted = _admitted(template, list(volumes), others)
    return [node for node in admitted if node.available and node.labels[SCHEDULABLE] == "true"]


def _admitted(template: Obj, disks: Sequence[Volume], others: Iterable[NodeView]) -> list[NodeView]:
    return [node for node in others if admits(template, node) and all(reaches(disk, node) for disk in disks)]


def _pinned(template: Obj, disks: Sequence[Volume], others: Sequence[NodeView], lost: NodeRef) -> Judgement:
    for disk in disks:
        if not any(reaches(disk, node) for node in others):
            why = f"Volume {disk.name} (claim {disk.claim}, volume {disk.pv}) admits no node but {lost.name}."
            return Judgement("node-local-volume", why)
    what = "nodeSelector, affinity or tolerations"
    if any(admits(template, node) for node in others):
        what += " and its volumes together"
    return Judgement("pinned-to-node", f"Its {what} admit no node but {lost.name}.")


def reaches(volume: Volume, node: NodeView) -> bool:
    """Does the PersistentVolume's nodeAffinity let it be used there?"""
    return not volume.admits or any(_term(term, node) for term in volume.admits)


def admits(template: Obj, node: NodeView) -> bool:
    """Could the scheduler ever put this VM there?

    KubeVirt adds the nodeSelector kubevirt.io/schedulable=true. A node that says "false" runs KubeVirt too: its
    virt-handler is being updated, or late.
    """
    selector = template.get("nodeSelector", {})
    if SCHEDULABLE not in node.labels or any(node.labels.get(key) != value for key, value in selector.items()):
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
