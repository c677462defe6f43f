"""A record -> the stages of its drift on one scale, to be drawn. Pure; moments in seconds since the epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reactor.model.drift import Record
from reactor.model.times import parse_time

_BELIEVED = 600.0  # seconds between a node's last word and its outage; more is rather a clock that is off
_WIDTH = 1000.0  # units of the drawing
_LEAST = 4.0  # units; what is shorter would not be seen


@dataclass(frozen=True, slots=True)
class Windows:
    """In seconds: VMDRIFT_UNREACHABLE_WINDOW and VMDRIFT_DETACH_WINDOW."""

    unreachable: float
    detach: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Something happened at `at`; `expected`: it has not yet, and is to then. `x`: where, from 0 to 1000.

    `stage`: what the time before it went into.
    """

    name: str
    what: str
    at: float
    expected: bool
    x: float
    stage: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Between two marks. `name` is what the time went into; `begin` and `width` in units from 0 to 1000."""

    name: str
    seconds: float
    begin: float
    width: float
    expected: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """`now`: where the present is, None once the drift has ended."""

    marks: tuple[Mark, ...]
    stages: tuple[Stage, ...]
    now: float | None
    began: float
    ends: float


_STAGES = {
    "unknown": "silent",
    "window": "window",
    "terminating": "window",
    "released": "ending",
    "detached": "detaching",
    "scheduled": "scheduling",
    "running": "starting",
}


def timeline(record: Record, windows: Windows, now: float) -> Timeline:
    """Lost, unknown, window, terminating, released, detached, scheduled, running: those that are known, in order."""
    found = sorted(_marks(record, windows), key=lambda mark: mark[2])
    begin = found[0][2]
    end = record.ended_at or max(now, found[-1][2])
    scale = _WIDTH / max(1.0, end - begin)
    over = record.ended_at or now
    marks = tuple(
        Mark(name, what, at, at > over, round((at - begin) * scale, 1), _STAGES.get(name, ""))
        for name, what, at in found
    )
    here = None if record.ended_at else round((now - begin) * scale, 1)
    return Timeline(marks, _stages(marks, record, over, scale), here, begin, end)


def _marks(record: Record, windows: Windows) -> list[tuple[str, str, float]]:
    since = record.drift.outage.since
    known = [
        ("lost", "last word of the node", _last_word(record)),
        ("unknown", "Kubernetes calls the node Unknown", float(since)),
        ("window", "the window ends", since + windows.unreachable if _is_due(record, since, windows) else None),
        ("terminating", "Kubernetes ends the launcher pod", record.terminating_at),
        ("released", "launcher pod force-deleted", record.released_at),
        ("detached", "volumes are free", record.detached_at or _to_be_free(record, windows)),
        ("scheduled", "the VM has a new node", _scheduled(record)),
        ("running", "it runs", record.ended_at if record.phase.value == "completed" else None),
    ]
    return [(name, what, at) for name, what, at in known if at is not None]


def _is_due(record: Record, since: float, windows: Windows) -> bool:
    """A drift that ended before its window's end waited for nothing."""
    return record.ended_at is None or record.ended_at >= since + windows.unreachable


def _to_be_free(record: Record, windows: Windows) -> float | None:
    waits = record.reason == "detach-window" and record.released_at is not None
    return (record.released_at or 0.0) + windows.detach if waits else None


def _scheduled(record: Record) -> float | None:
    """Kubernetes cuts its moments to whole seconds: what comes after the release must not seem to come before it."""
    at, released = record.scheduled_at, record.released_at or 0.0
    return released if at is not None and 0 < released - at < 1 else at


def _last_word(record: Record) -> float | None:
    """The Lease's renewTime, by the node's own clock."""
    stamp = record.signs.lease if record.signs else ""
    try:
        said = parse_time(stamp) if stamp else None
    except ValueError:
        return None
    since = record.drift.outage.since
    return said if said is not None and 0 <= since - said <= _BELIEVED else None


def _stages(marks: Sequence[Mark], record: Record, over: float, scale: float) -> tuple[Stage, ...]:
    """Between marks, and from the last one until now or the end."""
    found = [_stage(end.stage, begin.x, end.x, scale, expected=end.expected) for begin, end in pairwise(marks)]
    last = marks[-1]
    if over > last.at:
        name = "ended" if record.ended_at else record.phase.value
        found.append(_stage(name, last.x, last.x + (over - last.at) * scale, scale, expected=False))
    return tuple(found)


def _stage(name: str, begin: float, end: float, scale: float, *, expected: bool) -> Stage:
    return Stage(name, (end - begin) / scale, begin, round(max(_LEAST, end - begin), 1), expected)
