"""Writes docs/settings.md and docs/reasons.md from the code, and what was measured into docs/performance.md.

`python docs/generate.py`; a test keeps them current.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from reactor.model.drift import Phase
from reactor.model.reason import REASONS
from reactor.settings import Settings, env_names

HERE = Path(__file__).parent
_RESULTS = HERE.parent / "benchmarks" / "results"
_SAID = {True: "reached", False: "missed", None: ""}
_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"


def settings() -> str:
    """The table of settings."""
    lines = [
        "# Settings",
        "",
        "Environment variables, read once at start; a malformed one stops the process with a line that names it and",
        "exit code 2. Generated from `reactor/settings.py` by `python docs/generate.py`.",
        "",
        "| variable | unit | default | why |",
        "| --- | --- | --- | --- |",
    ]
    for row in fields(Settings):
        default = _shown(row.default)
        unit = str(row.metadata["unit"]).replace("|", "or")
        names = ", else ".join(f"`{name}`" for name in env_names(row))
        lines.append(f"| {names} | {unit} | {default} | {row.metadata['why']} |")
    lines += ["", "`KUBECONFIG` names the cluster; without it, the pod's own ServiceAccount does."]
    return "\n".join(lines) + "\n"


def _shown(default: object) -> str:
    if default in ("", ()):
        return "not set"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{str(default).lower()}`"


def reasons() -> str:
    """A section for each reason code, by phase, so that each can be found and linked to."""
    lines = [
        "# Reasons",
        "",
        "Why a drift is where it is: each code with what it means, what ends it, and what you can do, by the phase",
        "that it explains. Generated from `reactor/model/reason.py` by `python docs/generate.py`.",
    ]
    for phase in Phase:
        lines += ["", f"## {phase.capitalize()}"]
        for reason in (reason for reason in REASONS.values() if reason.phase == phase):
            lines += ["", f"### `{reason.code}`", "", reason.meaning, ""]
            lines += [f"- **What ends it**: {reason.ends}", f"- **What you can do**: {reason.operator}"]
    return "\n".join(lines) + "\n"


def performance() -> str:
    """The page as it is, with what was measured last."""
    page = (HERE / "performance.md").read_text()
    before, _, rest = page.partition(_BEGIN)
    lines = ["| | command | measured | to reach | |", "| --- | --- | --- | --- | --- |"]
    for file in sorted(_RESULTS.glob("*.json")):
        lines += [_row(file.stem, row) for row in json.loads(file.read_text()).get("figures", [])]
    return before + _BEGIN + "\n".join(lines) + "\n" + _END + rest.partition(_END)[2]


def _row(command: str, row: dict[str, Any]) -> str:
    goal = "" if row["target"] is None else f"{'≥' if row['least'] else '≤'} {row['target']:g} {row['unit']}"
    cells = row["what"], f"`{command}`", f"{row['value']:,g} {row['unit']}", goal, _SAID[row["reached"]]
    return f"| {' | '.join(cell.strip() for cell in cells)} |"


PAGES = {"settings.md": settings, "reasons.md": reasons, "performance.md": performance}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
