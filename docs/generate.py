"""Writes docs/settings.md, reasons.md and options.md, and tables into docs/supported.md and performance.md.

`python docs/generate.py`; a test keeps them current.
"""

import inspect
import json
import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from reactor.model.drift import Phase
from reactor.model.reason import REASONS
from reactor.settings import Settings, env_names
from vmdrift.cli import main
from vmdrift.doctor.versions import supported as supported_versions

HERE = Path(__file__).parent
_RESULTS = HERE.parent / "benchmarks" / "results"
_SAID = {True: "reached", False: "missed", None: ""}
_EVERYWHERE = frozenset({"--kubeconfig", "--context"})  # added to a command when it is asked for
_NAMES = {name for row in fields(Settings) for name in env_names(row)}


def settings() -> str:
    """All settings at a glance, and a section for each, so that each can be found and linked to."""
    lines = [
        "# Settings",
        "",
        "Environment variables, read once at start; a malformed one stops the process with a line that names it and",
        "exit code 2. `KUBECONFIG` names the cluster; without it, the pod's own ServiceAccount does. Generated from",
        "`reactor/settings.py` by `python docs/generate.py`.",
        "",
        "| variable | unit | default |",
        "| --- | --- | --- |",
    ]
    rows = [(env_names(row), _unit(row), _shown(row.default), row.metadata["why"]) for row in fields(Settings)]
    lines += [f"| [`{names[0]}`](#{names[0].lower()}) | {unit} | {default} |" for names, unit, default, _ in rows]
    for names, unit, default, why in rows:
        also = "".join(f" Where it is not set, `{name}` counts." for name in names[1:])
        lines += ["", f"## `{names[0]}`", "", f"Unit: {unit}. Default: {default}.{also}", "", _linked(why)]
    return "\n".join(lines) + "\n"


def _unit(row: Field[Any]) -> str:
    return str(row.metadata["unit"]).replace("|", "or")


def _linked(text: str) -> str:
    """With a link for each setting that it names, unless as code."""

    def link(found: re.Match[str]) -> str:
        name = found.group()
        return f"[{name}](settings.md#{name.lower()})" if name in _NAMES else name

    return re.sub(r"`[^`]*`|\bVMDRIFT_[A-Z_]+\b", link, text)


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
            lines += ["", f"### `{reason.code}`", "", _linked(reason.meaning), ""]
            lines.append(f"- **What ends it**: {_linked(reason.ends)}")
            lines.append(f"- **What you can do**: {_linked(reason.operator)}")
    return "\n".join(lines) + "\n"


def options() -> str:
    """A section for each command, with each of its options, as `--help` says it."""
    lines = [
        "# Options",
        "",
        "Every command with its options, as `vmdrift COMMAND --help` says it; what they are for:",
        "[command line](cli.md). Commands that have a cluster also take `--kubeconfig` and `--context`",
        "([which cluster](cli.md#which-cluster)), before or after their name. Generated from the commands by",
        "`python docs/generate.py`.",
    ]
    for name, command in sorted(main.commands.items()):
        usage = " ".join(["vmdrift", name, *command.collect_usage_pieces(click.Context(command))])
        paragraphs = inspect.cleandoc(command.help or "").replace("\b\n", "").split("\n\n")
        said = [_prose(" ".join(paragraph.split())) for paragraph in paragraphs]
        lines += ["", f"## `vmdrift {name}`", "", f"`{usage}`", *(f"\n{paragraph}" for paragraph in said)]
        if rows := [row for row in map(_option, command.params) if row]:
            lines += ["", "| option | |", "| --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _option(parameter: click.Parameter) -> str:
    """A row; "" for an argument, of which the usage tells."""
    if not isinstance(parameter, click.Option) or parameter.hidden or not _EVERYWHERE.isdisjoint(parameter.opts):
        return ""
    choice = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
    value = "" if parameter.is_flag else parameter.metavar or "|".join(map(str, choice)) or "TEXT"
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    shown = value.replace("|", r"\|")
    return f"| {names}{f' `{shown}`' if value else ''} | {_prose(parameter.help or '')} |"


def _prose(text: str) -> str:
    """A text for a terminal, in Markdown."""
    return re.sub(r"([|*_<>\[\]])", r"\\\1", text)


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


PAGES = {
    "settings.md": settings,
    "reasons.md": reasons,
    "options.md": options,
    "supported.md": supported,
    "performance.md": performance,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
