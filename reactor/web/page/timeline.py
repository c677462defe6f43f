"""A record -> the stages of its drift, to be drawn; all drifts of an outage on one scale. Pure.

Moments in seconds since the epoch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reactor.model.drift import Phase, Record
from reactor.model.recovery import Windows, is_unnoticed, stage_before, window
from reactor.model.times import parse_time

_MAX_LEASE_AGE = 600.0  # seconds from a node's last Lease renewal to its outage; more is rather a wrong clock
_WIDTH = 1000.0  # units of the drawing
_MIN_WIDTH = 4.0  # units; a shorter stage would not be visible


@dataclass(frozen=True, slots=True)
class Mark:
    """Something happened at `at`; `expected`: it has not yet, and is due then. `x`: position, from 0 to 1000.

    `stage`: what the time before it was spent on.
    """

    name: str
    what: str
    at: float
    expected: bool
    x: float
    stage: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Between two marks. `name` is what the time was spent on; `begin` and `width` in units from 0 to 1000."""

    name: str
    seconds: float
    begin: float
    width: float
    expected: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """`now`: position of the present, None once the drift has ended."""

    marks: tuple[Mark, ...]
    stages: tuple[Stage, ...]
    now: float | None
    began: float
    ends: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What a drawing covers. What goes on beyond its end is cut off there."""

    begin: float
    end: float

    @property
    def factor(self) -> float:
        """Units of the drawing for a second."""
        return _WIDTH / max(1.0, self.end - self.begin)


_LONGEST = 2.0  # how much longer than to its last mark a drawing may be: days of waiting would hide all else
# All stages that are drawn, in the order of a drift; "ended" is no stage of one.
LEGEND = ("silent", "noticing", "waiting", "blocked", "held", "detaching", "starting")
_SILENT = "silent"  # before Kubernetes calls the node Unknown: no stage of ours


def scale_of(records: Iterable[Record], windows: Windows, now: float) -> Scale | None:
    """The one for all of an outage's drifts; None where there are none."""
    moments = [at for record in records for at in _moments(record, windows)]
    if not moments:
        return None
    begin, last = min(moments), max(moments)
    return Scale(begin, max(last, min(now, begin + _LONGEST * max(60.0, last - begin))))


def _moments(record: Record, windows: Windows) -> list[float]:
    ended = [record.ended_at] if record.ended_at else []
    return [at for _, _, at in _marks(record, windows)] + ended


def timeline(record: Record, windows: Windows, now: float, scale: Scale | None = None) -> Timeline:
    """Lost, silent, unknown, window, terminating, released, detached, scheduled, running: those known, in order."""
    moments = sorted(_marks(record, windows), key=lambda mark: mark[2])
    own = Scale(moments[0][2], record.ended_at or max(now, moments[-1][2]))
    scale = scale or own
    until = record.ended_at or now
    marks = tuple(
        Mark(name, what, at, at > until, _x(scale, at), stage_before(record, at) or _SILENT)
        for name, what, at in moments
    )
    now_x = None if record.ended_at or now > scale.end else _x(scale, now)
    return Timeline(marks, _stages(marks, record, until, scale), now_x, scale.begin, scale.end)


def _x(scale: Scale, at: float) -> float:
    return round(min(max(0.0, (at - scale.begin) * scale.factor), _WIDTH), 1)


def _marks(record: Record, windows: Windows) -> list[tuple[str, str, float]]:
    candidates = [
        ("lost", "last sign of life of the node", _last_renewal(record)),
        ("silent", "no heartbeat of the node for too long", _found_silent(record)),
        ("unknown", "Kubernetes calls the node Unknown", _unknown(record)),
        ("window", "the window ends", _window_ends(record, windows)),
        ("terminating", "Kubernetes ends the launcher pod", record.terminating_at),
        ("released", "launcher pod force-deleted", record.released_at),
        ("detached", "volumes are free", record.detached_at or _detach_due(record, windows)),
        ("scheduled", "the VM has a new node", _scheduled(record)),
        ("running", "it runs", record.ended_at if record.phase.value == "completed" else None),
    ]
    return [(name, what, at) for name, what, at in candidates if at is not None]


def _found_silent(record: Record) -> float | None:
    """Of an outage that began before Kubernetes noticed it."""
    outage = record.drift.outage
    return float(outage.since) if outage.noticed or is_unnoticed(record) else None


def _unknown(record: Record) -> float | None:
    return None if is_unnoticed(record) else float(record.drift.outage.unknown_since)


def _window_ends(record: Record, windows: Windows) -> float | None:
    """None where the drift ended before it, and where none runs yet."""
    if is_unnoticed(record):
        return None
    current = window(record, windows) if record.reason == "unreachable-window" else None
    end = current.end if current else record.drift.outage.unknown_since + windows.unreachable
    return end if record.ended_at is None or record.ended_at >= end else None


def _detach_due(record: Record, windows: Windows) -> float | None:
    current = window(record, windows) if record.reason == "detach-window" else None
    return current.end if current else None


def _scheduled(record: Record) -> float | None:
    """Kubernetes truncates times to whole seconds: what follows the release must not seem to precede it."""
    at, released = record.scheduled_at, record.released_at or 0.0
    return released if at is not None and 0 < released - at < 1 else at


def _last_renewal(record: Record) -> float | None:
    """The Lease's renewTime, by the node's own clock."""
    stamp = record.signs.lease if record.signs else ""
    try:
        renewed_at = parse_time(stamp) if stamp else None
    except ValueError:
        return None
    since = record.drift.outage.since
    return renewed_at if renewed_at is not None and 0 <= since - renewed_at <= _MAX_LEASE_AGE else None


def _stages(marks: Sequence[Mark], record: Record, until: float, scale: Scale) -> tuple[Stage, ...]:
    """Between marks, and from the last one until now or the end. What is to come begins now, not at the last mark."""
    stages = [stage for begin, end in pairwise(marks) for stage in _between(begin, end, record, until, scale)]
    last = marks[-1]
    if until > last.at:
        stages.append(_stage(_going_on(record, until), last.at, until, scale, expected=False))
    return tuple(stages)


def _between(begin: Mark, end: Mark, record: Record, until: float, scale: Scale) -> list[Stage]:
    if not end.expected:
        return [_stage(end.stage, begin.at, end.at, scale, expected=False)]
    present = max(begin.at, until)
    past = [_stage(_going_on(record, until), begin.at, present, scale, expected=False)] if present > begin.at else []
    return [*past, _stage(end.stage, present, end.at, scale, expected=True)]


def _going_on(record: Record, now: float) -> str:
    if record.ended_at:
        return "ended"
    if record.reason == "held":
        return "held"
    stuck = record.phase in {Phase.BLOCKED, Phase.REFUSED, Phase.FAILED}
    return "blocked" if stuck else stage_before(record, now)


def _stage(name: str, begin: float, end: float, scale: Scale, *, expected: bool) -> Stage:
    left, right = _x(scale, begin), _x(scale, end)
    return Stage(name, end - begin, left, round(max(_MIN_WIDTH, right - left), 1), expected)
