"""Tables of drifts for a terminal: who, where it stands, why, and how much of the window is left."""

from collections.abc import Iterable

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reactor.model.drift import Phase, Policy, Record

_STYLE = {
    Phase.WAITING: "cyan",
    Phase.BLOCKED: "yellow",
    Phase.RELEASED: "blue",
    Phase.DETACHING: "blue",
    Phase.STARTING: "blue",
    Phase.COMPLETED: "green",
    Phase.REFUSED: "magenta",
    Phase.CANCELLED: "magenta",
    Phase.FAILED: "red",
}
_BAR = 16  # characters


def drifts_table(records: Iterable[Record], policy: Policy, now: float, title: str | None = None) -> Table:
    """A row per drift; `now` in seconds since the epoch."""
    table = Table(title=title, title_justify="left", expand=True)
    for column in ("Node", "VM", "Phase"):
        table.add_column(column, no_wrap=True)
    table.add_column("Why", ratio=1)
    table.add_column("Window", no_wrap=True, width=_BAR + 8)
    table.add_column("Spent", justify="right", no_wrap=True)
    for record in records:
        phase = Text(record.phase.value, style=_STYLE[record.phase])
        why = Text(record.sentence)
        spent = f"{(record.ended_at or now) - record.drift.outage.since:.0f} s"
        node = record.drift.outage.node.name
        table.add_row(node, str(record.drift.vm), phase, why, _window(record, policy, now), spent)
    return table


def window_of(record: Record, policy: Policy) -> tuple[float, float] | None:
    """The window that this drift waits for, (begin, length in seconds); None when it waits for none."""
    if record.phase is Phase.WAITING:
        return record.drift.outage.since, policy.unreachable_window
    if record.phase is Phase.DETACHING and record.released_at and record.reason == "detach-window":
        return record.released_at, policy.detach_window
    return None


def _window(record: Record, policy: Policy, now: float) -> Table | str:
    window = window_of(record, policy)
    if window is None:
        return ""
    begin, length = window
    left = max(0.0, begin + length - now)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(length, min(length, length - left), width=_BAR), f"{left:4.0f} s")
    return bar


def checks_table(record: Record) -> Table:
    """The prerequisites of one drift as its last pass found them."""
    title = f"{record.drift.vm} off {record.drift.outage.node.name}: {record.phase.value}, {record.reason}"
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for check in record.checks:
        mark = Text("holds", style="green") if check.held else Text("does not hold", style="yellow")
        table.add_row(check.name, mark, check.sentence)
    if not record.checks:
        table.add_row("no look at it yet", "", record.sentence)
    return table
