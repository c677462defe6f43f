"""Is everything alive that a recovery needs? The rows of the health strip, for page and `vmdrift status`. Pure.

A row that is not well says who is missing. What is only not set up (no fencing) is no fault, and is said all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from reactor.adapters.redis.clock_offsets import off
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.model.audit import Audit
from reactor.model.confirmation_source import EVENT
from reactor.model.fence_drill import TAINT, FenceDrill, not_fenceable
from reactor.model.summary import Summary
from reactor.model.times import duration
from reactor.roles import BY_QUEUE, DRIFTS, used
from reactor.settings import Settings, deaf_after
from reactor.timing import SUMMARY_KEPT


class Level(StrEnum):
    """Of a row."""

    GOOD = "good"
    WARN = "warn"  # as it is set up, and worth knowing
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class HealthRow:
    """`words` follow the name: "watcher heard 2 s ago"."""

    name: str
    level: Level
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read. `heard_at`: when a watcher last heard from the API server; `clocks`: by process, how far ahead.

    `audit`: the last one, None where there is none.
    """

    queues: tuple[QueueFigures, ...]
    heard_at: float | None
    clocks: Mapping[str, float]
    drills: tuple[FenceDrill, ...]
    summary: Summary | None = None
    audit: Audit | None = None


def strip(seen: Seen, settings: Settings, now: float, whose: str = "") -> tuple[HealthRow, ...]:
    """One row each: watcher, scheduler, workers, Redis, clocks that are off, policy, fencing, what is covered, version.

    `whose`: whose settings these are, where they may be others than the workers'.
    """
    return (
        _watcher(seen, settings, now),
        _scheduler(seen.queues),
        _workers(seen.queues, settings),
        HealthRow("Redis", Level.GOOD, "answers"),
        *_clocks(seen.clocks),
        _policy(settings.policy, whose),
        _fencing(seen.drills, settings),
        *_audited(seen.audit, settings, now),
        HealthRow("version", Level.GOOD, installed()),
    )


def lame(queues: Sequence[QueueFigures]) -> str:
    """Why no drift is carried out, "" where nothing speaks against it."""
    drifts = next((queue for queue in queues if queue.name == DRIFTS.queue), None)
    if drifts is None:
        return ""
    if not drifts.workers:
        return "no worker is alive"
    return "" if drifts.scheduler else "no scheduler is alive"


def installed() -> str:
    """The version that runs."""
    try:
        return version("vm-drift")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


def _watcher(seen: Seen, settings: Settings, now: float) -> HealthRow:
    if seen.heard_at is None:
        return HealthRow("watcher", Level.BAD, "has never been heard: no lost node is noticed")
    silent = max(0.0, now - seen.heard_at)
    if silent > deaf_after(settings):
        return HealthRow("watcher", Level.BAD, f"last heard {duration(silent)} ago: no lost node is noticed")
    covers = _covered(seen, now)
    return HealthRow("watcher", Level.GOOD, f"heard {duration(silent)} ago{f', {covers}' if covers else ''}")


def _covered(seen: Seen, now: float) -> str:
    """How many nodes, where that is known and not old."""
    if seen.summary and now - seen.summary.as_of <= SUMMARY_KEPT:
        number = len(seen.summary.nodes)
        return f"{number} node{'' if number == 1 else 's'}"
    return ""


def _scheduler(queues: Sequence[QueueFigures]) -> HealthRow:
    if all(queue.scheduler for queue in queues):
        return HealthRow("scheduler", Level.GOOD, "alive")
    return HealthRow("scheduler", Level.BAD, "missing: nothing starts that has a due time")


def _workers(queues: Sequence[QueueFigures], settings: Settings) -> HealthRow:
    needed = {role.queue for role in used(settings) if role.queue}
    counts = {name: 0 for name in BY_QUEUE if name in needed} | {queue.name: queue.workers for queue in queues}
    missing = [name for name in counts if name in needed and not counts[name]]
    if missing:
        return HealthRow("workers", Level.BAD, f"missing for {', '.join(missing)}")
    shown = ", ".join(f"{name} {number}" for name, number in counts.items() if number or name in needed)
    return HealthRow("workers", Level.GOOD, shown)


def _clocks(clocks: Mapping[str, float]) -> Iterator[HealthRow]:
    if wrong := off(clocks):
        yield HealthRow("clocks", Level.BAD, f"off: {', '.join(wrong)}")


def _audited(audit: Audit | None, settings: Settings, now: float) -> Iterator[HealthRow]:
    """How many VMs would not survive is known or not: only an audit that does not come is worth a colour."""
    if audit:
        yield HealthRow("covered", Level.WARN if audit.is_old(now) else Level.GOOD, audit.words(now))
    elif settings.audit_every:
        yield HealthRow("covered", Level.WARN, "not known: no audit yet; is vmdrift work audit alive?")


def _policy(policy: str, whose: str) -> HealthRow:
    words = {"auto": "auto", "observe": "observe: nothing is deleted", "never": "never: nothing is moved"}
    level = Level.GOOD if policy == "auto" else Level.WARN
    return HealthRow("policy", level, f"{words.get(policy, policy)}{f' ({whose})' if whose else ''}")


def _fencing(drills: Sequence[FenceDrill], settings: Settings) -> HealthRow:
    providers = settings.fencing or tuple(dict.fromkeys(drill.provider for drill in drills if drill.provider != TAINT))
    if not providers:
        return HealthRow("fencing", Level.WARN, "not armed: VMs move by the windows, without proof")
    armed = f"armed: {', '.join(providers)}"
    if set(providers) == {EVENT}:  # there is nothing to drill
        return HealthRow("fencing", Level.GOOD, f"{armed}, by the confirmation of a person or system")
    nodes = {drill.node for drill in drills}
    if not nodes:
        return HealthRow("fencing", Level.WARN, f"{armed}; no node was drilled yet")
    lost_hope = not_fenceable(drills)
    level = Level.BAD if lost_hope else Level.GOOD
    return HealthRow("fencing", level, f"{armed}; {len(nodes) - len(lost_hope)} of {len(nodes)} nodes")
