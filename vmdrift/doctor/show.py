"""`vmdrift doctor`: the findings, for people or as JSON."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from reactor.process import configure_logs
from vmdrift import output
from vmdrift.doctor.examine import examine
from vmdrift.doctor.finding import Finding, Status, listed
from vmdrift.doctor.judge import exit_code, judge
from vmdrift.terminal import Terminal, lines, rows_table

VERSION = 1  # of the JSON; within a version fields are only added
_STYLE = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red", Status.UNKNOWN: "magenta"}


def doctor(*, role: str, fencing: bool, as_json: bool) -> int:
    """Print it; returns the exit code. `role`: whose rights are checked, "" for all of them together.

    `fencing`: with a drill of every healthy node's fencing.
    """
    configure_logs()
    findings = judge(examine(os.environ, [role] if role else (), fencing=fencing))
    if as_json:
        output.show(as_object(findings))
    else:
        show(Terminal(), findings)
    return exit_code(findings)


def as_object(findings: Sequence[Finding]) -> dict[str, Any]:
    """The shape that docs/cli.md documents."""
    return {"version": VERSION, "summary": _counts(findings), "checks": [asdict(finding) for finding in findings]}


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.status for finding in findings)
    return {status.value: counted[status] for status in Status}


def show(console: Console, findings: Sequence[Finding]) -> None:
    """A row per check; all rights that are granted in one."""
    counts = ", ".join(_counted(number, status) for status, number in _counts(findings).items() if number)
    console.print(Text(f"{_counted(len(findings), 'check')}: {counts}.", style="bold"))
    table = rows_table()
    table.add_column("Check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("What was found", ratio=1)
    for row in _rows(findings):
        table.add_row(*row)
    console.print(table)


def _counted(number: int, word: str) -> str:
    """1 warning, 2 warnings; of the other states there is no plural."""
    return f"{number} {word}{'s' if number != 1 and word in {'check', 'warning'} else ''}"


def _rows(findings: Sequence[Finding]) -> Iterator[tuple[RenderableType, ...]]:
    """A row for all findings of a check with the same status and the same fix."""
    alike: dict[tuple[str, Status, str], list[Finding]] = {}
    for check in dict.fromkeys(finding.check for finding in findings):
        for finding in findings:
            if finding.check == check:
                alike.setdefault((check, finding.status, finding.fix), []).append(finding)
    for (check, status, fix), group in alike.items():
        cell = lines([_sentences(group), *([f"-> {fix}"] if fix else [])])
        yield Text(check), Text(status.value, style=_STYLE[status]), cell


def _sentences(group: Sequence[Finding]) -> str:
    """Each sentence once, with all that it is about."""
    sentences = dict.fromkeys(finding.sentence for finding in group)
    subjects = {
        sentence: [finding.about for finding in group if finding.about and finding.sentence == sentence]
        for sentence in sentences
    }
    return " ".join(f"{listed(about)}: {sentence}" if about else sentence for sentence, about in subjects.items())
