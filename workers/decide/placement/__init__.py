"""Is there another node that this VM could run on? Free capacity is not checked: the VM is down already.

It is judged by what the next launcher will ask for (`workers.decide.placement.next_launcher`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from reactor.model.drift import Policy
from reactor.model.node import NodeView, Taint
from reactor.model.objects import Obj, part, parts, text
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Neighbour, Volume
from workers.decide.placement.labels import matches
from workers.decide.placement.neighbours import Neighbours, unread
from workers.decide.placement.next_launcher import PlacementNeeds
from workers.decide.placement.selectors import REQUIRED, SCHEDULABLE

# Every launcher tolerates these: Kubernetes adds that. Other taints may go again, and until then they count.
_TOLERATED = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    }
)
_NODES_NAMED = 3  # nodes in a sentence


@dataclass(frozen=True, slots=True)
class Candidates:
    """The nodes among which a launcher is to be placed; `all` holds the lost one, too, if it is still there."""

    all: Sequence[NodeView]
    lost: str
    pods: Sequence[Neighbour] = ()

    @property
    def others(self) -> list[NodeView]:
        """Where it could go."""
        return [node for node in self.all if node.name != self.lost]

    @property
    def staying(self) -> list[Neighbour]:
        """Without the lost node's launchers that Kubernetes has evicted: two of them must not wait for each other."""
        return [pod for pod in self.pods if not (pod.node == self.lost and pod.leaving and _is_launcher(pod))]


def _is_launcher(pod: Neighbour) -> bool:
    return pod.labels.get("kubevirt.io") == "virt-launcher"


def placement(needs: PlacementNeeds, volumes: Iterable[Volume], candidates: Candidates, policy: Policy) -> Verdict:
    """The lost node never counts as a target."""
    disks = [volume for volume in volumes if volume.admits and not volume.left]
    needs, conditions = with_doubts(needs, disks, candidates)
    fitting, others = _target(needs, disks, candidates), candidates.others
    admitted = [fitting] if fitting else list(_admitted(needs.spec, disks, others))
    available = 1 + sum(node.available for node in others)
    # Without another node, or without KubeVirt on those that there are, nothing is known of what it could run on.
    if not admitted and any(SCHEDULABLE in node.labels for node in others):
        return _pinned(needs, disks, candidates)
    if available < policy.min_available_nodes:
        return Judgement(
            "too-few-nodes",
            f"Available nodes, the lost one counted: {available}; asked for: {policy.min_available_nodes}.",
        )
    if fitting:
        return _passed(fitting, conditions)
    if later := _target(needs, disks, replace(candidates, pods=candidates.staying)):
        return _passed(later, (*conditions, f"the launcher pods that {candidates.lost} had are gone by then"))
    neighbours = _neighbours(needs, candidates)
    reasons = "; ".join(_why_not_now(needs.spec, node, neighbours) for node in admitted[:_NODES_NAMED])
    sentence = f"It could run elsewhere, but no node takes it now: {reasons}."
    return Judgement("no-node-fits", sentence if reasons else "No other node runs KubeVirt now.")


def _passed(node: NodeView, conditions: tuple[str, ...]) -> Passed:
    return Passed(f"It can run on {node.name}{''.join(f', if {condition}' for condition in conditions)}.", conditions)


def with_doubts(
    needs: PlacementNeeds, volumes: Iterable[Volume], candidates: Candidates
) -> tuple[PlacementNeeds, tuple[str, ...]]:
    """The needs with all doubtful selectors if a node satisfies those, else without; and the conditions that remain."""
    disks, limits = list(volumes), (*needs.limits, *unread(needs))
    strict = _with_selectors(needs, {key: value for doubt in needs.doubts for key, value in doubt.selectors.items()})
    if not needs.doubts or _target(strict, disks, candidates):
        return strict, limits
    if not (fitting := _target(needs, disks, candidates)):
        return needs, limits
    labels = fitting.labels.items()
    open_doubts = [doubt.sentence for doubt in needs.doubts if not doubt.selectors.items() <= labels]
    return needs, (*open_doubts, *limits)


def _target(needs: PlacementNeeds, volumes: Iterable[Volume], candidates: Candidates) -> NodeView | None:
    return next(targets(needs, volumes, candidates), None)


def targets(needs: PlacementNeeds, volumes: Iterable[Volume], candidates: Candidates) -> Iterator[NodeView]:
    """Those other nodes on which it could run now, as far as the scheduler's rules go, free capacity aside.

    One after the other: mostly the first one is as good as all five thousand.
    """
    neighbours, disks = _neighbours(needs, candidates), [volume for volume in volumes if not volume.left]
    admitted = _admitted(needs.spec, disks, candidates.others)
    return (node for node in admitted if _fits_now(needs.spec, node) and not neighbours.hindrance(node))


def _with_selectors(needs: PlacementNeeds, selectors: dict[str, str]) -> PlacementNeeds:
    selector = {**part(needs.spec, "nodeSelector"), **selectors}
    return replace(needs, spec={**needs.spec, "nodeSelector": selector}) if selectors else needs


def _neighbours(needs: PlacementNeeds, candidates: Candidates) -> Neighbours:
    return Neighbours(
        needs, candidates.pods, candidates.all, lambda constraint, node: _is_eligible(constraint, needs.spec, node)
    )


def _is_eligible(constraint: Obj, spec: Obj, node: NodeView) -> bool:
    """Source: `matchNodeInclusionPolicies` in kubernetes, plugins/podtopologyspread/common.go."""
    untainted = text(constraint, "nodeTaintsPolicy") != "Honor" or not repelling(spec, node)
    admitted = admits(spec, node) and node.labels[SCHEDULABLE] == "true"
    return untainted and (admitted or text(constraint, "nodeAffinityPolicy") == "Ignore")


def _fits_now(spec: Obj, node: NodeView) -> bool:
    return node.available and node.labels[SCHEDULABLE] == "true" and not repelling(spec, node)


def _why_not_now(spec: Obj, node: NodeView, neighbours: Neighbours) -> str:
    """Why a node that could take the VM in principle does not now."""
    if taints := repelling(spec, node):
        return f"{node.name} bears {', '.join(f'{taint.key}:{taint.effect}' for taint in taints)}"
    if node.unschedulable:
        return f"{node.name} is cordoned"
    if node.ready != "True":
        return f"{node.name} is not Ready"
    if node.labels[SCHEDULABLE] != "true":
        return f"{node.name} says {SCHEDULABLE}=false"
    return f"{node.name}: {neighbours.hindrance(node)}"


def _admitted(spec: Obj, disks: Sequence[Volume], others: Iterable[NodeView]) -> Iterator[NodeView]:
    selector, terms = _requirements(spec)
    admitted = (node for node in others if _admits(selector, terms, node))
    return (node for node in admitted if all(reaches(disk, node) for disk in disks))


def _pinned(needs: PlacementNeeds, disks: Sequence[Volume], candidates: Candidates) -> Judgement:
    for disk in disks:
        if not any(reaches(disk, node) for node in candidates.others):
            why = f"Volume {disk.name} (claim {disk.claim}, volume {disk.pv}) admits no node but {candidates.lost}."
            return Judgement("node-local-volume", why)
    requirements = _requirements_sentence(needs, candidates.others)
    if any(admits(needs.spec, node) for node in candidates.others):
        requirements += " and its volumes together"
    return Judgement("pinned-to-node", f"Its {requirements} admit no node but {candidates.lost}.")


def _requirements_sentence(needs: PlacementNeeds, others: Sequence[NodeView]) -> str:
    """What it asks of a node, and which selectors that are not of its template no other node has."""
    added = {
        key: value for key, value in part(needs.spec, "nodeSelector").items() if key in needs.added - {SCHEDULABLE}
    }
    missing = [f"{k}={v}" for k, v in added.items() if not any(node.labels.get(k) == v for node in others)]
    return "nodeSelector or affinity" + (f" (no other bears {', '.join(missing)})" if missing else "")


def reaches(volume: Volume, node: NodeView) -> bool:
    """Does the PersistentVolume's nodeAffinity let it be used there?"""
    return not volume.admits or any(_matches_term(term, node) for term in volume.admits)


def admits(spec: Obj, node: NodeView) -> bool:
    """Could the scheduler ever put this pod there?

    KubeVirt adds the nodeSelector kubevirt.io/schedulable=true. A node that says "false" runs KubeVirt too: its
    virt-handler is being updated, or late. Taints do not decide that: whatever their key, they come and go.
    """
    return _admits(*_requirements(spec), node)


def _requirements(spec: Obj) -> tuple[Sequence[tuple[str, str]], Sequence[Obj]]:
    """The labels that a node must have, and the terms of which it must satisfy one."""
    labels = [(key, value) for key, value in part(spec, "nodeSelector").items() if key != SCHEDULABLE]
    return labels, parts(spec, "affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms")


def _admits(labels: Sequence[tuple[str, str]], terms: Sequence[Obj], node: NodeView) -> bool:
    if SCHEDULABLE not in node.labels or any(node.labels.get(key) != value for key, value in labels):
        return False
    return not terms or any(_matches_term(term, node) for term in terms)


def repelling(spec: Obj, node: NodeView) -> list[Taint]:
    """The taints of a node that keep the VM away now."""
    tolerations = parts(spec, "tolerations")
    effective = (t for t in node.taints if t.effect != "PreferNoSchedule" and (t.key, t.effect) not in _TOLERATED)
    return [taint for taint in effective if not any(_tolerates(toleration, taint) for toleration in tolerations)]


def _tolerates(toleration: Obj, taint: Taint) -> bool:
    if text(toleration, "effect") not in {"", taint.effect}:
        return False
    if text(toleration, "operator") == "Exists":
        return text(toleration, "key") in {"", taint.key}
    return text(toleration, "key") == taint.key and text(toleration, "value") == taint.value


def _matches_term(term: Obj, node: NodeView) -> bool:
    fields = {"metadata.name": node.name}
    rules = [(rule, node.labels) for rule in parts(term, "matchExpressions")]
    rules += [(rule, fields) for rule in parts(term, "matchFields")]
    return bool(rules) and all(matches(rule, values) for rule, values in rules)
