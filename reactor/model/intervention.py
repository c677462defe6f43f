"""What a person can ask for: hold recovery, cancel a drift, taint or unfence a node.

Stored in a ConfigMap, so that a lost Redis lifts none.

One key for each; whoever reads the ConfigMap with kubectl sees what is in force, until when, by whom and why.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Self

import durationpy

from reactor.model.errors import BadInput
from reactor.model.identity import Drift, VmRef
from reactor.model.names import is_name, is_vm
from reactor.model.objects import from_json
from reactor.model.times import clock_time, format_time, parse_time

CONFIG_MAP = "vm-drift-interventions"
NAMELESS = "anybody"  # who acts on a page without log-in
ALL = "all"
_LONGEST = 200  # characters of a key; Kubernetes takes 253
HOLD, CANCEL = "hold", "cancel"
TAINT, UNFENCE = "taint", "unfence"
_OF_AN_OUTAGE = {CANCEL: "Cancelled", TAINT: "Taint asked for", UNFENCE: "Letting it in again asked for"}
MONTH = 30 * 86400.0  # seconds; a cancelled drift is remembered for so long
_LONGEST_TIME = 3650 * 86400.0  # seconds; for longer, give no end
_LONGEST_REASON = 500  # characters


def node_target(name: str) -> str:
    """All VMs of a node."""
    return f"node/{name}"


def vm_target(vm: VmRef) -> str:
    """One VM, by its name: people do not know its uid."""
    return f"vm/{vm.namespace}/{vm.name}"


def target_of(text: str) -> str:
    """`all`, a node's name, or NAMESPACE/NAME of a VM, as people write it; BadInput."""
    if text == ALL:
        return ALL
    if is_name(text):
        return node_target(text)
    if is_vm(text):
        return f"vm/{text}"
    raise BadInput(f"{text[:60]!r} is not a node's name, a VM as NAMESPACE/NAME, or all")


def lasting(text: str) -> float:
    """30m, 2h, 1h30m, 90s, 1d in seconds, from a second to ten years; BadInput."""
    try:
        seconds = durationpy.from_str(text).total_seconds()
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _LONGEST_TIME:
        raise BadInput(f"invalid duration {text[:20]!r}; use 90s, 30m, 2h or 1d")
    return seconds


def reason_of(text: str) -> str:
    """The reason that a person gave, as others read it: cut where it is too long."""
    return text.strip()[:_LONGEST_REASON] or "no reason given"


@dataclass(frozen=True, slots=True)
class Intervention:
    """`target`: `all`, `node/NAME` or `vm/NAMESPACE/NAME`. Moments in seconds since the epoch; `until` None: for ever.

    `outage`: the id of the one outage for which a VM's drift is cancelled, or a node is tainted or unfenced; "" with a
    hold.
    """

    kind: str
    target: str
    by: str
    why: str
    at: float
    until: float | None = None
    outage: str = ""

    @property
    def key(self) -> str:
        """In the ConfigMap; the same for the same target. Kubernetes allows no underscore in a name.

        Several boots of a node may be fenced, and each is unfenced on its own.
        """
        target = f"{self.target}/{self.outage}" if self.kind == UNFENCE else self.target
        name = f"{self.kind}_{target.replace('/', '_')}"
        return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}_{sha256(target.encode()).hexdigest()[:16]}"

    def meets(self, drift: Drift) -> bool:
        """Does it concern this drift?"""
        if self.outage and self.outage != drift.outage.id:
            return False
        return self.target in {ALL, node_target(drift.outage.node.name), vm_target(drift.vm)}

    def is_over(self, now: float) -> bool:
        """Has its time passed?"""
        return self.until is not None and now >= self.until

    @property
    def person(self) -> str:
        """Who asked for it, for people: on a page without log-in nobody has a name."""
        return "an unauthenticated local user" if self.by == NAMELESS else self.by

    @property
    def about(self) -> str:
        """A node's name, NAMESPACE/VM, or everything."""
        return self.target.partition("/")[2] or "everything"

    @property
    def sentence(self) -> str:
        """For a tired operator, on the day itself."""
        return self.said(None)

    def said(self, today: float | None) -> str:
        """The same with dates, where they are not that of `today` (seconds since the epoch)."""
        end = f" until {clock_time(self.until, today)}" if self.until is not None else ""
        done = _OF_AN_OUTAGE.get(self.kind, f"Held{end}")
        return f"{done} by {self.person} at {clock_time(self.at, today)}: {self.why}."

    def as_json(self) -> dict[str, Any]:
        """As it stands in the ConfigMap, with times as Kubernetes writes them."""
        until = format_time(self.until) if self.until is not None else None
        return {**asdict(self), "at": format_time(self.at), "until": until}

    def as_text(self) -> str:
        """What `of` reads: JSON that reads well in kubectl."""
        return json.dumps(self.as_json())

    @classmethod
    def of(cls, text: str) -> Self:
        """From JSON; BadInput."""
        try:
            data = from_json(text)
            until = parse_time(data["until"]) if data.get("until") else None
            texts = {name: str(data[name]) for name in ("kind", "target", "by", "why")}
            intervention = cls(**texts, at=parse_time(data["at"]), until=until, outage=str(data.get("outage", "")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"intervention: {error}") from error
        if intervention.kind not in {HOLD, *_OF_AN_OUTAGE} or (intervention.kind != HOLD and not intervention.outage):
            raise BadInput(f"intervention: {intervention.kind!r} is not a known kind, or its outage is missing")
        return intervention


def entries(config_map: Mapping[str, Any] | None) -> dict[str, Intervention]:
    """All of them, by the key under which each stands, which people may have chosen.

    One that cannot be read holds everything: a person wanted something held, and it is not known what.
    """
    data = (config_map or {}).get("data") or {}
    return {key: _read(key, text) for key, text in sorted(data.items())}


def interventions(config_map: Mapping[str, Any] | None) -> tuple[Intervention, ...]:
    """All of them, as in `entries`."""
    return tuple(entries(config_map).values())


def _read(key: str, text: str) -> Intervention:
    try:
        return Intervention.of(text)
    except BadInput:
        why = f"key {key} of ConfigMap {CONFIG_MAP} cannot be read, so everything is held"
        return Intervention(HOLD, ALL, "an unknown person", why, 0.0)


def active_holds(all_of_them: Iterable[Intervention], drift: Drift, now: float) -> tuple[str, ...]:
    """Why this drift is held now, in sentences."""
    return tuple(
        entry.said(now) for entry in all_of_them if entry.kind == HOLD and entry.meets(drift) and not entry.is_over(now)
    )


def cancelled(all_of_them: Iterable[Intervention], drift: Drift) -> str:
    """Why this drift is cancelled, as a sentence; "" if it is not."""
    return next((entry.sentence for entry in all_of_them if entry.kind == CANCEL and entry.meets(drift)), "")
