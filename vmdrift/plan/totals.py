"""What `audit` and `survival` say of a whole cluster, added up: for how many VMs each kind of loss is the end. Pure.

Only a few names are kept, however large the cluster is. A VM that stays because its owner or a setting says so counts
in no loss: somebody chose that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from reactor.model.audit import ANY_ONE, ANY_TWO, OWN_NODE, ZONE, Loss, WorstLoss
from reactor.model.drift import Policy
from vmdrift.plan.findings import NodeAudit, every
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.prediction import Outcome
from vmdrift.plan.survival import (
    Fate,
    LostTogether,
    Together,
    any_of,
    busiest_pairs,
    concerned_by,
    number_of_pairs,
    staying,
    zones,
)

_WORST, _VMS, _NODES = 3, 4, 8  # sets of one kind of loss; names of VMs and of nodes in each
_CHOICES = frozenset({"policy-never", "observe-only"})
_FATES = (Fate.DOWN, Fate.UNKNOWN, Fate.PERHAPS)  # a VM counts for the first that is said of it
_Sets = Iterable[tuple[str, tuple[str, ...]]]


def chosen(nodes: Sequence[NodeAudit]) -> frozenset[str]:
    """VMs against whose move nothing speaks but that somebody does not want it."""
    stays = (prediction for prediction in every(nodes) if prediction.outcome is Outcome.STAYS)
    return frozenset(str(prediction.vm) for prediction in stays if prediction.objections.keys() <= _CHOICES)


def vms(nodes: Sequence[NodeAudit]) -> int:
    """How many there are that ought to run."""
    return len({str(prediction.vm) for _, prediction in concerned_by(nodes)})


class Total:
    """Adds up what is judged of one kind of loss; `sets`: how many there are to judge."""

    def __init__(self, lost: str, sets: int, without: frozenset[str]) -> None:
        self._lost, self._sets, self._without, self._judged = lost, sets, without, 0
        self._vms: dict[Fate, set[str]] = {fate: set() for fate in _FATES}
        self._worst: list[WorstLoss] = []

    def add(self, judged: LostTogether) -> None:
        """One more set."""
        self._judged += 1
        by_fate: dict[Fate, list[str]] = {fate: [] for fate in _FATES}
        for casualty in judged.casualties:
            if casualty.vm not in self._without:
                by_fate[casualty.fate].append(casualty.vm)
        for fate, names in by_fate.items():
            self._vms[fate].update(names)
        self._rank(judged, by_fate[Fate.DOWN], by_fate[Fate.PERHAPS])

    def _rank(self, judged: LostTogether, down: list[str], perhaps: list[str]) -> None:
        last = self._worst[-1] if len(self._worst) == _WORST else None
        if not (down or perhaps) or (last and (len(down), len(perhaps)) <= (last.down, last.perhaps)):
            return
        names = tuple([*down, *perhaps][:_VMS])
        self._worst.append(WorstLoss(judged.name, judged.nodes[:_NODES], len(down), len(perhaps), names))
        self._worst = sorted(self._worst, key=lambda one: (-one.down, -one.perhaps))[:_WORST]

    @property
    def loss(self) -> Loss:
        """So far."""
        down, unknown, perhaps = (self._vms[fate] for fate in _FATES)
        counts = len(down), len(perhaps - unknown - down), len(unknown - down)
        return Loss(self._lost, self._sets, self._judged, *counts, tuple(self._worst))


def losses(
    nodes: Sequence[NodeAudit],
    room: FreeRoom,
    policy: Policy,
    go_on: Callable[[], bool],
    step: Callable[[], object] = lambda: None,
) -> Iterator[Loss]:
    """Of the VM's own node, any one, any two and any zone, where there is any such set.

    Of two, those of the busiest nodes come first, and only while `go_on()`. `step` is called after each set.
    """
    without, together = chosen(nodes), Together(nodes, room, policy)

    def total(lost: str, sets: _Sets, number: int) -> Iterator[Loss]:
        counting = Total(lost, number, without)
        for name, names in sets:
            counting.add(together.judged(name, names))
            step()
        yield from [counting.loss] if number else []

    yield from _own_nodes(nodes, without)
    ones, all_zones = any_of(nodes, 1), zones(nodes)
    yield from total(ANY_ONE, ones, len(ones))
    yield from total(ANY_TWO, takewhile(lambda _: go_on(), busiest_pairs(nodes)), number_of_pairs(nodes))
    yield from total(ZONE, all_zones, len(all_zones))


def _own_nodes(nodes: Sequence[NodeAudit], without: frozenset[str]) -> Iterator[Loss]:
    """As `audit` has it: whatever room there is."""
    busy = [audit for audit in nodes if audit.fates]
    counting = Total(OWN_NODE, len(busy), without)
    for audit in busy:
        concerned, name = concerned_by([audit]), audit.node.name
        counting.add(LostTogether(name, (name,), len(concerned), tuple(staying(concerned))))
    yield from [counting.loss] if busy else []
