"""What an audit finds: what to change, and for which VMs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.reason import REASONS
from vmdrift.plan.advice import change
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot

NO_ROOM, TOO_MUCH, LOST_DISKS, PROVISO = "no-room", "too-much", "lost-disks", "moves-if"
# What would become of VMs that would move: (what it is, what to do).
_LACKS = {
    NO_ROOM: (
        "The VMs of their node do not all find room elsewhere: these would be Pending until there is some.",
        "Add nodes, or ask for less.",
    ),
    TOO_MUCH: (
        "They ask for something of which no node that they could go to has so much, whatever else runs there.",
        "Add a node that has it, or ask for less.",
    ),
    LOST_DISKS: (
        "Disks were plugged into the running instance only: these VMs come up again without them.",
        "Plug them into the VM, too: virtctl addvolume --persist.",
    ),
    PROVISO: (
        "They move if something holds that cannot be known before: vmdrift plan NODE says what.",
        "See that it holds.",
    ),
}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What to change, and for which VMs. `code` is a reason code, or `no-room`."""

    code: str
    meaning: str
    change: str
    vms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeAudit:
    """What the loss of one node would do."""

    node: NodeView
    fates: list[Prediction]

    @property
    def down(self) -> list[Prediction]:
        """Those that would not survive, or of which it is not known."""
        return [fate for fate in self.fates if fate.outcome in {Outcome.STAYS, Outcome.UNKNOWN}]

    @property
    def waiting(self) -> list[Prediction]:
        """Those that would move and find no room."""
        return [fate for fate in self.fates if fate.moves and not fate.place]

    @property
    def lacks(self) -> Mapping[str, list[Prediction]]:
        """Of those that would move: which lack what, by the code of the finding."""
        moves = [fate for fate in self.fates if fate.moves]
        return {
            NO_ROOM: self.waiting,
            TOO_MUCH: [fate for fate in moves if fate.beyond],
            LOST_DISKS: [fate for fate in moves if fate.lost_disks],
            PROVISO: [fate for fate in moves if fate.ifs],
        }


def every(nodes: Iterable[NodeAudit]) -> list[Prediction]:
    """Each once: one of which nobody knows where it runs is listed for every node."""
    found: list[Prediction] = []
    for fate in (fate for audited in nodes for fate in audited.fates):
        if fate.outcome is not Outcome.UNKNOWN or fate not in found:
            found.append(fate)
    return found


def findings(there: ClusterSnapshot, policy: Policy, nodes: Sequence[NodeAudit]) -> list[AuditFinding]:
    """What to change, the most VMs first. A VM stands in each that concerns it."""
    whose: dict[str, list[Prediction]] = defaultdict(list)
    # Told also where every VM has another objection that comes first, and where there are no VMs yet.
    if sum(view.available for view in there.nodes) < policy.min_available_nodes:
        whose["too-few-nodes"] = []
    for fate in every(nodes):
        for reason in [*fate.objections, *(["observe-only"] if fate.policy == "observe" else [])]:
            whose[reason].append(fate)
    found = [
        AuditFinding(code, REASONS[code].meaning, _advice(code, some), _names(some)) for code, some in whose.items()
    ]
    for code, (meaning, what) in _LACKS.items():
        lacking = [fate for audited in nodes for fate in audited.lacks[code]]
        found += [AuditFinding(code, meaning, what, _names(lacking))] if lacking else []
    return sorted(found, key=lambda finding: (-len(finding.vms), finding.code))


def _advice(code: str, some: Sequence[Prediction]) -> str:
    """For each of them."""
    advice = [change(code, fate.volumes, lost=False) for fate in some] or [change(code, lost=False)]
    return " ".join(dict.fromkeys(advice))


def _names(some: Sequence[Prediction]) -> tuple[str, ...]:
    return tuple(sorted({str(fate.vm) for fate in some}))
