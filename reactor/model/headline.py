"""An outage in one line, for page and `vmdrift status`: how many of its VMs will move, and how many stay down. Pure.

    worker-1 lost 17 s ago · 6 VMs: 4 will move (first in 33 s), 2 will stay down: act now

Nothing is counted as moving that was neither judged nor foreseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reactor.model.drift import OutageRecord, Record
from reactor.model.outlook import Outlook, needs_somebody, outlook
from reactor.model.recovery import Windows, is_unnoticed, window
from reactor.model.times import duration

_BUSY, _GRACE = 11.0, 2.0  # seconds that a look may take to begin: where workers are at work, and where none is
_WORDS = {
    Outlook.BACK: ("runs again", "run again"),
    Outlook.MOVING: ("is moving", "are moving"),
    Outlook.MOVES: ("will move", "will move"),
    Outlook.UNDECIDED: ("not foreseen yet", "not foreseen yet"),
    Outlook.UNWANTED: ("is not to run", "are not to run"),
    Outlook.HELD: ("is held", "are held"),
    Outlook.ALIVE: ("may still run there", "may still run there"),
    Outlook.STAYS: ("will stay down", "will stay down"),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """`urgent`: somebody has to act now, or nobody carries drifts out. `counts`: VMs by Outlook, as in the text."""

    text: str
    urgent: bool
    counts: tuple[tuple[Outlook, int], ...] = ()


def headline(outage: OutageRecord, records: Sequence[Record], windows: Windows, now: float, lame: str = "") -> Headline:
    """`lame`: why nothing is carried out ("no worker is alive"), "" where something is."""
    by_outlook: dict[Outlook, list[Record]] = {}
    for record in records:
        by_outlook.setdefault(outlook(record), []).append(record)
    parts = [_part(how, by_outlook[how], windows, now, lame) for how in _WORDS if how in by_outlook]
    act = any(needs_somebody(record) and outlook(record) is not Outlook.HELD for record in records)
    open_still = any(how in by_outlook for how in (Outlook.MOVING, Outlook.MOVES, Outlook.UNDECIDED))
    urgent = act or bool(lame and open_still)
    what = f"{counted(len(records))}: {', '.join(parts)}" if parts else "no VM was found there yet"
    counts = tuple((how, len(by_outlook[how])) for how in _WORDS if how in by_outlook)
    return Headline(f"{_node(outage, records, now)} · {what}{': act now' if act else ''}", urgent, counts)


def counted(number: int) -> str:
    """1 VM, 6 VMs."""
    return f"{number} VM{'' if number == 1 else 's'}"


def _node(outage: OutageRecord, records: Sequence[Record], now: float) -> str:
    name, ago = outage.outage.node.name, duration(now - outage.outage.since)
    if outage.recovered_at is not None:
        return f"{name} lost {ago} ago, back {duration(now - outage.recovered_at)} ago"
    return f"{name} silent for {ago}" if any(map(is_unnoticed, records)) else f"{name} lost {ago} ago"


def _part(how: Outlook, records: Sequence[Record], windows: Windows, now: float, lame: str) -> str:
    singular, plural = _WORDS[how]
    said = f"{len(records)} {singular if len(records) == 1 else plural}"
    due = _first(records, windows, now, lame) if how in {Outlook.MOVES, Outlook.UNDECIDED} else ""
    return f"{said} ({due})" if due else said


def _first(records: Sequence[Record], windows: Windows, now: float, lame: str) -> str:
    ends = [end for record in records if (end := due_at(record, windows)) is not None]
    if not ends:
        return "on proof only" if any(map(is_unnoticed, records)) else ""
    first = min(ends)
    return f"first in {duration(first - now)}" if first > now else overdue(first, now, lame)


def due_at(record: Record, windows: Windows) -> float | None:
    """When something is to happen next to this VM: the end of its window, or else the next look."""
    if is_unnoticed(record) or record.ended:
        return None
    current = window(record, windows)
    return current.end if current else record.again_at


def overdue(due: float, now: float, lame: str) -> str:
    """What was due then and has not happened: since when it is late, and who is missing. "" while it is not due."""
    if due > now:
        return ""
    late = now - due
    if late <= (_GRACE if lame else _BUSY):
        return "due now"
    return f"{duration(late)} late: {lame}" if lame else f"{duration(late)} late"
