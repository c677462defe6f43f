"""A rehearsal for people, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reactor.model.times import duration
from vmdrift.command import CANNOT_TELL
from vmdrift.rehearse.fates import Fate, Rehearsal
from vmdrift.terminal import lines, rows_table

RUNS = "running-elsewhere"  # then its sentence says only what its node does
VERSION = 1  # of the JSON; within a version fields are only added
_NAME = 28  # characters; a longer name is folded
_SHORT = 12  # losses; of more, those that leave nobody down are one line each


def exit_code(played: Sequence[Rehearsal]) -> int:
    """1 where a VM does not run again, else 2 where it is not known of one, else 0."""
    if any(one.staying for one in played):
        return 1
    return CANNOT_TELL if any(one.unknown for one in played) else 0


def as_object(one: Rehearsal) -> dict[str, Any]:
    """The shape that docs/rehearsal.md documents."""
    fates = [asdict(fate) for fate in one.fates]
    return {"nodes": one.nodes, "seconds": slowest(one), "fates": fates, "unknown": dict(one.unknown)}


def slowest(one: Rehearsal) -> float | None:
    """Seconds until the last of those that run again does; None where none does."""
    return max((fate.down for fate in one.fates if fate.down is not None), default=None)


def head(one: Rehearsal) -> str:
    """What became of them, in a sentence."""
    names, number, stays = ", ".join(one.nodes), len(one.fates), len(one.staying)
    if not one.fates:
        return f"{names} lost: no VM runs there." if not one.unknown else f"{names} lost: none of its VMs is played."
    last, waits = slowest(one), sum(bool(fate.pending) for fate in one.fates)
    room = f", {'' if waits == stays else f'{waits} of them '}for want of room" if waits else ""
    if number == 1:
        alone = f"runs again within {duration(last)}" if last is not None else "stays down"
        return f"{names} lost: {'its' if len(one.nodes) == 1 else 'their'} only VM {alone}{room}."
    if last is None:
        return f"{names} lost: none of {number} VMs runs again{room}."
    if not stays:
        return f"{names} lost: {'both' if number == 2 else f'all {number}'} VMs run again within {duration(last)}."  # noqa: PLR2004
    again = f"{number - stays} run{'s' if number - stays == 1 else ''} again within {duration(last)}"
    return f"{names} lost: of {number} VMs {again}, {stays} stay{'s' if stays == 1 else ''} down{room}."


def show(console: Console, played: Sequence[Rehearsal]) -> None:
    """Each loss; of each, the VMs that stay down first, then the slowest."""
    many = len(played) > _SHORT
    for one in played:
        console.print(Text(head(one), style="bold" if one.staying or not many else ""))
        if one.fates and (one.staying or not many):
            console.print(_table(one.staying if many else one.fates))
        for vm, why in one.unknown.items():
            console.print(Text(f"not played: {vm}: {why}"))
    if len(played) > 1:
        console.print(Text(summary(played), style="bold"))


def summary(played: Sequence[Rehearsal]) -> str:
    """Of many losses."""
    bad = sum(bool(one.staying) for one in played)
    times = [last for one in played if (last := slowest(one)) is not None]
    within = f"; who runs again does within {duration(max(times))}" if times else ""
    unknown = len({vm for one in played for vm in one.unknown})
    left = f"; {unknown} VM{' is' if unknown == 1 else 's are'} not played" if unknown else ""
    return (
        f"{len(played)} losses played: {bad or 'none'} of them leave{'s' if bad == 1 else ''} VMs down{within}{left}."
    )


def in_order(fates: Sequence[Fate]) -> list[Fate]:
    """Those that stay down, then the slowest."""
    return sorted(fates, key=lambda fate: (fate.down is not None, -(fate.down or 0.0), fate.vm))


def told(fate: Fate) -> list[str]:
    """How it ended, what would help, and what was not played of it."""
    words = [] if fate.reason == RUNS else [f"{fate.reason}: {fate.sentence}" if fate.reason else fate.sentence]
    words += [f"-> {fate.fix}"] if fate.fix else []
    words += ["It ran twice: its old guest still lived."] if fate.twice else []
    return words + ([f"not played: {', '.join(fate.unplayed)}"] if fate.unplayed else [])


def _together(fates: Sequence[Fate]) -> list[list[Fate]]:
    """In their order; those that stay down and of which the same is said, as one."""
    groups: dict[tuple[str, ...], list[Fate]] = {}
    for fate in in_order(fates):
        key = tuple(told(fate)) if fate.down is None else (fate.vm, "")
        groups.setdefault(key, []).append(fate)
    return list(groups.values())


def _table(fates: Sequence[Fate]) -> Table:
    table = rows_table()
    table.add_column("VM", overflow="fold", max_width=_NAME)
    table.add_column("Down for", justify="right", no_wrap=True)
    table.add_column("Runs on", overflow="fold", max_width=_NAME)
    table.add_column("How it ended", ratio=1)
    for group in _together(fates):
        fate = group[0]
        down = Text("stays", style="red") if fate.down is None else Text(duration(fate.down))
        table.add_row(lines([one.vm for one in group]), down, Text(fate.node), lines(told(fate)))
    return table
