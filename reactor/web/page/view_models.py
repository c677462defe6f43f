"""Records -> what the page shows. Pure: times in seconds, moments in seconds since the epoch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reactor.model.advice import filled
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.intervention import Intervention
from reactor.model.reason import REASONS
from reactor.model.recovery import (
    NOT_NOTICED,
    ON_PROOF,
    Window,
    Windows,
    median_and_longest,
    spent,
    waits_for,
    window,
)
from reactor.web.page.timeline import Timeline, timeline

# First what needs a person, then what is in progress, then what is over.
_ORDER = (
    Phase.FAILED,
    Phase.BLOCKED,
    Phase.REFUSED,
    Phase.WAITING,
    Phase.RELEASED,
    Phase.DETACHING,
    Phase.STARTING,
    Phase.CANCELLED,
    Phase.COMPLETED,
)


@dataclass(frozen=True, slots=True)
class VmRow:
    """One drift. `todo`: what its operator can do; `asked`: the interventions that apply to it.

    `waits`: as in OutageRow; `proven`: how soon it runs again with proof.
    """

    record: Record
    window: Window | None
    line: Timeline
    todo: str
    spent: float
    asked: tuple[Intervention, ...] = ()
    waits: str = ""
    proven: str = ""

    @property
    def name(self) -> str:
        """NAMESPACE/NAME."""
        return str(self.record.drift.vm)

    @property
    def needed(self) -> bool:
        """It does not go on, or not well, without a person."""
        return self.record.phase in {Phase.BLOCKED, Phase.REFUSED, Phase.FAILED}


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One outage with its drifts, those first that need a person.

    `window` is None once it is over; `waits`: what is waited for while none runs.
    """

    record: OutageRecord
    vms: tuple[VmRow, ...]
    window: Window | None
    counts: tuple[tuple[Phase, int], ...]
    recovery: tuple[float, float] | None
    asked: tuple[Intervention, ...] = ()
    waits: str = ""

    @property
    def node(self) -> str:
        """The lost node's name."""
        return self.record.outage.node.name

    @property
    def todo(self) -> tuple[VmRow, ...]:
        """Those that wait for a person."""
        return tuple(vm for vm in self.vms if vm.todo and vm.needed)


def outage_view(
    outage: OutageRecord, records: Iterable[Record], interventions: Sequence[Intervention], windows: Windows, now: float
) -> OutageRow:
    """`interventions`: all that are not over."""
    vms = tuple(sorted((vm_view(record, interventions, windows, now) for record in records), key=_rank))
    phases = Counter(vm.record.phase for vm in vms)
    since = outage.outage.unknown_since
    proven = outage.fencing is not None and outage.fencing.proof is not None
    open_still = outage.recovered_at is None and not proven
    waits = waits_for(vm.record for vm in vms) if open_still else ""
    lasts = open_still and not waits and now < since + windows.unreachable
    return OutageRow(
        outage,
        vms,
        Window("unreachable window", since, since + windows.unreachable) if lasts else None,
        tuple((phase, phases[phase]) for phase in _ORDER if phases[phase]),
        median_and_longest(vm.record for vm in vms),
        tuple(
            intervention
            for intervention in interventions
            if intervention.target in {"all", f"node/{outage.outage.node.name}"}
            and intervention.outage in {"", outage.outage.id}
        ),
        waits,
    )


def vm_view(record: Record, interventions: Sequence[Intervention], windows: Windows, now: float) -> VmRow:
    """One drift."""
    reason = REASONS.get(record.reason)
    todo = filled(reason.operator, record) if reason and reason.operator != "Nothing." else ""
    matching = tuple(intervention for intervention in interventions if intervention.meets(record.drift))
    line, waits = timeline(record, windows, now), ON_PROOF if record.reason == NOT_NOTICED else ""
    return VmRow(record, window(record, windows), line, todo, spent(record, now), matching, waits)


def _rank(vm: VmRow) -> tuple[int, str]:
    return _ORDER.index(vm.record.phase), vm.name


def duration(seconds: float) -> str:
    """For people: 7 s, 2 min 5 s, 3 h 20 min, 2 d 3 h."""
    whole = round(max(0.0, seconds))
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    first = next(index for index, (_, size) in enumerate(units) if whole >= size)
    parts = [
        (name, whole // size % (86400 * 10**6 if name == "d" else units[index - 1][1] // size))
        for index, (name, size) in enumerate(units)
    ]
    return " ".join(f"{number} {name}" for name, number in parts[first : first + 2] if number)
