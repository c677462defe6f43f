"""What `vmdrift status` prints: the health strip, and of each outage one headline and a line for each group of VMs."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.health import HealthRow, Level, Seen, lame, strip
from reactor.model.audit import Audit
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import StoreRefused
from reactor.model.fence_drill import FenceDrill
from reactor.model.groups import Group, groups
from reactor.model.headline import due_at, headline, overdue
from reactor.model.outlook import down, forecast_sentence
from reactor.model.recovery import Windows
from reactor.model.times import duration
from reactor.wiring import Wiring
from vmdrift.output import wide
from vmdrift.status.installed import ShownBy
from vmdrift.status.table import STYLE
from vmdrift.terminal import rows_table

_NAMED = 3  # VMs of a group that one note is about
_MORE = ("Reason", "Down for", "To do")  # columns of -o wide
_LEVELS = {Level.GOOD: "green", Level.WARN: "yellow", Level.BAD: "bold red"}


def health(
    wiring: Wiring, drills: Sequence[FenceDrill], audit: Audit | None, now: float, shown: ShownBy
) -> tuple[tuple[HealthRow, ...], str]:
    """The rows, and why nothing is carried out ("" where something is). Raises StoreUnreachable.

    A user of Redis who may not read what they rest on sees the outages all the same.
    """
    redis = wiring.redis
    try:
        queues = tuple(figures(redis, now))
        read = queues, reports(redis).heard_at, clocks(redis), tuple(drills), wiring.summaries.latest()
        seen = Seen(*read, audit)
    except StoreRefused as error:
        return (HealthRow("health", Level.WARN, f"cannot be read here: {error}"),), ""
    return strip(seen, shown.settings, now, shown.whose), lame(queues)


def health_lines(rows: Sequence[HealthRow]) -> Text:
    """On as few lines as fit."""
    line = Text()
    for row in rows:
        line.append(" · " if line else "")
        line.append(f"{row.name} {row.words}", style=_LEVELS[row.level])
    return line


def head_line(outage: OutageRecord, records: Sequence[Record], windows: Windows, now: float, missing: str) -> Text:
    """What becomes of its VMs. `missing`: as in `health`."""
    head = headline(outage, records, windows, now, missing)
    return Text(head.text, style="bold red" if head.urgent else "bold")


def outage_lines(  # noqa: PLR0913 - what is shown, and by which clock and windows
    outage: OutageRecord,
    records: Sequence[Record],
    windows: Windows,
    now: float,
    missing: str,
    *,
    notes: Callable[[Record], Sequence[str]] = lambda _: (),
) -> RenderableType:
    """What the search for its VMs lacks, its fencing, and its groups. `missing`: as in `health`.

    `notes`: what people asked for of a VM, as sentences.
    """
    lines: list[RenderableType] = [Text(sentence, style="yellow") for sentence in outage.sweep.sentences]
    lines += [Text(f"Fencing: {outage.fencing.summary}")] if outage.fencing else []
    return Lines(*lines, _table(groups(records), windows, now, missing, notes)) if records else Lines(*lines)


def _table(
    found: Sequence[Group], windows: Windows, now: float, missing: str, notes: Callable[[Record], Sequence[str]]
) -> Table:
    table = rows_table()
    table.add_column("VMs", overflow="fold", max_width=30)
    table.add_column("Phase", no_wrap=True)
    table.add_column("Why", ratio=1)
    table.add_column("Next", overflow="fold", max_width=18)
    for name in _MORE if wide() else ():
        table.add_column(name)
    for group in found:
        phase = Text(group.first.phase.value, style=STYLE[group.first.phase])
        number, names = len(group.records), _all_names(group) if wide() else group.names
        why = Text(" ".join((group.sentence, *_noted(group, notes))), style="bold" if group.urgent else "")
        more = [group.reason, _longest_down(group, now), group.todo] if wide() else []
        shown = names if number == 1 else f"{number}: {names}"
        table.add_row(Text(shown), phase, why, _next(group, windows, now, missing), *map(Text, more))
    return table


def _all_names(group: Group) -> str:
    return ", ".join(str(record.drift.vm) for record in group.records)


def _longest_down(group: Group, now: float) -> str:
    gone = max((down(record, now) for record in group.records), key=lambda one: (not one.ended, one.seconds))
    return f"{'not back: ' if gone.not_back else ''}{duration(gone.seconds)}"


def _noted(group: Group, notes: Callable[[Record], Sequence[str]]) -> Iterator[str]:
    """What people asked for: once where it is of all its VMs, else with each VM's name, of a few."""
    by_note: dict[str, list[str]] = {}
    for record in group.records:
        for note in notes(record):
            by_note.setdefault(note, []).append(str(record.drift.vm))
    for note, names in by_note.items():
        if len(names) == len(group.records):
            yield note
        else:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"{', '.join(names[:_NAMED])}{more}: {note}"


def _next(group: Group, windows: Windows, now: float, missing: str) -> Text:
    ends = [end for record in group.records if (end := due_at(record, windows)) is not None]
    if not ends:
        return Text("")
    late = overdue(min(ends), now, missing)
    return Text(late, style="bold red") if late else Text(f"in {duration(min(ends) - now)}")


def vm_lines(record: Record, now: float) -> Iterator[Text]:
    """Of one VM: for how long it is down, what was foreseen, and what to do."""
    gone = down(record, now)
    counting = "" if gone.ended else ", not back as far as is known" if gone.not_back else ", and counting"
    yield Text(f"{record.drift.vm}: down for {duration(gone.seconds)}{counting}.")
    if foreseen := forecast_sentence(record):
        yield Text(foreseen)
    if todo := Group((record,)).todo:
        yield Text(f"To do: {todo}", style="bold" if Group((record,)).urgent else "")
