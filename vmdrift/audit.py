"""`vmdrift audit`: of every node, which VMs would not survive its loss, and what to change, for people or as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from reactor.model.reason import REASONS
from vmdrift.advice import change
from vmdrift.command import print_json
from vmdrift.fate import Fate, Outcome
from vmdrift.plan import VERSION, exit_code, summary, vm_object
from vmdrift.planning import fates
from vmdrift.plantable import NAME, STYLE, absent, counted
from vmdrift.reading import told
from vmdrift.room import Room
from vmdrift.snapshot import Snapshot
from vmdrift.unseen import nowhere

_SHOWN = 6  # VMs that a finding names to people; JSON names all
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
class Finding:
    """What to change, and for which VMs. `code` is a reason code, or `no-room`."""

    code: str
    meaning: str
    change: str
    vms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeAudit:
    """What the loss of one node would do."""

    node: NodeView
    fates: list[Fate]

    @property
    def down(self) -> list[Fate]:
        """Those that would not survive, or of which it is not known."""
        return [fate for fate in self.fates if fate.outcome in {Outcome.STAYS, Outcome.UNKNOWN}]

    @property
    def waiting(self) -> list[Fate]:
        """Those that would move and find no room."""
        return [fate for fate in self.fates if fate.moves and not fate.place]

    @property
    def lacks(self) -> Mapping[str, list[Fate]]:
        """Of those that would move: which lack what, by the code of the finding."""
        moves = [fate for fate in self.fates if fate.moves]
        return {
            NO_ROOM: self.waiting,
            TOO_MUCH: [fate for fate in moves if fate.beyond],
            LOST_DISKS: [fate for fate in moves if fate.lost_disks],
            PROVISO: [fate for fate in moves if fate.ifs],
        }


def audit(*, as_json: bool, dump: str) -> int:
    """Print it; returns the exit code."""

    def tell(there: Snapshot, policy: Policy) -> int:
        nodes = audited(there, policy)
        found = findings(there, policy, nodes)
        if as_json:
            print_json(as_object(there, policy, nodes, found))
        else:
            _show(Console(), there, nodes, found)
        return exit_code(_all(nodes))

    return told("audit", dump, tell)


def audited(there: Snapshot, policy: Policy) -> list[NodeAudit]:
    """Every node, by name."""
    room = Room.of(there)
    found = [NodeAudit(view, fates(there, view.name, policy, room)) for view in there.nodes]
    found += [NodeAudit(NodeView(name, "", "", 0.0), lost) for name, lost in nowhere(there).items()]
    return sorted(found, key=lambda audited: audited.node.name)


def _all(nodes: Iterable[NodeAudit]) -> list[Fate]:
    """Each once: one of which nobody knows where it runs is told of every node."""
    found: list[Fate] = []
    for fate in (fate for audited in nodes for fate in audited.fates):
        if fate.outcome is not Outcome.UNKNOWN or fate not in found:
            found.append(fate)
    return found


def findings(there: Snapshot, policy: Policy, nodes: Sequence[NodeAudit]) -> list[Finding]:
    """What to change, the most VMs first. A VM stands in each that concerns it."""
    vms: dict[str, dict[str, None]] = defaultdict(dict)
    # Told also where every VM has another objection that comes first, and where there are no VMs yet.
    if sum(view.available for view in there.nodes) < policy.min_available_nodes:
        vms["too-few-nodes"] = {}
    for fate in _all(nodes):
        for reason in [*fate.objections, *(["observe-only"] if fate.policy == "observe" else [])]:
            vms[reason][str(fate.vm)] = None
    found = [
        Finding(code, REASONS[code].meaning, change(code, lost=False), tuple(sorted(whose)))
        for code, whose in vms.items()
    ]
    for code, (meaning, what) in _LACKS.items():
        named = sorted(str(fate.vm) for audited in nodes for fate in audited.lacks[code])
        found += [Finding(code, meaning, what, tuple(named))] if named else []
    return sorted(found, key=lambda finding: (-len(finding.vms), finding.code))


def as_object(there: Snapshot, policy: Policy, nodes: Sequence[NodeAudit], found: Sequence[Finding]) -> dict[str, Any]:
    """The shape that docs/plan.md documents."""
    return {
        "version": VERSION,
        "read_at": there.at,
        "absent": there.absent,
        "settings": asdict(policy),
        "summary": summary(_all(nodes)),
        "findings": [asdict(finding) for finding in found],
        "nodes": [_node(audited) for audited in nodes],
    }


def _node(audited: NodeAudit) -> dict[str, Any]:
    outage = audited.node.outage
    return {
        "node": audited.node.name,
        "lost_since": outage.since if outage else None,
        "summary": summary(audited.fates),
        "no_room": [str(fate.vm) for fate in audited.waiting],
        "lost_disks": {str(fate.vm): fate.lost_disks for fate in audited.lacks[LOST_DISKS]},
        "ifs": {str(fate.vm): fate.ifs for fate in audited.lacks[PROVISO]},
        "vms": [vm_object(fate, lost=outage is not None) for fate in audited.down],
    }


def _show(console: Console, there: Snapshot, nodes: Sequence[NodeAudit], found: Sequence[Finding]) -> None:
    absent(console, there)
    console.print(Text(f"{len(nodes)} nodes, if any one of them were lost: {counted(_all(nodes))}", style="bold"))
    console.print(_nodes_table(nodes))
    if any(audited.down for audited in nodes):
        console.print(_down_table(nodes))
    for finding in found:
        console.print(Text(f"{finding.code}: {_named(finding.vms)}", style="bold"))
        console.print(Padding(Text(f"{finding.meaning}\n-> {finding.change}"), (0, 0, 0, 2)))


def _named(vms: Sequence[str]) -> str:
    if not vms:
        return "the cluster"
    rest = len(vms) - _SHOWN
    names = ", ".join(vms[:_SHOWN])
    return names + (f" and {rest} more" if rest > 0 else "")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", max_width=NAME)
    return table


def _nodes_table(nodes: Sequence[NodeAudit]) -> Table:
    table = _table("Node")
    unknown = any(fate.outcome is Outcome.UNKNOWN for fate in _all(nodes))
    for column in ("State", "VMs", "Would move", "Stay down", "No room for", *(["Unknown"] if unknown else [])):
        table.add_column(column, justify="left" if column == "State" else "right")
    for audited in nodes:
        counts = summary(audited.fates)
        numbers = [len(audited.fates), counts["moves"], counts["stays"], len(audited.waiting)]
        numbers += [counts["unknown"]] if unknown else []
        cells = [Text(str(number), style="red" if number and index > 1 else "") for index, number in enumerate(numbers)]
        table.add_row(Text(audited.node.name), Text(_state(audited.node)), *cells)
    return table


def _state(node: NodeView) -> str:
    if node.outage:
        return "lost"
    if not node.uid:
        return "not there"
    return "cordoned" if node.unschedulable else {"True": "Ready"}.get(node.ready, "not Ready")


def _down_table(nodes: Sequence[NodeAudit]) -> Table:
    table = _table("Node", "VM")
    table.add_column("Why it would not survive", ratio=1)
    for audited in nodes:
        for fate in audited.down:
            why = [f"{reason}: {sentence}" for reason, sentence in fate.objections.items()] or [fate.sentence]
            table.add_row(Text(audited.node.name), Text(str(fate.vm), style=STYLE[fate.outcome]), Text("\n".join(why)))
    return table
