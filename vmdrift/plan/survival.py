"""May these nodes be lost together, and does every VM that ought to run find a place again? Pure.

Each VM is judged as `vmdrift plan` judges it, for the loss of its own node; then the other lost nodes are no place to
go either, and all of them want room at once. First-fit shows what fits; sums, and the largest, show what cannot. What
lies between is *perhaps*: the scheduler does not repack, and nobody solves it for it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import comb

from reactor.model.drift import Policy
from reactor.model.fencing import POWER, some
from vmdrift.plan.advice import change_of
from vmdrift.plan.findings import NodeAudit
from vmdrift.plan.free_room import Amounts, FreeRoom
from vmdrift.plan.prediction import Outcome, Prediction

_ZONE = "topology.kubernetes.io/zone"
_UNITS = {
    "cpu": ("cores", 1.0),
    "memory": ("GiB of memory", 2.0**30),
    "ephemeral-storage": ("GiB of ephemeral storage", 2.0**30),
    "pods": ("pods", 1.0),
}
_TOO_MANY = "Lose fewer at once, raise VMDRIFT_MAX_UNREACHABLE, or add a provider that reads power (docs/fencing.md)."


class Fate(StrEnum):
    """Of one VM, and the worst of a set of nodes."""

    RUNS = "runs"
    PERHAPS = "perhaps"  # first-fit finds no room, and no sum says that there is none
    DOWN = "down"
    UNKNOWN = "unknown"


_WORST = (Fate.DOWN, Fate.UNKNOWN, Fate.PERHAPS, Fate.RUNS)


@dataclass(frozen=True, slots=True)
class Casualty:
    """A VM that would not run again, or perhaps not: why, and the cheapest remedy."""

    vm: str
    node: str
    fate: Fate
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class LostTogether:
    """One set of nodes. `name`: of its zone, or of the nodes; `vms`: how many VMs it stops."""

    name: str
    nodes: tuple[str, ...]
    vms: int
    casualties: tuple[Casualty, ...]

    @property
    def fate(self) -> Fate:
        """The worst of its VMs'."""
        fates = {casualty.fate for casualty in self.casualties}
        return next((fate for fate in _WORST if fate in fates), Fate.RUNS)


def any_of(nodes: Sequence[NodeAudit], number: int) -> list[tuple[str, tuple[str, ...]]]:
    """Name and nodes of every set of so many nodes, of which at least one runs a VM."""
    busy = {audit.node.name for audit in nodes if audit.fates}
    names = [audit.node.name for audit in nodes if audit.node.uid]
    return [(", ".join(lost), lost) for lost in combinations(names, number) if not busy.isdisjoint(lost)]


def busiest_pairs(nodes: Sequence[NodeAudit]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """As `any_of` 2, one after the other: first those of nodes with the most VMs, for who has not the time for all."""
    known = sorted((audit for audit in nodes if audit.node.uid), key=lambda audit: -len(audit.fates))
    for index, idler in enumerate(known):
        for audit in known[:index]:
            if audit.fates:
                lost = (audit.node.name, idler.node.name)
                yield ", ".join(lost), lost


def number_of_pairs(nodes: Sequence[NodeAudit]) -> int:
    """How many `busiest_pairs` there are."""
    known = [bool(audit.fates) for audit in nodes if audit.node.uid]
    return comb(len(known), 2) - comb(known.count(False), 2)


def zones(nodes: Sequence[NodeAudit]) -> list[tuple[str, tuple[str, ...]]]:
    """Name and nodes of every zone; nodes without that label are in none."""
    found: dict[str, list[str]] = defaultdict(list)
    for audit in nodes:
        if zone := audit.node.labels.get(_ZONE, ""):
            found[zone].append(audit.node.name)
    return [(zone, tuple(names)) for zone, names in sorted(found.items())]


def survival(
    sets: Iterable[tuple[str, tuple[str, ...]]],
    nodes: Sequence[NodeAudit],
    room: FreeRoom,
    policy: Policy,
    step: Callable[[], object] = lambda: None,
) -> list[LostTogether]:
    """Of every set, the worst first. `step` is called after each (progress)."""
    together, judged = Together(nodes, room, policy), []
    for name, lost in sets:
        judged.append(together.judged(name, lost))
        step()
    return sorted(judged, key=lambda one: (_WORST.index(one.fate), -len(one.casualties), one.name))


class Together:
    """Judges one set of nodes after the other, in a cluster of which every node was audited."""

    def __init__(self, nodes: Sequence[NodeAudit], room: FreeRoom, policy: Policy) -> None:
        self._audits = {audit.node.name: audit for audit in nodes}
        self._down = frozenset(audit.node.name for audit in nodes if audit.node.lost)
        self._room, self._policy = room, policy

    def judged(self, name: str, lost: tuple[str, ...]) -> LostTogether:
        """`name`: of the set."""
        concerned = concerned_by(self._audits[node] for node in lost)
        why, fate = self._left_alone(lost)
        if fate is Fate.DOWN:
            casualties = [Casualty(str(p.vm), node, fate, why, _TOO_MANY) for node, p in concerned]
            return LostTogether(name, lost, len(concerned), tuple(casualties))
        casualties = [*staying(concerned), *_without_place(concerned, frozenset(lost), self._room)]
        if why:
            hit = {casualty.vm for casualty in casualties}
            fix = "See that every node can be proven dead: vmdrift doctor --fencing."
            casualties += [Casualty(str(p.vm), node, fate, why, fix) for node, p in concerned if str(p.vm) not in hit]
        return LostTogether(name, lost, len(concerned), tuple(casualties))

    def _left_alone(self, lost: Sequence[str]) -> tuple[str, Fate]:
        """Why vm-drift would move none of them, or only with proof that is read; "" and RUNS where neither is so."""
        down, number, policy = len(self._down.union(lost)), len(self._audits), self._policy
        if down <= policy.allowed(number):
            return "", Fate.RUNS
        sentence = f"{down} of {number} nodes are more than VMDRIFT_MAX_UNREACHABLE ({policy.max_unreachable})"
        if POWER.isdisjoint(policy.fencing):
            return f"{sentence}: that looks like the network, and nothing is moved.", Fate.DOWN
        return f"{sentence}: only nodes whose power reads off count as dead.", Fate.PERHAPS


def concerned_by(lost: Iterable[NodeAudit]) -> list[tuple[str, Prediction]]:
    """The VMs that ought to run, and run there, each with its node's name."""
    return [(audit.node.name, fate) for audit in lost for fate in audit.fates if fate.outcome is not Outcome.UNAFFECTED]


def staying(concerned: Sequence[tuple[str, Prediction]]) -> Iterator[Casualty]:
    """What would not run again however few nodes were lost."""
    for node, prediction in concerned:
        if prediction.outcome is Outcome.STAYS:
            fix = change_of(prediction.vm, prediction.reason, prediction.volumes, lost=False, node=node)
            yield Casualty(str(prediction.vm), node, Fate.DOWN, prediction.sentence, fix)
        if prediction.outcome is Outcome.UNKNOWN:
            yield Casualty(str(prediction.vm), node, Fate.UNKNOWN, prediction.sentence, "Give vmdrift what it lacks.")


def _without_place(
    concerned: Sequence[tuple[str, Prediction]], lost: frozenset[str], room: FreeRoom
) -> Iterator[Casualty]:
    """What could move, and finds no node, or no room."""
    left, movers = room.copy_without(lost), [(node, one) for node, one in concerned if one.moves]
    homeless = [
        mover for mover in movers if not left.take((t for t in mover[1].targets if t not in lost), mover[1].needs)
    ]
    scarce = _scarce([(one.needs, tuple(_still_there(one, lost))) for _, one in movers], room) if homeless else {}
    for node, one in homeless:
        targets = tuple(_still_there(one, lost))
        if not targets:
            where = some(sorted(one.targets)) if one.targets else "no other node"
            why = f"No node is left that can take it (it could go to {where})."
            fix = "Let it run on more nodes: its nodeSelector and affinity, or replicas of its volumes elsewhere."
            yield Casualty(str(one.vm), node, Fate.DOWN, why, fix)
        elif not room.fitting(targets, one.needs):
            yield _too_big(node, one, targets, room)
        elif lacking := {name: scarce[name] for name in one.needs if name in scarce}:
            why = f"Together they ask for more than is left: {words(lacking)} are missing."
            yield Casualty(str(one.vm), node, Fate.DOWN, why, f"Add {words(lacking)}.")
        else:
            why = f"The others take the room on {some(targets)} first; another order might leave some."
            yield Casualty(str(one.vm), node, Fate.PERHAPS, why, f"Add room for {words(one.needs)}.")


def _too_big(node: str, one: Prediction, targets: tuple[str, ...], room: FreeRoom) -> Casualty:
    """Even alone; what is missing least, and where."""
    missing = {target: room.missing(target, one.needs) for target in targets}
    best = min(targets, key=lambda target: _share(missing[target], one.needs))
    asked = words({name: one.needs[name] for name in missing[best]})
    why = f"None of {some(targets)} has room for it, even alone: it asks for {asked}."
    return Casualty(str(one.vm), node, Fate.DOWN, why, f"Free {words(missing[best])} on {best} for it, or add a node.")


def _share(missing: Amounts, needs: Amounts) -> tuple[int, float]:
    """How much of what is needed is missing: of how many things, and how large a part of them."""
    return len(missing), sum(amount / needs[name] for name, amount in missing.items())


def _still_there(prediction: Prediction, lost: frozenset[str]) -> Iterator[str]:
    """Of the nodes that it could go to."""
    return (target for target in prediction.targets if target not in lost)


def _scarce(movers: Sequence[tuple[Amounts, tuple[str, ...]]], room: FreeRoom) -> dict[str, int]:
    """Of which resources they want more together than all that they could go to has left, and how much more."""
    wanted: Counter[str] = Counter()
    for needs, targets in movers:
        wanted.update(needs if targets else {})
    places = {target for _, targets in movers for target in targets}
    missing = {name: amount - room.left(places, name) for name, amount in wanted.items()}
    return {name: amount for name, amount in missing.items() if amount > 0}


def words(amounts: Amounts) -> str:
    """In units that people use; `amounts` in thousandths."""
    told = []
    for name, amount in sorted(amounts.items()):
        unit, size = _UNITS.get(name, (name, 1.0))
        if name != "pods" or len(amounts) == 1:
            told.append(f"{amount / 1000 / size:.3g} {unit}")
    return ", ".join(told)
