"""`--wait`: until what a person asked for has taken effect, as Redis shows it, or a timeout.

A hold is in force as soon as it is written; what may still be under way is a pass that had read before. So `--wait`
has each recovery that it covers checked again, and is done when that has been seen.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reactor.adapters.redis.store import Store
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import StoreError
from reactor.model.event import DRIFT_REQUESTED
from reactor.model.fencing import some
from reactor.model.intervention import HOLD, Intervention, target_of
from reactor.model.times import Clock
from vmdrift.intervene.person import CommandLine

_EVERY = 0.5  # seconds between two looks at Redis

Recoveries = Mapping[str, Record]  # by the id of the drift
Pause = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, in a sentence."""

    done: bool
    sentence: str


@dataclass(frozen=True)
class Effect:
    """What is waited for. `begin` reads what is so before; `ask` follows the deed; `look` compares."""

    begin: Callable[[Store], Recoveries]
    look: Callable[[Recoveries, Store], Progress]
    ask: Callable[[CommandLine, Recoveries], None] = lambda _command_line, _before: None


@dataclass(frozen=True, slots=True)
class Wait:
    """For an effect, at most so many seconds."""

    effect: Effect
    seconds: float
    clock: Clock = time.monotonic
    pause: Pause = time.sleep

    def before(self, command_line: CommandLine) -> Recoveries | None:
        """What is so now; None where Redis does not say: a hold does without it."""
        with suppress(StoreError):
            return self.effect.begin(command_line.wiring.store)
        return None

    def after(self, command_line: CommandLine, before: Recoveries | None) -> Progress:
        """Once it has taken effect, or the time is over."""
        try:
            if before is None:
                before = self.effect.begin(command_line.wiring.store)
            self.effect.ask(command_line, before)
            return self.until(lambda: self.effect.look(before, command_line.wiring.store))
        except StoreError as error:
            return Progress(False, f"Whether it has taken effect is unknown: {error}.")

    def until(self, look: Callable[[], Progress]) -> Progress:
        """The progress when it was done, or the last one."""
        end = self.clock() + self.seconds
        while not (progress := look()).done:
            if self.clock() >= end:
                return Progress(False, f"Not within {self.seconds:g} s: {progress.sentence}")
            self.pause(_EVERY)
        return progress


def held(what: str) -> Effect:
    """Every recovery under way that the hold covers has been checked again."""
    hold = Intervention(HOLD, target_of(what), "", "", 0.0)

    def ask(command_line: CommandLine, before: Recoveries) -> None:
        for record in before.values():
            command_line.interventions.send(DRIFT_REQUESTED, str(record.drift.vm))

    return Effect(lambda store: _under_way(store, lambda record: hold.meets(record.drift)), _checked, ask)


def checked(vm: str) -> Effect:
    """The newest recovery of the VM has been checked since."""

    def meets(record: Record) -> bool:
        return str(record.drift.vm) == vm

    def look(before: Recoveries, store: Store) -> Progress:
        now = {record.drift.id: record for record in _records(store) if meets(record)}
        fresh = [record for key, record in now.items() if _checked_since(record, before.get(key))]
        if not fresh:
            return Progress(False, f"no worker has checked {vm} yet.")
        newest = max(fresh, key=lambda record: record.created_at)
        return Progress(True, f"Checked since: {newest.phase.value}, {newest.reason}. {newest.sentence}")

    return Effect(lambda store: {record.drift.id: record for record in _records(store) if meets(record)}, look)


def proven(node: str) -> Effect:
    """An outage of the node has the proof."""

    def look(_before: Recoveries, store: Store) -> Progress:
        outages = [outage for outage in store.outages() if outage.outage.node.name == node]
        confirmations = [outage for outage in outages if outage.fencing and outage.fencing.proof]
        if confirmations:
            return Progress(True, f"{node} counts as off: its VMs are released without further waiting.")
        return Progress(False, f"{node} does not count as off yet: {_why_not(outages)}")

    return Effect(lambda _store: {}, look)


def _why_not(outages: Sequence[OutageRecord]) -> str:
    if not outages:
        return "it has no open outage."
    fencing = outages[-1].fencing
    return (fencing.void or fencing.sentence) if fencing else "no worker of the role fencing has checked it."


def _records(store: Store) -> list[Record]:
    return [record for outage in store.outages() for record in store.records(outage.outage.id)]


def _under_way(store: Store, meets: Callable[[Record], bool]) -> Recoveries:
    return {record.drift.id: record for record in _records(store) if not record.ended and meets(record)}


def _checked(before: Recoveries, store: Store) -> Progress:
    now = {record.drift.id: record for record in _records(store)}
    open_ones = [record for key, record in now.items() if key in before and not record.ended]
    left = [str(record.drift.vm) for record in open_ones if not _checked_since(record, before[record.drift.id])]
    if left:
        return Progress(False, f"{some(left)} not checked again yet.")
    if not before:
        return Progress(True, "No recovery under way is covered by it.")
    gone = sum(record.released_at is not None for record in open_ones)
    counts = {
        "held": sum(record.reason == "held" for record in open_ones),
        "released before": gone,
        "ended": len(before) - len(open_ones),
    }
    counts["waiting for something else first"] = len(before) - sum(counts.values())
    return Progress(
        True, f"Checked since: {', '.join(f'{number} {what}' for what, number in counts.items() if number)}."
    )


def _checked_since(record: Record, before: Record | None) -> bool:
    """Has a worker been over it, after it was taken up again?"""
    return record.passes > (before.passes if before else 0) and record.reason != "taken-up-again"
