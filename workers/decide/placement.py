"""Is there another node that this VM could run on? Room is not asked for: the VM is down already."""

from collections.abc import Iterable, Mapping, Sequence

from reactor.model.drift import Policy
from reactor.model.identity import NodeRef
from reactor.model.node import NodeView, Taint
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import Obj, Volume

SCHEDULABLE = "kubevirt.io/schedulable"  # virt-handler's label on its node
# Every launcher tolerates these: Kubernetes adds it. What else a node bears may go again, and until then it counts.
_TOLERATED = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    }
)
_NAMED = 3  # nodes in a sentence


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
        whys = "; ".join(_hindrance(template, node) for node in admitted[:_NAMED])
        told = f"It could run elsewhere, but no node takes it now: {whys}."
        return Judgement("no-node-fits", told if whys else "No other node runs KubeVirt now.")
    return Held(f"It can run on {fitting[0].name}.")


def targets(template: Obj, volumes: Iterable[Volume], others: Iterable[NodeView]) -> list[NodeView]:
    """Those of the `others` on which this VM could run now, as far as the scheduler's rules go, without room."""
    admitted = _admitted(template, list(volumes), others)
    return [node for node in admitted if _takes(template, node)]


def _takes(template: Obj, node: NodeView) -> bool:
    return node.available and node.labels[SCHEDULABLE] == "true" and not _repelling(template, node)


def _hindrance(template: Obj, node: NodeView) -> str:
    """Why a node that could ever take the VM does not now."""
    if taints := _repelling(template, node):
        return f"{node.name} bears {', '.join(f'{taint.key}:{taint.effect}' for taint in taints)}"
    if node.unschedulable:
        return f"{node.name} is cordoned"
    return f"{node.name} is not Ready" if node.ready != "True" else f"{node.name} says {SCHEDULABLE}=false"


def _admitted(template: Obj, disks: Sequence[Volume], others: Iterable[NodeView]) -> list[NodeView]:
    return [node for node in others if admits(template, node) and all(reaches(disk, node) for disk in disks)]


def _pinned(template: Obj, disks: Sequence[Volume], others: Sequence[NodeView], lost: NodeRef) -> Judgement:
    for disk in disks:
        if not any(reaches(disk, node) for node in others):
            why = f"Volume {disk.name} (claim {disk.claim}, volume {disk.pv}) admits no node but {lost.name}."
            return Judgement("node-local-volume", why)
    what = "nodeSelector or affinity"
    if any(admits(template, node) for node in others):
        what += " and its volumes together"
    return Judgement("pinned-to-node", f"Its {what} admit no node but {lost.name}.")


def reaches(volume: Volume, node: NodeView) -> bool:
    """Does the PersistentVolume's nodeAffinity let it be used there?"""
    return not volume.admits or any(_term(term, node) for term in volume.admits)


def admits(template: Obj, node: NodeView) -> bool:
    """Could the scheduler ever put this VM there?

    KubeVirt adds the nodeSelector kubevirt.io/schedulable=true. A node that says "false" runs KubeVirt too: its
    virt-handler is being updated, or late. Taints say nothing of that: whatever their key, they come and go.
    """
    selector = template.get("nodeSelector", {})
    if SCHEDULABLE not in node.labels or any(node.labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = template.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    terms = required.get("nodeSelectorTerms", [])
    return not terms or any(_term(term, node) for term in terms)


def _repelling(template: Obj, node: NodeView) -> list[Taint]:
    """The taints of a node that keep the VM away now."""
    tolerations = template.get("tolerations", [])
    kept = (t for t in node.taints if t.effect != "PreferNoSchedule" and (t.key, t.effect) not in _TOLERATED)
    return [taint for taint in kept if not any(_tolerates(one, taint) for one in tolerations)]


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
