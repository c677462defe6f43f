"""What became of each VM of one loss, and what of it could not be played."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reactor.model.drift import Record
from reactor.model.fencing import some
from reactor.model.identity import VmRef
from reactor.model.objects import text
from rehearsal.outage import Played
from vmdrift.plan.advice import change_of
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.plan.survival import words
from vmdrift.rehearse.unplayed import launchers, unplayed
from vmdrift.snapshot import ClusterSnapshot

_LONGEST, _LONG = 63, "Its name is longer than the simulated cluster takes."
_GONE = "Its node is lost already, and what it ran is not known: vmdrift plan {node} says what becomes of it."
_ABSENT = "No guest of it ran on {node} when the cluster was read: vmdrift plan {node} says what becomes of it."
_JUDGED = frozenset({Outcome.MOVES, Outcome.STAYS})
_NO_DRIFT = "vm-drift began no recovery of it."
# How the scheduler says that a node has no room: "2 Insufficient memory", "1 Too many pods".
_NO_ROOM = re.compile(r"\b\d+ (?:Insufficient ([\w./-]*[\w/-])|Too many (pods))")


@dataclass(frozen=True, slots=True)
class Fate:
    """One VM. `down`: seconds until it ran again, None where it does not run within the play.

    `phase`, `reason`, `sentence`: of its drift at the end; `fix`: what a person would have to do, "" where nothing;
    `unplayed`: what it asks for that was not played; `pending`: of what no node that it could go to has enough left,
    where it waits for that.
    """

    vm: str
    lost_on: str
    down: float | None
    node: str
    phase: str
    reason: str
    sentence: str
    fix: str
    twice: bool
    unplayed: tuple[str, ...]
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One loss of these nodes at once. `unknown`: VMs there that are not played, and why; `records`: for drawing."""

    nodes: tuple[str, ...]
    fates: tuple[Fate, ...]
    unknown: Mapping[str, str]
    records: tuple[Record, ...] = ()

    @property
    def staying(self) -> tuple[Fate, ...]:
        """Those that did not run again."""
        return tuple(fate for fate in self.fates if fate.down is None)


def rehearsed(
    snapshot: ClusterSnapshot, nodes: tuple[str, ...], told: Mapping[str, Prediction], found: list[Played]
) -> Rehearsal:
    """`told`: what a plan says of each VM, for what only it knows."""
    unknown = {vm: one.sentence for vm, one in told.items() if one.outcome is Outcome.UNKNOWN}
    unknown |= {str(one.vm): _LONG for one in found if len(one.vm.name) > _LONGEST}
    unknown |= _missing(snapshot, told, {str(one.vm) for one in found} | unknown.keys())
    known = [one for one in found if str(one.vm) not in unknown]
    pods = launchers(snapshot) if known else {}
    fates = tuple(
        _fate(one, told.get(str(one.vm)), unplayed(snapshot, pods, one.vm.name, one.vm.namespace)) for one in known
    )
    return Rehearsal(nodes, fates, unknown, tuple(one.record for one in known if one.record))


def _missing(snapshot: ClusterSnapshot, told: Mapping[str, Prediction], there: Collection[str]) -> dict[str, str]:
    """Whom a plan tells of, and nobody played: why."""
    gone = {view.name for view in snapshot.nodes if view.outage}
    left_out = (one.vm for vm, one in told.items() if vm not in there and one.outcome in _JUDGED)
    homes = {str(vm): _home(snapshot, vm) for vm in left_out}
    return {vm: (_GONE if node in gone else _ABSENT).format(node=node) for vm, node in homes.items()}


def _home(snapshot: ClusterSnapshot, vm: VmRef) -> str:
    instance = snapshot.find("virtualmachineinstances", vm.name, vm.namespace) or {}
    return text(instance, "status", "nodeName") or "NODE"


def _fate(one: Played, told: Prediction | None, lacking: tuple[str, ...]) -> Fate:
    record, stays = one.record, one.down is None
    pending = _pending(record) if record and stays else ()
    return Fate(
        vm=str(one.vm),
        lost_on=one.lost_on,
        down=one.down,
        node=one.node,
        phase=record.phase.value if record else "",
        reason=record.reason if record else "",
        sentence=record.sentence if record else _NO_DRIFT,
        fix=_fix(one, told, pending) if record and stays else "",
        twice=one.twice,
        unplayed=lacking,
        pending=pending,
    )


def _pending(record: Record) -> tuple[str, ...]:
    """By the words of the scheduler that the drift repeats."""
    return tuple(sorted({name or pods for name, pods in _NO_ROOM.findall(record.sentence)}))


def _fix(one: Played, told: Prediction | None, pending: tuple[str, ...]) -> str:
    """What would help."""
    if not pending:
        reason = one.record.reason if one.record else ""
        return change_of(one.vm, reason, told.volumes if told else (), lost=False, node=one.lost_on)
    asked = {name: told.needs[name] for name in pending if name in told.needs} if told else {}
    where = f" on one of {some(told.targets)}" if told and told.targets else ""
    return f"Make room: free {words(asked) if asked else ', '.join(pending)}{where} for it, or add a node."
