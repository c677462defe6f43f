"""Is there another node that this VM could run on? Room is not asked for: the VM is down already.

It is judged on what the next launcher will bear (`workers.decide.placement.next_launcher`).
"""

from collections.abc import Iterable, Sequence
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

# Every launcher tolerates these: Kubernetes adds it. What else a node bears may go again, and until then it counts.
_TOLERATED = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    }
)
_NAMED = 3  # nodes in a sentence


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


def placement(bears: PlacementNeeds, volumes: Iterable[Volume], field: Candidates, policy: Policy) -> Verdict:
    """The lost node never counts as a target."""
    disks = [volume for volume in volumes if volume.admits and not volume.left]
    bears, ifs = settled(bears, disks, field)
    admitted = _admitted(bears.spec, disks, field.others)
    available = 1 + sum(node.available for node in field.others)
    # Without another node, or without KubeVirt on those that there are, nothing is known of what it could run on.
    if not admitted and any(SCHEDULABLE in node.labels for node in field.others):
        return _pinned(bears, disks, field)
    if available < policy.min_available_nodes:
        return Judgement(
            "too-few-nodes",
            f"Available nodes, the lost one counted: {available}; asked for: {policy.min_available_nodes}.",
        )
    around = _neighbours(bears, field)
    if fitting := [node for node in admitted if _takes(bears.spec, node) and not around.hindrance(node)]:
        return _can(fitting[0], ifs)
    if later := targets(bears, disks, replace(field, pods=field.staying)):
        return _can(later[0], (*ifs, f"the launcher pods that {field.lost} had are gone by then"))
    whys = "; ".join(_hindrance(bears.spec, node, around) for node in admitted[:_NAMED])
    sentence = f"It could run elsewhere, but no node takes it now: {whys}."
    return Judgement("no-node-fits", sentence if whys else "No other node runs KubeVirt now.")


def _can(node: NodeView, ifs: tuple[str, ...]) -> Passed:
    return Passed(f"It can run on {node.name}{''.join(f', if {one}' for one in ifs)}.", ifs)


def settled(
    bears: PlacementNeeds, volumes: Iterable[Volume], field: Candidates
) -> tuple[PlacementNeeds, tuple[str, ...]]:
    """With what it bears in any case or may bear, as long as a node takes that; and what has to be so otherwise."""
    disks, limits = list(volumes), (*bears.limits, *unread(bears))
    strict = _bearing(bears, {key: value for doubt in bears.doubts for key, value in doubt.selectors.items()})
    if not bears.doubts or targets(strict, disks, field):
        return strict, limits
    if not (fitting := targets(bears, disks, field)):
        return bears, limits
    first = fitting[0].labels.items()
    open_ = [doubt.sentence for doubt in bears.doubts if not doubt.selectors.items() <= first]
    return bears, (*open_, *limits)


def targets(bears: PlacementNeeds, volumes: Iterable[Volume], field: Candidates) -> list[NodeView]:
    """Those other nodes on which it could run now, as far as the scheduler's rules go, without room."""
    around, disks = _neighbours(bears, field), [volume for volume in volumes if not volume.left]
    admitted = _admitted(bears.spec, disks, field.others)
    return [node for node in admitted if _takes(bears.spec, node) and not around.hindrance(node)]


def _bearing(bears: PlacementNeeds, selectors: dict[str, str]) -> PlacementNeeds:
    selector = {**part(bears.spec, "nodeSelector"), **selectors}
    return replace(bears, spec={**bears.spec, "nodeSelector": selector}) if selectors else bears


def _neighbours(bears: PlacementNeeds, field: Candidates) -> Neighbours:
    return Neighbours(bears, field.pods, field.all, lambda constraint, node: _is_place(constraint, bears.spec, node))


def _is_place(constraint: Obj, spec: Obj, node: NodeView) -> bool:
    """Source: `matchNodeInclusionPolicies` in kubernetes, plugins/podtopologyspread/common.go."""
    free = text(constraint, "nodeTaintsPolicy") != "Honor" or not _repelling(spec, node)
    wanted = admits(spec, node) and node.labels[SCHEDULABLE] == "true"
    return free and (wanted or text(constraint, "nodeAffinityPolicy") == "Ignore")


def _takes(spec: Obj, node: NodeView) -> bool:
    return node.available and node.labels[SCHEDULABLE] == "true" and not _repelling(spec, node)


def _hindrance(spec: Obj, node: NodeView, around: Neighbours) -> str:
    """Why a node that could ever take the VM does not now."""
    if taints := _repelling(spec, node):
        return f"{node.name} bears {', '.join(f'{taint.key}:{taint.effect}' for taint in taints)}"
    if node.unschedulable:
        return f"{node.name} is cordoned"
    if node.ready != "True":
        return f"{node.name} is not Ready"
    if node.labels[SCHEDULABLE] != "true":
        return f"{node.name} says {SCHEDULABLE}=false"
    return f"{node.name}: {around.hindrance(node)}"


def _admitted(spec: Obj, disks: Sequence[Volume], others: Iterable[NodeView]) -> list[NodeView]:
    selector, terms = _asks(spec)
    admitted = (node for node in others if _admits(selector, terms, node))
    return [node for node in admitted if all(reaches(disk, node) for disk in disks)]


def _pinned(bears: PlacementNeeds, disks: Sequence[Volume], field: Candidates) -> Judgement:
    for disk in disks:
        if not any(reaches(disk, node) for node in field.others):
            why = f"Volume {disk.name} (claim {disk.claim}, volume {disk.pv}) admits no node but {field.lost}."
            return Judgement("node-local-volume", why)
    what = _asked(bears, field.others)
    if any(admits(bears.spec, node) for node in field.others):
        what += " and its volumes together"
    return Judgement("pinned-to-node", f"Its {what} admit no node but {field.lost}.")


def _asked(bears: PlacementNeeds, others: Sequence[NodeView]) -> str:
    """What it asks of a node, and which of that, though its template does not say so, no other one bears."""
    added = {
        key: value for key, value in part(bears.spec, "nodeSelector").items() if key in bears.added - {SCHEDULABLE}
    }
    missing = [f"{k}={v}" for k, v in added.items() if not any(node.labels.get(k) == v for node in others)]
    return "nodeSelector or affinity" + (f" (no other bears {', '.join(missing)})" if missing else "")


def reaches(volume: Volume, node: NodeView) -> bool:
    """Does the PersistentVolume's nodeAffinity let it be used there?"""
    return not volume.admits or any(_term(term, node) for term in volume.admits)


def admits(spec: Obj, node: NodeView) -> bool:
    """Could the scheduler ever put this pod there?

    KubeVirt adds the nodeSelector kubevirt.io/schedulable=true. A node that says "false" runs KubeVirt too: its
    virt-handler is being updated, or late. Taints say nothing of that: whatever their key, they come and go.
    """
    return _admits(*_asks(spec), node)


def _asks(spec: Obj) -> tuple[Sequence[tuple[str, str]], Sequence[Obj]]:
    """The labels that a node must bear, and the terms of which it must satisfy one."""
    labels = [(key, value) for key, value in part(spec, "nodeSelector").items() if key != SCHEDULABLE]
    return labels, parts(spec, "affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms")


def _admits(labels: Sequence[tuple[str, str]], terms: Sequence[Obj], node: NodeView) -> bool:
    if SCHEDULABLE not in node.labels or any(node.labels.get(key) != value for key, value in labels):
        return False
    return not terms or any(_term(term, node) for term in terms)


def _repelling(spec: Obj, node: NodeView) -> list[Taint]:
    """The taints of a node that keep the VM away now."""
    tolerations = parts(spec, "tolerations")
    kept = (t for t in node.taints if t.effect != "PreferNoSchedule" and (t.key, t.effect) not in _TOLERATED)
    return [taint for taint in kept if not any(_tolerates(one, taint) for one in tolerations)]


def _tolerates(toleration: Obj, taint: Taint) -> bool:
    if text(toleration, "effect") not in {"", taint.effect}:
        return False
    if text(toleration, "operator") == "Exists":
        return text(toleration, "key") in {"", taint.key}
    return text(toleration, "key") == taint.key and text(toleration, "value") == taint.value


def _term(term: Obj, node: NodeView) -> bool:
    fields = {"metadata.name": node.name}
    rules = [(one, node.labels) for one in parts(term, "matchExpressions")]
    rules += [(one, fields) for one in parts(term, "matchFields")]
    return bool(rules) and all(matches(rule, found) for rule, found in rules)
