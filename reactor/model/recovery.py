"""How long a VM was down, what its drift waits for, the duration of each stage, and their totals. Pure.

Page, status, history, metrics and events all take it from here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from reactor.model.drift import Phase, Record
from reactor.model.forecast import RESULTS
from reactor.model.outlook import forecast_result, ran_elsewhere

STAGES = ("noticing", "waiting", "detaching", "starting")
RECOVERY = "recovery"  # from the node's loss until the VM ran elsewhere
# Upper bounds of the histograms' buckets, in seconds: the windows of 300 and 360 s must stand out from what is late.
BOUNDS = (1, 5, 10, 30, 60, 120, 180, 240, 300, 330, 360, 420, 600, 720, 900, 1200, 1800, 3600, 7200)
_MORE = "more"
NOT_NOTICED = "not-noticed"  # the reason of a drift that nothing but proof moves
ON_PROOF = (
    "No window runs: Kubernetes has not noticed the loss yet. Until it does, "
    "only proof that the machine is dead moves anything."
)


def spent(record: Record, now: float) -> float:
    """Seconds from the VM's loss to the drift's end, or to now."""
    return max(0.0, (record.ended_at or now) - record.lost_at)


def recovery(record: Record) -> float | None:
    """Seconds from the node's loss until the VM was seen running elsewhere; None for one that never was."""
    moved = ran_elsewhere(record) and record.ended_at is not None
    return spent(record, record.ended_at or 0.0) if moved else None


def recoveries(records: Iterable[Record]) -> list[float]:
    """Of those that ran elsewhere in the end."""
    return [seconds for record in records if (seconds := recovery(record)) is not None]


def median_and_longest(records: Iterable[Record]) -> tuple[float, float] | None:
    """Of their recoveries; None where no VM moved."""
    seconds = recoveries(records)
    return (median(seconds), max(seconds)) if seconds else None


@dataclass(frozen=True, slots=True)
class Windows:
    """In seconds: VMDRIFT_UNREACHABLE_WINDOW and VMDRIFT_DETACH_WINDOW, and how long they are unless set."""

    unreachable: float = 300.0
    detach: float = 360.0


@dataclass(frozen=True, slots=True)
class Window:
    """What a drift or an outage waits for: from `begin` to `end`."""

    what: str
    begin: float
    end: float

    def left(self, now: float) -> float:
        """Seconds; 0 once it is over."""
        return min(self.end - self.begin, max(0.0, self.end - now))

    def share(self, now: float) -> float:
        """How much of it is over, 0 to 1."""
        return 1 - self.left(now) / max(1.0, self.end - self.begin)


def is_unnoticed(record: Record) -> bool:
    """Did its last look find a node that is silent, and that Kubernetes still takes for Ready?"""
    return record.reason == NOT_NOTICED or any(check.name == "noticed" for check in record.checks)


def waits_for(records: Iterable[Record]) -> str:
    """What the VMs of an outage that is not proven wait for instead of a window, for people; "" where one runs."""
    return ON_PROOF if any(map(is_unnoticed, records)) else ""


def window(record: Record, windows: Windows) -> Window | None:
    """The one that this drift waits for now. It may be looked at again before the window ends."""
    if is_unnoticed(record):
        return None
    if record.phase is Phase.WAITING and record.again_at is not None:
        return Window("unreachable window", record.drift.outage.unknown_since, record.again_at)
    if record.reason == "detach-window" and record.released_at is not None:
        return Window("Kubernetes' detach window", record.released_at, record.released_at + windows.detach)
    return None


def stage_before(record: Record, moment: float) -> str:
    """The stage that led up to `moment`; "" before the loss."""
    if moment <= record.drift.outage.since:
        return ""
    ends = (record.created_at, record.released_at, record.detached_at)
    return next((name for name, end in zip(STAGES, ends, strict=False) if end is None or moment <= end), STAGES[-1])


def stages(record: Record, now: float) -> dict[str, float]:
    """How long each stage that is over took, in seconds; `total` is from the VM's loss until now.

    What was found rather than done (a pod that somebody else deleted) can precede the stage before it: then it took 0.
    """
    marks = {
        "lost": record.lost_at,
        "noticing": record.created_at,
        "waiting": record.released_at,
        "detaching": record.detached_at,
        "starting": record.ended_at if record.phase is Phase.COMPLETED else None,
    }
    over = [(name, moment) for name, moment in marks.items() if moment is not None]
    took = {name: _took(begin, end) for (_, begin), (name, end) in pairwise(over)}
    return {**took, "total": _took(record.lost_at, now)}


def _took(begin: float, end: float) -> float:
    return round(max(0.0, end - begin), 3)


def amounts(record: Record) -> dict[str, float]:
    """What this record adds to the totals when it ends, by field; nothing while it goes on.

    The fields: "STAGE BOUND" and "recovery BOUND", drifts that took no longer and longer than the bound before;
    "STAGE sum", seconds; "ended PHASE" and "forecast RESULT", drifts.
    """
    if record.ended_at is None:
        return {}
    took = stages(record, record.ended_at)
    total = took.pop("total")
    if recovery(record) is not None:
        took[RECOVERY] = total
    buckets = {f"{what} {_bucket(seconds)}": 1.0 for what, seconds in took.items()}
    sums = {f"{what} sum": seconds for what, seconds in took.items()}
    foreseen = {f"forecast {result}": 1.0} if (result := forecast_result(record)) else {}
    return {**buckets, **sums, **foreseen, f"ended {record.phase}": 1.0}


def _bucket(seconds: float) -> str:
    return str(next((bound for bound in BOUNDS if seconds <= bound), _MORE))


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts`: how many took at most so many seconds (one more than there are BOUNDS: all); `sum` in seconds."""

    counts: tuple[int, ...]
    sum: float


def histogram(what: str, totals: Mapping[str, float]) -> Histogram:
    """Of a stage, or of RECOVERY. `totals`: the amounts of all drifts, added up by field."""
    counts = [int(totals.get(f"{what} {bound}", 0)) for bound in (*BOUNDS, _MORE)]
    return Histogram(tuple(accumulate(counts)), totals.get(f"{what} sum", 0.0))


def ended(totals: Mapping[str, float]) -> dict[Phase, int]:
    """How many drifts came to each of the ends."""
    return {phase: int(totals.get(f"ended {phase}", 0)) for phase in Phase if phase.is_end}


def forecasts(totals: Mapping[str, float]) -> dict[str, int]:
    """How many forecasts of drifts that have ended fared how."""
    return {result: int(totals.get(f"forecast {result}", 0)) for result in RESULTS}
