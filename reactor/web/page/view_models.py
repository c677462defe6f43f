"""Records -> what the page shows. Pure: times in seconds, moments in seconds since the epoch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.forecast import Forecast
from reactor.model.groups import PHASES, Group, Wanted, groups
from reactor.model.headline import Headline, due_at, headline, overdue
from reactor.model.intervention import Intervention
from reactor.model.outlook import (
    Down,
    advice,
    ahead,
    down,
    early,
    forecast_result,
    forecast_sentence,
    needs_somebody,
    why,
)
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
from reactor.web.page.timeline import LEGEND, Scale, Timeline, scale_of, timeline

_NO_HEAD = Headline("", urgent=False)
_ANY = Wanted()


@dataclass(frozen=True, slots=True)
class VmRow:
    """One drift. `todo`: what its operator can do; `asked`: the interventions that apply to it.

    `waits`: as in OutageRow; `proven`: how soon it runs again with proof; `down`: for how long it has not run; `late`:
    since when its next step is overdue, and who is missing, "" where it is not; `foreseen`: its forecast.
    """

    record: Record
    window: Window | None
    line: Timeline
    todo: str
    spent: float
    down: Down
    asked: tuple[Intervention, ...] = ()
    waits: str = ""
    proven: str = ""
    late: str = ""
    foreseen: str = ""

    @property
    def name(self) -> str:
        """NAMESPACE/NAME."""
        return str(self.record.drift.vm)

    @property
    def why(self) -> str:
        """The sentence that says most of where it stands."""
        return why(self.record)[1]

    @property
    def will_move(self) -> Forecast | None:
        """That it moves is foreseen, and it has not been judged yet."""
        foreseen = ahead(self.record)
        return foreseen if foreseen and foreseen.moves else None

    @property
    def early(self) -> Forecast | None:
        """That it stays down is foreseen, and it has not been judged yet."""
        return early(self.record)

    @property
    def needed(self) -> bool:
        """It does not go on, or not well, without a person."""
        return needs_somebody(self.record) or self.record.phase in {Phase.BLOCKED, Phase.REFUSED, Phase.FAILED}

    @property
    def forecast(self) -> str:
        """How its forecast fared, "" while that is open."""
        return forecast_result(self.record)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """VMs that say the same."""

    group: Group
    vms: tuple[VmRow, ...]

    @property
    def soonest(self) -> VmRow:
        """The one that is due first."""
        return min(self.vms, key=lambda vm: vm.record.again_at or float("inf"))

    @property
    def longest(self) -> VmRow:
        """The one that is down for longest, of those that still are."""
        return max(self.vms, key=lambda vm: (not vm.down.ended, vm.down.seconds))


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One outage with its drifts, those first that need a person.

    `window` is None once it is over; `waits`: what is waited for while none runs. `groups` hold those VMs that are
    wanted, `vms` and `head` all of them; `scale`: of all timelines.
    """

    record: OutageRecord
    vms: tuple[VmRow, ...]
    window: Window | None
    counts: tuple[tuple[Phase, int], ...]
    recovery: tuple[float, float] | None
    asked: tuple[Intervention, ...] = ()
    waits: str = ""
    head: Headline = _NO_HEAD
    groups: tuple[GroupRow, ...] = ()
    scale: Scale | None = None

    @property
    def shown(self) -> int:
        """How many VMs are in the groups."""
        return sum(len(row.vms) for row in self.groups)

    @property
    def not_back(self) -> tuple[VmRow, ...]:
        """VMs that are down though their drifts are over."""
        return tuple(vm for vm in self.vms if vm.down.not_back)

    @property
    def down_in_all(self) -> float:
        """Seconds in which its VMs did not run, added up; it counts on for those that are not back."""
        return sum(vm.down.seconds for vm in self.vms)

    @property
    def legend(self) -> tuple[str, ...]:
        """The stages that are drawn."""
        drawn = {stage.name for vm in self.vms for stage in vm.line.stages}
        return tuple(name for name in LEGEND if name in drawn)

    @property
    def node(self) -> str:
        """The lost node's name."""
        return self.record.outage.node.name


@dataclass(frozen=True, slots=True)
class Shown:
    """How it is looked at. `lame`: why no drift is carried out; `wanted`: which VMs are shown."""

    windows: Windows
    now: float
    lame: str = ""
    wanted: Wanted = _ANY


def outage_view(
    outage: OutageRecord, records: Iterable[Record], interventions: Sequence[Intervention], windows: Windows, now: float
) -> OutageRow:
    """`interventions`: all that are not over."""
    return outage_row(outage, list(records), interventions, Shown(windows, now))


def outage_row(
    outage: OutageRecord, records: Sequence[Record], interventions: Sequence[Intervention], shown: Shown
) -> OutageRow:
    """`interventions`: all that are not over."""
    windows, now = shown.windows, shown.now
    scale = scale_of(records, windows, now)
    vms = tuple(sorted((vm_row(record, interventions, shown, scale) for record in records), key=_rank))
    phases = Counter(vm.record.phase for vm in vms)
    since = outage.outage.unknown_since
    proven = outage.fencing is not None and outage.fencing.proof is not None
    open_still = outage.recovered_at is None and not proven
    waits = waits_for(records) if open_still else ""
    lasts = open_still and not waits and now < since + windows.unreachable
    return OutageRow(
        outage,
        vms,
        Window("unreachable window", since, since + windows.unreachable) if lasts else None,
        tuple((phase, phases[phase]) for phase in PHASES if phases[phase]),
        median_and_longest(records),
        tuple(
            intervention
            for intervention in interventions
            if intervention.target in {"all", f"node/{outage.outage.node.name}"}
            and intervention.outage in {"", outage.outage.id}
        ),
        waits,
        headline(outage, records, windows, now, shown.lame),
        _grouped(vms, shown.wanted),
        scale,
    )


def _grouped(vms: Sequence[VmRow], wanted: Wanted) -> tuple[GroupRow, ...]:
    rows = {vm.record.drift.id: vm for vm in vms if wanted.takes(vm.record)}
    return tuple(
        GroupRow(group, tuple(rows[record.drift.id] for record in group.records))
        for group in groups(row.record for row in rows.values())
    )


def vm_view(record: Record, interventions: Sequence[Intervention], windows: Windows, now: float) -> VmRow:
    """One drift."""
    return vm_row(record, interventions, Shown(windows, now))


def vm_row(record: Record, interventions: Sequence[Intervention], shown: Shown, scale: Scale | None = None) -> VmRow:
    """One drift; without a `scale` its timeline has one of its own."""
    windows, now = shown.windows, shown.now
    due = due_at(record, windows)
    return VmRow(
        record,
        window(record, windows),
        timeline(record, windows, now, scale),
        advice(record),
        spent(record, now),
        down(record, now),
        tuple(intervention for intervention in interventions if intervention.meets(record.drift)),
        ON_PROOF if record.reason == NOT_NOTICED else "",
        late=overdue(due, now, shown.lame) if due is not None else "",
        foreseen=forecast_sentence(record),
    )


def _rank(vm: VmRow) -> tuple[int, str]:
    return PHASES.index(vm.record.phase), vm.name
