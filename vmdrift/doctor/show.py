"""`vmdrift doctor`: the findings, for people or as JSON."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from reactor.process import configure_logs
from vmdrift.cli.command import print_json
from vmdrift.cli.terminal import Terminal, lines, rows_table
from vmdrift.doctor.examine import examine
from vmdrift.doctor.finding import Finding, Status, listed
from vmdrift.doctor.judge import exit_code, judge

VERSION = 1  # of the JSON; within a version fields are only added
_STYLE = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red", Status.UNKNOWN: "magenta"}


def doctor(*, role: str, as_json: bool) -> int:
    """Print it; returns the exit code. `role`: whose rights are looked at, "" for all of them together."""
    configure_logs()
    found = judge(examine(os.environ, [role] if role else ()))
    if as_json:
        print_json(as_object(found))
    else:
        show(Terminal(), found)
    return exit_code(found)


def as_object(found: Sequence[Finding]) -> dict[str, Any]:
    """The shape that docs/cli.md documents."""
    return {"version": VERSION, "summary": _counts(found), "checks": [asdict(finding) for finding in found]}


def _counts(found: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.status for finding in found)
    return {status.value: counted[status] for status in Status}


def show(console: Console, found: Sequence[Finding]) -> None:
    """A row per check; rights that are there in one."""
    words = {**{status.value: status.value for status in Status}, "warning": "warned of"}
    counts = ", ".join(f"{number} {words[status]}" for status, number in _counts(found).items() if number)
    console.print(Text(f"{len(found)} checks: {counts}.", style="bold"))
    table = rows_table()
    table.add_column("Check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("What was found", ratio=1)
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)


def _rows(found: Sequence[Finding]) -> Iterator[tuple[RenderableType, ...]]:
    """A row for all that is alike in one check and has the same fix."""
    alike: dict[tuple[str, Status, str], list[Finding]] = {}
    for check in dict.fromkeys(finding.check for finding in found):
        for one in found:
            if one.check == check:
                alike.setdefault((check, one.status, one.fix), []).append(one)
    for (check, status, fix), several in alike.items():
        told = lines([_said(several), *([f"-> {fix}"] if fix else [])])
        yield Text(check), Text(status.value, style=_STYLE[status]), told


def _said(several: Sequence[Finding]) -> str:
    """Each sentence once, with all that it is about."""
    sentences = dict.fromkeys(one.sentence for one in several)
    told = {
        sentence: [one.about for one in several if one.about and one.sentence == sentence] for sentence in sentences
    }
    return " ".join(f"{listed(about)}: {said}" if about else said for said, about in told.items())
