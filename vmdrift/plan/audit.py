"""`vmdrift audit`: of every node, which VMs would not survive its loss, and what to change, for people or as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from vmdrift.cli.command import print_json
from vmdrift.cli.terminal import Terminal, lines, rows_table
from vmdrift.plan import VERSION, exit_code, summary, vm_object
from vmdrift.plan.findings import LOST_DISKS, NO_ROOM, PROVISO, AuditFinding, NodeAudit, every, findings
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.incomplete import nowhere
from vmdrift.plan.judge import fates
from vmdrift.plan.prediction import Outcome
from vmdrift.plan.table import NAME, STYLE, absent, counted
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.source import told

__all__ = ["NO_ROOM", "AuditFinding", "NodeAudit", "as_object", "audit", "audited", "findings"]

_SHOWN = 6  # VMs that a finding names to people; JSON names all


def audit(*, as_json: bool, dump: str) -> int:
    """Print it; returns the exit code."""

    def tell(there: ClusterSnapshot, policy: Policy) -> int:
        nodes = audited(there, policy)
        found = findings(there, policy, nodes)
        if as_json:
            print_json(as_object(there, policy, nodes, found))
        else:
            _show(Terminal(), there, nodes, found)
        return exit_code(every(nodes))

    return told("audit", dump, tell)


def audited(there: ClusterSnapshot, policy: Policy) -> list[NodeAudit]:
    """Every node, by name."""
    room = FreeRoom.of(there)
    found = [NodeAudit(view, fates(there, view.name, policy, room)) for view in there.nodes]
    found += [NodeAudit(NodeView(name, "", "", 0.0), lost) for name, lost in nowhere(there).items()]
    return sorted(found, key=lambda audited: audited.node.name)


def as_object(
    there: ClusterSnapshot, policy: Policy, nodes: Sequence[NodeAudit], found: Sequence[AuditFinding]
) -> dict[str, Any]:
    """The shape that docs/plan.md documents."""
    return {
        "version": VERSION,
        "read_at": there.at,
        "absent": there.absent,
        "settings": asdict(policy),
        "summary": summary(every(nodes)),
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


def _show(console: Console, there: ClusterSnapshot, nodes: Sequence[NodeAudit], found: Sequence[AuditFinding]) -> None:
    absent(console, there)
    console.print(Text(f"{len(nodes)} nodes, if any one of them were lost: {counted(every(nodes))}", style="bold"))
    console.print(_nodes_table(nodes))
    if any(audited.down for audited in nodes):
        console.print(_down_table(nodes))
    for finding in found:
        console.print(Text(f"{finding.code}: {_named(finding.vms)}", style="bold"))
        console.print(Padding(lines([finding.meaning, f"-> {finding.change}"]), (0, 0, 0, 2)))


def _named(vms: Sequence[str]) -> str:
    if not vms:
        return "the cluster"
    rest = len(vms) - _SHOWN
    names = ", ".join(vms[:_SHOWN])
    return names + (f" and {rest} more" if rest > 0 else "")


def _table(*columns: str) -> Table:
    table = rows_table()
    for column in columns:
        table.add_column(column, overflow="fold", max_width=NAME)
    return table


def _nodes_table(nodes: Sequence[NodeAudit]) -> Table:
    table = _table("Node")
    unknown = any(fate.outcome is Outcome.UNKNOWN for fate in every(nodes))
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
            table.add_row(Text(audited.node.name), Text(str(fate.vm), style=STYLE[fate.outcome]), lines(why))
    return table
