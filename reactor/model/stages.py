"""How long a drift took, stage by stage, and what is added up of it over all drifts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from reactor.model.drift import Phase, Record

STAGES = ("noticing", "waiting", "detaching", "starting")
RECOVERY = "recovery"  # from the node's loss until the VM ran elsewhere
# Upper bounds of the histograms' buckets, in seconds: the windows of 300 and 360 s are to be told from what is late.
BOUNDS = (1, 5, 10, 30, 60, 120, 180, 240, 300, 330, 360, 420, 600, 720, 900, 1200, 1800, 3600, 7200)
_MORE = "more"


def stages(record: Record, now: float) -> dict[str, float]:
    """How long each stage that is over took, in seconds; `total` is from the node's loss until now.

    What was found rather than done (a pod that somebody else deleted) can lie before what it follows: then it took 0.
    """
    marks = {
        "lost": record.drift.outage.since,
        "noticing": record.created_at,
        "waiting": record.released_at,
        "detaching": record.detached_at,
        "starting": record.ended_at if record.phase is Phase.COMPLETED else None,
    }
    over = [(name, moment) for name, moment in marks.items() if moment is not None]
    took = {name: _took(begin, end) for (_, begin), (name, end) in pairwise(over)}
    return {**took, "total": _took(record.drift.outage.since, now)}


def _took(begin: float, end: float) -> float:
    return round(max(0.0, end - begin), 3)


def amounts(record: Record) -> dict[str, float]:
    """What this record adds to the totals when it ends, by field; nothing while it goes on.

    The fields: "STAGE BOUND" and "recovery BOUND", drifts that took no longer and longer than the bound before;
    "STAGE sum", seconds; "ended PHASE", drifts.
    """
    if record.ended_at is None:
        return {}
    took = stages(record, record.ended_at)
    total = took.pop("total")
    if record.phase is Phase.COMPLETED:
        took[RECOVERY] = total
    buckets = {f"{what} {_bucket(seconds)}": 1.0 for what, seconds in took.items()}
    sums = {f"{what} sum": seconds for what, seconds in took.items()}
    return {**buckets, **sums, f"ended {record.phase}": 1.0}


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
