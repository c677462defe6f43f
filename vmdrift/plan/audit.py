"""`vmdrift audit`: of every node, which VMs would not survive its loss, and what to change, for people or as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reactor.model.drift import Policy
from reactor.model.node import NodeView
from vmdrift import output
from vmdrift.command import say
from vmdrift.plan import VERSION, exit_code, summary, vm_object
from vmdrift.plan.findings import LOST_DISKS, NO_ROOM, PROVISO, AuditFinding, NodeAudit, every, findings
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.incomplete import on_missing_nodes
from vmdrift.plan.judge import predictions
from vmdrift.plan.prediction import Outcome
from vmdrift.plan.select import say_selected, selected
from vmdrift.plan.table import NAME, STYLE, absent, counted
from vmdrift.selector import ALL, VmSelector
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.installed import JudgedBy
from vmdrift.snapshot.source import run_on_snapshot
from vmdrift.terminal import Terminal, lines, rows_table

__all__ = ["NO_ROOM", "AuditFinding", "NodeAudit", "as_object", "audit", "audited", "findings", "show"]

_SHOWN = 6  # VMs that a finding names to people; JSON names all


def audit(*, as_json: bool, dump: str, only: VmSelector = ALL) -> int:
    """Print it; returns the exit code."""

    def report(snapshot: ClusterSnapshot, judged: JudgedBy) -> int:
        policy = judged.policy
        nodes = [replace(node, fates=selected(snapshot, node.fates, only)) for node in audited(snapshot, policy)]
        audit_findings = findings(snapshot, policy, nodes)
        if as_json:
            more = {"settings_from": judged.as_object(), "selected": only.words}
            output.show({**as_object(snapshot, policy, nodes, audit_findings), **more})
        else:
            say(judged.sentence)
            say_selected(only)
            show(Terminal(), snapshot, nodes, audit_findings)
        return exit_code(every(nodes))

    return run_on_snapshot("audit", dump, report)


def audited(snapshot: ClusterSnapshot, policy: Policy, step: Callable[[], object] = lambda: None) -> list[NodeAudit]:
    """Every node, by name. `step` is called after each (heartbeats)."""
    room, audits = FreeRoom.of(snapshot), []
    for view in snapshot.nodes:
        audits.append(NodeAudit(view, predictions(snapshot, view.name, policy, room)))
        step()
    audits += [NodeAudit(NodeView(name, "", "", 0.0), lost) for name, lost in on_missing_nodes(snapshot).items()]
    return sorted(audits, key=lambda node_audit: node_audit.node.name)


def as_object(
    snapshot: ClusterSnapshot, policy: Policy, nodes: Sequence[NodeAudit], audit_findings: Sequence[AuditFinding]
) -> dict[str, Any]:
    """The shape that docs/plan.md documents."""
    return {
        "version": VERSION,
        "read_at": snapshot.at,
        "absent": snapshot.absent,
        "settings": asdict(policy),
        "summary": summary(every(nodes)),
        "findings": [asdict(finding) for finding in audit_findings],
        "nodes": [_node(node_audit) for node_audit in nodes],
    }


def _node(node_audit: NodeAudit) -> dict[str, Any]:
    outage = node_audit.node.outage
    return {
        "node": node_audit.node.name,
        "lost_since": outage.since if outage else None,
        "summary": summary(node_audit.fates),
        "slowest": dict(zip(("by_silence", "with_proof"), node_audit.slowest, strict=True)),
        "no_room": [str(prediction.vm) for prediction in node_audit.waiting],
        "lost_disks": {str(prediction.vm): prediction.lost_disks for prediction in node_audit.lacks[LOST_DISKS]},
        "ifs": {str(prediction.vm): prediction.ifs for prediction in node_audit.lacks[PROVISO]},
        "vms": [vm_object(prediction, node_audit.node.name, lost=outage is not None) for prediction in node_audit.down],
    }


def show(
    console: Console, snapshot: ClusterSnapshot, nodes: Sequence[NodeAudit], audit_findings: Sequence[AuditFinding]
) -> None:
    """For people: the nodes, the VMs that would not survive, and what to change."""
    absent(console, snapshot)
    console.print(Text(f"{len(nodes)} nodes, if any one of them were lost: {counted(every(nodes))}", style="bold"))
    console.print(_nodes_table(nodes))
    if any(node_audit.down for node_audit in nodes):
        console.print(_down_table(nodes))
    for finding in audit_findings:
        console.print(Text(f"{finding.code}: {_vm_names(finding.vms)}", style="bold"))
        console.print(Padding(lines([finding.meaning, f"-> {finding.change}"]), (0, 0, 0, 2)))


def _vm_names(vms: Sequence[str]) -> str:
    if not vms:
        return "the cluster"
    shown = len(vms) if output.wide() else _SHOWN
    rest = len(vms) - shown
    names = ", ".join(vms[:shown])
    return names + (f" and {rest} more" if rest > 0 else "")


def _table(*columns: str) -> Table:
    table = rows_table()
    for column in columns:
        table.add_column(column, overflow="fold", max_width=NAME)
    return table


def _nodes_table(nodes: Sequence[NodeAudit]) -> Table:
    table = _table("Node")
    unknown = any(prediction.outcome is Outcome.UNKNOWN for prediction in every(nodes))
    proven = any(prediction.proven for prediction in every(nodes))
    for column in ("State", "VMs", "Would move", "Stay down", "No room for", *(["Unknown"] if unknown else [])):
        table.add_column(column, justify="left" if column == "State" else "right")
    for column in ("Longest", *(["With proof"] if proven else [])):
        table.add_column(column, justify="right")
    for node_audit in nodes:
        counts = summary(node_audit.fates)
        numbers = [len(node_audit.fates), counts["moves"], counts["stays"], len(node_audit.waiting)]
        numbers += [counts["unknown"]] if unknown else []
        cells = [Text(str(number), style="red" if number and index > 1 else "") for index, number in enumerate(numbers)]
        longest = [Text(words) for words in (node_audit.slowest if proven else node_audit.slowest[:1])]
        table.add_row(Text(node_audit.node.name), Text(_state(node_audit.node)), *cells, *longest)
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
    for node_audit in nodes:
        for prediction in node_audit.down:
            why = [f"{code}: {sentence}" for code, sentence in prediction.objections.items()] or [prediction.sentence]
            table.add_row(
                Text(node_audit.node.name), Text(str(prediction.vm), style=STYLE[prediction.outcome]), lines(why)
            )
    return table
