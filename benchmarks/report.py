"""Figures as people read them, and as JSON in `benchmarks/results`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine

_WHOLE = 1000
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """`target` is None for what is only told; `least`: the value shall be that or more, else that or less."""

    what: str
    value: float
    unit: str
    target: float | None = None
    least: bool = False

    @property
    def reached(self) -> bool | None:
        """None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.least else self.value <= self.target

    @property
    def goal(self) -> str:
        """As the table shows it."""
        return "" if self.target is None else f"{'≥' if self.least else '≤'} {self.target:g} {self.unit}"


def report(name: str, title: str, figures: Sequence[Figure], **more: Any) -> int:
    """Show and keep them; the exit code is 1 when a target was missed. `more` goes into the file only."""
    told = [{**asdict(figure), "value": _rounded(figure.value), "reached": figure.reached} for figure in figures]
    text = json.dumps({"title": title, **machine(), "figures": told, **more}, indent=2)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    Console().print(table(title, told))
    return 1 if any(figure.reached is False for figure in figures) else 0


def table(title: str, told: Sequence[dict[str, Any]]) -> Table:
    """Of figures as they stand in a file."""
    shown = Table("", "measured", "to reach", "", title=title, title_justify="left")
    words = {True: "reached", False: "MISSED", None: ""}
    for row in told:
        figure = Figure(*(row[key] for key in ("what", "value", "unit", "target", "least")))
        shown.add_row(figure.what, f"{figure.value:,g} {figure.unit}", figure.goal, words[figure.reached])
    return shown


def _rounded(value: float) -> float:
    """Three digits; what is more than that stays whole."""
    return round(value) if abs(value) >= _WHOLE else float(f"{value:.3g}")
