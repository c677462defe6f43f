"""`vmdrift doctor`: the findings, for people or as JSON."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reactor.process import configure_logs
from vmdrift.command import print_json
from vmdrift.doctor.examine import examine
from vmdrift.doctor.finding import Finding, Status, ok
from vmdrift.doctor.judge import exit_code, judge
from vmdrift.doctor.needs import ROLES

VERSION = 1  # of the JSON; within a version fields are only added
_STYLE = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red", Status.UNKNOWN: "magenta"}


def doctor(*, role: str, as_json: bool) -> int:
    """Print it; returns the exit code. `role`: whose rights are looked at, "" for all of them together."""
    configure_logs()
    found = judge(examine(os.environ, [role] if role else ROLES))
    if as_json:
        print_json(as_object(found))
    else:
        show(Console(), found)
    return exit_code(found)


def as_object(found: Sequence[Finding]) -> dict[str, Any]:
    """The shape that docs/cli.md documents."""
    return {"version": VERSION, "summary": _counts(found), "checks": [asdict(finding) for finding in found]}


def _counts(found: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.status for finding in found)
    return {status.value: counted[status] for status in Status}


def show(console: Console, found: Sequence[Finding]) -> None:
    """A row per check; rights that are there in one."""
    counts = ", ".join(f"{number} {status}" for status, number in _counts(found).items() if number)
    console.print(Text(f"{len(found)} checks: {counts}.", style="bold"))
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Check", overflow="fold", max_width=_WIDEST)
    table.add_column("", no_wrap=True)
    table.add_column("What was found", ratio=1)
    for finding in _gathered(found):
        lines = [finding.sentence, *([f"-> {finding.fix}"] if finding.fix else [])]
        name = f"{finding.check} {finding.about}".strip()
        table.add_row(Text(name), Text(finding.status.value, style=_STYLE[finding.status]), Text("\n".join(lines)))
    console.print(table)


_WIDEST = 22  # columns


def _gathered(found: Sequence[Finding]) -> list[Finding]:
    """With everything that is well in a check that looks at several things in one row."""
    rows: list[Finding] = []
    for check in dict.fromkeys(finding.check for finding in found):
        mine = [finding for finding in found if finding.check == check]
        well = [finding for finding in mine if finding.status is Status.OK and finding.about]
        rows += [finding for finding in mine if finding not in well]
        if well:
            rows.append(ok(check, " ".join(f"{one.about}: {one.sentence.replace(': allowed.', '.')}" for one in well)))
    return rows
