"""`vmdrift audit --any K` and `--zone`: may any K nodes, or any one zone, be lost at once, for people or as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from reactor.model.drift import Policy
from vmdrift import output
from vmdrift.command import CANNOT_TELL, say
from vmdrift.plan.audit import audited
from vmdrift.plan.findings import NodeAudit
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.survival import Casualty, Fate, LostTogether, any_of, survival, zones
from vmdrift.plan.table import NAME, absent
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.installed import JudgedBy
from vmdrift.snapshot.source import run_on_snapshot
from vmdrift.terminal import Terminal, lines, progress, rows_table

VERSION = 1  # of the JSON; within a version fields are only added
_SETS, _VMS = 10, 4  # that people are shown; JSON names all
_STYLE = {Fate.DOWN: "red", Fate.PERHAPS: "yellow", Fate.UNKNOWN: "yellow", Fate.RUNS: "green"}
Sets = Sequence[tuple[str, tuple[str, ...]]]


def survive(number: int, *, as_json: bool, dump: str) -> int:
    """Print it; returns the exit code. `number` of nodes at once, 0: one zone."""

    def report(snapshot: ClusterSnapshot, by: JudgedBy) -> int:
        policy = by.policy
        nodes = audited(snapshot, policy)
        judged = _survival(_sets(nodes, number), nodes, FreeRoom.of(snapshot), policy)
        if as_json:
            output.show({**as_object(snapshot, policy, judged), "settings_from": by.as_object()})
        else:
            say(by.sentence)
            show(Terminal(), snapshot, _what(number), judged)
        return exit_code(judged)

    return run_on_snapshot("audit", dump, report)


def _sets(nodes: Sequence[NodeAudit], number: int) -> Sets:
    return any_of(nodes, number) if number else zones(nodes)


def _what(number: int) -> str:
    return {0: "one zone", 1: "any one node"}.get(number, f"any {number} nodes")


def _survival(sets: Sets, nodes: Sequence[NodeAudit], room: FreeRoom, policy: Policy) -> list[LostTogether]:
    with progress("Judging what is lost together", len(sets)) as step:
        return survival(sets, nodes, room, policy, step)


def exit_code(judged: Sequence[LostTogether]) -> int:
    """1 when some set leaves a VM down, else 2 when that is not known of one, or one only perhaps survives, else 0."""
    fates = {one.fate for one in judged}
    if Fate.DOWN in fates:
        return 1
    return CANNOT_TELL if fates - {Fate.RUNS} else 0


def as_object(snapshot: ClusterSnapshot, policy: Policy, judged: Sequence[LostTogether]) -> dict[str, Any]:
    """The shape that docs/plan.md documents; sets that all survive are only counted."""
    counted = Counter(one.fate for one in judged)
    return {
        "version": VERSION,
        "read_at": snapshot.at,
        "absent": snapshot.absent,
        "settings": asdict(policy),
        "summary": {fate.value: counted[fate] for fate in Fate},
        "sets": [_set(one) for one in judged if one.casualties],
    }


def _set(one: LostTogether) -> dict[str, Any]:
    casualties = [asdict(casualty) | {"fate": casualty.fate.value} for casualty in one.casualties]
    return {"name": one.name, "nodes": one.nodes, "vms": one.vms, "fate": one.fate.value, "casualties": casualties}


def show(console: Console, snapshot: ClusterSnapshot, what: str, judged: Sequence[LostTogether]) -> None:
    """For people: how many sets survive, the worst of those that do not, and what to do about each."""
    absent(console, snapshot)
    counted = Counter(one.fate for one in judged)
    if not judged:
        console.print("There is nothing to judge: no VM runs on such nodes, or no node has a zone.")
        return
    told = f"{counted[Fate.RUNS]} of {len(judged)} losses of {what} leave every VM running again"
    more = {Fate.DOWN: "leave VMs down", Fate.PERHAPS: "perhaps do", Fate.UNKNOWN: "are unknown"}
    words = [told, *(f"{counted[fate]} {word}" for fate, word in more.items() if counted[fate])]
    console.print(Text(f"{'; '.join(words)}.", style="bold"))
    wrong = [one for one in judged if one.casualties]
    if wrong:
        console.print(_table(wrong[:_SETS]))
    if len(wrong) > _SETS:
        console.print(f"and {len(wrong) - _SETS} more, with --json.")


def _table(judged: Sequence[LostTogether]) -> Any:
    table = rows_table()
    table.add_column("If lost together", overflow="fold", max_width=NAME)
    table.add_column("VMs", justify="right")
    table.add_column("Not running again", ratio=1)
    for one in judged:
        table.add_row(Text(one.name), Text(str(one.vms)), lines(_told(one.casualties)))
    return table


def _told(casualties: Sequence[Casualty]) -> Iterator[str]:
    """VMs of which the same is said, together."""
    groups: dict[tuple[Fate, str, str], list[str]] = {}
    for casualty in casualties:
        groups.setdefault((casualty.fate, casualty.why, casualty.fix), []).append(casualty.vm)
    for (fate, why, fix), vms in groups.items():
        more = f" and {len(vms) - _VMS} more" if len(vms) > _VMS else ""
        yield f"{fate.value}: {', '.join(vms[:_VMS])}{more}"
        yield f"  {why}"
        yield f"  -> {fix}"
