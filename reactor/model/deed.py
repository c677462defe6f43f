"""Who did what when: one thing that a person, or an entitled system, did about an outage. It outlives what it set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Self

from reactor.model.checked_json import checked
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import BadInput
from reactor.model.event import DEED_PREFIX, DEED_SCHEMA, Event
from reactor.model.intervention import ALL, Intervention, node_target, vm_target
from reactor.model.times import clock_time

RESUME, RETRY, UNTAINT, CONFIRM_OFF = "resume", "retry", "untaint", "confirm-off"
# What was done -> the words around its target.
_WORDS = {
    "hold": "held {}",
    RESUME: "resumed {}",
    "cancel": "cancelled the recovery of {}",
    RETRY: "had {} retried",
    "taint": "had {} tainted once it is proven dead",
    UNTAINT: "took back that {} is to be tainted",
    "unfence": "had the fence of {} removed",
    CONFIRM_OFF: "confirmed that {} is off",
}
DEEDS = tuple(_WORDS)
_BEFORE = 86400.0  # seconds before an outage in which somebody did what may concern it


@dataclass(frozen=True, slots=True)
class Deed:
    """`target` as an Intervention's; `channel`: "page", "cli" or "event"; moments in seconds since the epoch.

    `why`: the reason, or how they know; `until`: when a hold ends by itself; `outages`: ids of the open ones that it
    concerned.
    """

    what: str
    target: str
    by: str
    channel: str
    why: str
    at: float
    until: float | None = None
    outages: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same deed."""
        words = (self.what, self.target, self.by, f"{self.at:.6f}")
        return sha256("\0".join(words).encode()).hexdigest()[:32]

    @property
    def name(self) -> str:
        """Of its target, as people write it: a node, NAMESPACE/NAME, or all."""
        return self.target.partition("/")[2] or self.target

    @property
    def sentence(self) -> str:
        """Without when."""
        return self._said(None)

    def said(self, today: float) -> str:
        """With when, and with dates that are not that of `today`."""
        return f"{clock_time(self.at, today)} {self._said(today)}"

    def _said(self, today: float | None) -> str:
        done = _WORDS[self.what].format("everything" if self.target == ALL else self.name)
        until = f" until {clock_time(self.until, today or self.at)}" if self.until is not None else ""
        why = f": {self.why.rstrip('.')}" if self.why else ""
        return f"{self.by} ({self.channel}) {done}{until}{why}."

    def concerns(self, outage: OutageRecord, vms: Iterable[Record]) -> bool:
        """Is it about this outage, its node or one of its VMs? Somebody may have held them before they were lost."""
        if self.outages:
            return outage.outage.id in self.outages
        begun, end = outage.outage.since - _BEFORE, outage.recovered_at
        names = {ALL, node_target(outage.outage.node.name), *(vm_target(record.drift.vm) for record in vms)}
        return self.target in names and begun <= self.at and (end is None or self.at <= end)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From JSON; BadInput."""
        try:
            deed = checked(cls(**{**data, "outages": tuple(data.get("outages", ()))}), "deed")
        except (AttributeError, TypeError, ValueError) as error:
            raise BadInput(f"deed: {error}") from error
        if deed.what not in _WORDS:
            raise BadInput(f"deed: {deed.what[:20]!r} is not one of {', '.join(_WORDS)}")
        return deed

    def event(self, source: str) -> Event:
        """The CloudEvent; its data is as docs/events/intervention.json has it."""
        data = {**self.as_json(), "outages": list(self.outages), "sentence": self.sentence}
        return Event(f"{DEED_PREFIX}{self.what}", source, self.id, self.name, self.at, data, DEED_SCHEMA)


def set_by(entry: Intervention, channel: str, outages: Sequence[str]) -> Deed:
    """Somebody wrote this down."""
    until = entry.until if not entry.outage else None
    return Deed(entry.kind, entry.target, entry.by, channel, entry.why, entry.at, until, tuple(outages))


def about(outage: OutageRecord, vms: Sequence[Record], own: Sequence[Deed], elsewhere: Sequence[Deed]) -> list[Deed]:
    """All that concerns this outage, oldest first: its `own`, and what was done before it was open."""
    found = dict.fromkeys([*own, *(deed for deed in elsewhere if deed.concerns(outage, vms))])
    return sorted(found, key=lambda deed: deed.at)
