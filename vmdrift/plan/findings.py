"""What an audit finds: what to change, and for which VMs."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reactor.model.advice import for_several, named
from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.reason import REASONS
from vmdrift.plan.advice import change
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot

NO_ROOM, TOO_MUCH, LOST_DISKS, PROVISO = "no-room", "too-much", "lost-disks", "moves-if"
# What would happen to VMs that would move: (what it is, what to do).
_LACKS = {
    NO_ROOM: (
        "The VMs of their node do not all find room elsewhere: these would be Pending until there is some.",
        "Add nodes, or ask for less.",
    ),
    TOO_MUCH: (
        "They request more than any node has that they could go to, even if nothing else ran there.",
        "Add a node that has it, or ask for less.",
    ),
    LOST_DISKS: (
        "Disks were plugged into the running instance only: these VMs come up again without them.",
        "Plug them into the VM, too: virtctl addvolume --persist.",
    ),
    PROVISO: (
        "They move only on a condition that cannot be known before: vmdrift plan NODE says which.",
        "See that it is met.",
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
        return [prediction for prediction in self.fates if prediction.outcome in {Outcome.STAYS, Outcome.UNKNOWN}]

    @property
    def waiting(self) -> list[Prediction]:
        """Those that would move and find no room."""
        return [prediction for prediction in self.fates if prediction.moves and not prediction.place]

    @property
    def slowest(self) -> tuple[str, str]:
        """Of those that would move, the longest by silence and with proof, as words; "" where there is none."""
        takes = [prediction.takes.total[1] for prediction in self.fates if prediction.takes]
        proven = [prediction.proven[0] for prediction in self.fates if prediction.proven]
        last = max(proven, key=lambda time: time.most or math.inf, default=None)
        most = "" if last is None else f"{last.most:g} s" if last.most is not None else f"{last.least:g} s or more"
        return f"{max(takes):g} s" if takes else "", f"{most} ({last.provider})" if last else ""

    @property
    def lacks(self) -> Mapping[str, list[Prediction]]:
        """Of those that would move: which lack what, by the code of the finding."""
        moves = [prediction for prediction in self.fates if prediction.moves]
        return {
            NO_ROOM: self.waiting,
            TOO_MUCH: [prediction for prediction in moves if prediction.beyond],
            LOST_DISKS: [prediction for prediction in moves if prediction.lost_disks],
            PROVISO: [prediction for prediction in moves if prediction.ifs],
        }


def every(nodes: Iterable[NodeAudit]) -> list[Prediction]:
    """Each once: a VM of which it is not known where it runs is listed for every node."""
    predictions: list[Prediction] = []
    for prediction in (prediction for node_audit in nodes for prediction in node_audit.fates):
        if prediction.outcome is not Outcome.UNKNOWN or prediction not in predictions:
            predictions.append(prediction)
    return predictions


def findings(snapshot: ClusterSnapshot, policy: Policy, nodes: Sequence[NodeAudit]) -> list[AuditFinding]:
    """What to change, the most VMs first. A VM is in each finding that concerns it."""
    by_code: dict[str, list[Prediction]] = defaultdict(list)
    # Reported also where every VM has another objection that comes first, and where there are no VMs yet.
    if sum(view.available for view in snapshot.nodes) < policy.min_available_nodes:
        by_code["too-few-nodes"] = []
    for prediction in every(nodes):
        for reason in [*prediction.objections, *(["observe-only"] if prediction.policy == "observe" else [])]:
            by_code[reason].append(prediction)
    audit_findings = [
        AuditFinding(code, REASONS[code].meaning, _advice(code, predictions), _names(predictions))
        for code, predictions in by_code.items()
    ]
    for code, (meaning, fix) in _LACKS.items():
        lacking = [prediction for node_audit in nodes for prediction in node_audit.lacks[code]]
        audit_findings += [AuditFinding(code, meaning, fix, _names(lacking))] if lacking else []
    return sorted(audit_findings, key=lambda finding: (-len(finding.vms), finding.code))


def _advice(code: str, predictions: Sequence[Prediction]) -> str:
    """For each of them."""
    advice = [change(code, prediction.volumes, lost=False) for prediction in predictions] or [change(code, lost=False)]
    several = dict.fromkeys(advice)
    if not predictions:
        return " ".join(several)
    first = predictions[0].vm
    named_after = [named(text, first) for text in several]
    if len(predictions) > 1:
        named_after = [for_several(text, found) for text, found in zip(several, named_after, strict=True)]
    return " ".join(named_after)


def _names(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    return tuple(sorted({str(prediction.vm) for prediction in predictions}))
