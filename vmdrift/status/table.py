"""What a terminal shows of outages and drifts: which VM, its phase, why, and how much of a window is left."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reactor.model.check_state import CheckState, shown_checks
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.headline import overdue
from reactor.model.outlook import down
from reactor.model.recovery import Window, Windows, waits_for, window
from reactor.model.times import clock_time, duration
from vmdrift.output import wide
from vmdrift.terminal import rows_table

STYLE = {
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
_CHECK_STYLE = {
    CheckState.PASSED: "green",
    CheckState.FAILED: "yellow",
    CheckState.WAITING: "cyan",
    CheckState.NONE: "dim",
}
_BAR = 8  # characters
_LEFT = len(" 300 s")
_USUAL = Windows()
_MORE = ("Proof", "Target", "Reason")  # columns of -o wide
NAME = 24  # characters; a longer name is folded, so that the sentence has room on 80 columns


Outages = Sequence[tuple[OutageRecord, Sequence[Record]]]  # each with its drifts


def overview(outages: Outages, shown: Sequence[Record], now: float, windows: Windows = _USUAL) -> RenderableType:
    """A line per outage that counts its drifts, then those `shown` as a table; `now` in seconds since the epoch."""
    heads = [line for outage, records in outages for line in _head(outage, records, now)]
    return Group(*heads, drifts_table(shown, now, windows)) if shown else Group(*heads)


def _head(outage: OutageRecord, records: Sequence[Record], now: float) -> list[Text]:
    """How many drifts are in which phase, what the search for its VMs lacks, what they wait for, and its fencing."""
    proven = outage.fencing is not None and outage.fencing.proof is not None
    waits = "" if proven or outage.recovered_at else waits_for(records)
    summary = Text(f"{_outage_state(outage, now, silent=bool(waits))}; {_counted(records)}", style="bold")
    lacking = [Text(sentence, style="yellow") for sentence in outage.sweep.sentences]
    known = [waits, f"Fencing: {outage.fencing.summary}" if outage.fencing else ""]
    return [summary, *lacking, *(Text(line) for line in known if line)]


def _outage_state(outage: OutageRecord, now: float, *, silent: bool) -> str:
    node, since = outage.outage.node.name, clock_time(outage.outage.since, now)
    if outage.recovered_at is None:
        return f"Node {node} is {'silent' if silent else 'lost'} since {since}"
    return f"Node {node} was lost at {since} and is back since {clock_time(outage.recovered_at, now)}"


def _counted(records: Sequence[Record]) -> str:
    """How many drifts are in which phase: "6 VMs: 2 waiting, 4 completed."."""
    if not records:
        return "no VM was found there yet."
    phases = Counter(record.phase for record in records)
    numbers = ", ".join(f"{phases[phase]} {phase.value}" for phase in Phase if phases[phase])
    return f"{len(records)} VM{'' if len(records) == 1 else 's'}: {numbers}."


def drifts_table(records: Sequence[Record], now: float, windows: Windows = _USUAL) -> Table:
    """A row per drift."""
    table = rows_table()
    table.add_column("Node", overflow="fold", max_width=NAME)
    table.add_column("VM", overflow="fold", max_width=NAME)
    table.add_column("Phase", no_wrap=True)
    table.add_column("Why", ratio=1)
    open_windows = {record.drift.id: window(record, windows) for record in records}
    if any(open_windows.values()):
        table.add_column("Window left", no_wrap=True, width=_BAR + _LEFT)
    table.add_column("Down for", no_wrap=True, justify="right")
    for name in _MORE if wide() else ():
        table.add_column(name)
    for record in records:
        phase = Text(record.phase.value, style=STYLE[record.phase])
        node, vm = record.drift.outage.node.name, str(record.drift.vm)
        cells = [_window_left(open_windows[record.drift.id], now)] if any(open_windows.values()) else []
        more = [record.proof.value, record.target, record.reason] if wide() else []
        table.add_row(node, vm, phase, Text(record.sentence), *cells, down_for(record, now), *map(Text, more))
    return table


def down_for(record: Record, now: float) -> Text:
    """Since the node's loss until the VM runs again, whatever became of its drift; red where nobody looks any more."""
    gone = down(record, now)
    return Text(duration(gone.seconds), style="bold red" if gone.not_back else "")


def _window_left(open_window: Window | None, now: float) -> Table | Text | str:
    """What is left of the window that a drift waits for, as a bar and in seconds; or since when that is late."""
    if open_window is None:
        return ""
    late = overdue(open_window.end, now, "")
    if late:
        return Text(late, style="bold red")
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(1.0, open_window.share(now), width=_BAR), f"{open_window.left(now):.0f} s")
    return bar


def checks_table(record: Record) -> Table:
    """The prerequisites of one drift as its last pass found them."""
    # Text, here and below: in a plain string rich takes [brackets] for its markup, and sentences quote others.
    title = Text(f"{record.drift.vm} from {record.drift.outage.node.name}: {record.phase.value}, {record.reason}")
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for check in shown_checks(record):
        mark = Text(f"{check.mark} {check.word}", style=_CHECK_STYLE[check.state])
        table.add_row(Text(check.name), mark, Text(check.sentence))
    if not record.checks:
        table.add_row("not checked yet", "", Text(record.sentence))
    return table
