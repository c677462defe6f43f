"""Writes docs/settings.md and docs/reasons.md, and tables into docs/supported.md and docs/performance.md.

`python docs/generate.py`; a test keeps them current.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from reactor.model.reason import REASONS
from reactor.settings import Settings, env_names
from vmdrift.doctor.versions import supported as supported_versions

HERE = Path(__file__).parent
_RESULTS = HERE.parent / "benchmarks" / "results"
_SAID = {True: "reached", False: "missed", None: ""}


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
    """The table of reason codes."""
    lines = [
        "# Reasons",
        "",
        "Why a drift is where it is: each code, the phase that it explains, what it means, what ends it, and what you",
        "can do. Generated from `reactor/model/reason.py` by `python docs/generate.py`.",
        "",
        "| code | phase | meaning | what ends it | what you can do |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [f"| `{r.code}` | {r.phase} | {r.meaning} | {r.ends} | {r.operator} |" for r in REASONS.values()]
    return "\n".join(lines) + "\n"


def supported() -> str:
    """The page as it is, with the table of versions."""
    table = supported_versions()
    lines = [
        "| Kubernetes | its project supports it until | tried with vm-drift |",
        "| --- | --- | --- |",
        *(f"| {row.name} | {row.until} | {row.tried} |" for row in reversed(table["kubernetes"])),
        "",
        "| KubeVirt | its project supports it until | validated by its project with Kubernetes |",
        "| --- | --- | --- |",
        *(f"| {row.name} | {row.until} | {', '.join(row.kubernetes)} |" for row in reversed(table["kubevirt"])),
    ]
    return _between("supported.md", "versions", lines)


def _between(name: str, what: str, lines: list[str]) -> str:
    """The page as it is, with these lines between two comments of this name."""
    begin, end = f"<!-- {what} -->\n", f"<!-- /{what} -->\n"
    before, _, rest = (HERE / name).read_text().partition(begin)
    return before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]


def performance() -> str:
    """The page as it is, with what was measured last."""
    lines = ["| | command | measured | to reach | |", "| --- | --- | --- | --- | --- |"]
    for file in sorted(_RESULTS.glob("*.json")):
        lines += [_row(file.stem, row) for row in json.loads(file.read_text()).get("figures", [])]
    return _between("performance.md", "measured", lines)


def _row(command: str, row: dict[str, Any]) -> str:
    goal = "" if row["target"] is None else f"{'≥' if row['least'] else '≤'} {row['target']:g} {row['unit']}"
    cells = row["what"], f"`{command}`", f"{row['value']:,g} {row['unit']}", goal, _SAID[row["reached"]]
    return f"| {' | '.join(cell.strip() for cell in cells)} |"


PAGES = {"settings.md": settings, "reasons.md": reasons, "supported.md": supported, "performance.md": performance}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
