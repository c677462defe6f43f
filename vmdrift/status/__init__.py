"""`vmdrift status`: what Redis holds of outages and drifts, for people or as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

from rich.text import Text

from reactor.adapters.redis.clock_offsets import clocks, off, offset_sentence
from reactor.adapters.redis.store import Store
from reactor.health import HealthRow
from reactor.model.audit import Audit
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import NotDone
from reactor.model.fence_drill import FenceDrill, headline
from reactor.model.fencing import Fencing
from reactor.model.recovery import Windows
from reactor.model.suspicion import NO_SUSPECTS, Suspects
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift import output
from vmdrift.command import answer
from vmdrift.selector import ALL, VmSelector
from vmdrift.status import groups
from vmdrift.status.in_force import InForce, in_force, lines, marked, said_of
from vmdrift.status.installed import ShownBy, shown_by
from vmdrift.status.judged import group_objects, headline_object
from vmdrift.status.table import checks_table, overview
from vmdrift.terminal import Terminal

VERSION = 1  # of the JSON; within a version fields are only added


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """All that is not done yet, oldest outage first: each with the records of its drifts; suspects; fence drills.

    `health`: the rows of the strip, where they were read; `missing`: why nothing is carried out, "" where something is.
    `audit`: the last one, None where nobody audits.
    """

    outages: list[tuple[OutageRecord, list[Record]]]
    suspects: Suspects = NO_SUSPECTS
    drills: tuple[FenceDrill, ...] = ()
    health: tuple[HealthRow, ...] = ()
    missing: str = ""
    audit: Audit | None = None
    selected: VmSelector = ALL

    @property
    def records(self) -> list[Record]:
        """Of all outages, by VM."""
        all_records = [record for _, records in self.outages for record in records]
        return sorted(all_records, key=lambda record: (record.drift.outage.since, str(record.drift.vm)))

    def only(self, selected: VmSelector) -> Self:
        """The drifts of these VMs, with their outages, and outages of which not all VMs were found yet."""
        if selected == ALL:
            return self
        outages = [
            (outage, [record for record in records if selected.covers(record.drift.vm.namespace)])
            for outage, records in self.outages
        ]
        kept = [(outage, records) for outage, records in outages if records or outage.sweep.sentences]
        return replace(self, outages=kept, selected=selected)

    @property
    def quiet(self) -> str:
        """What to say where there are no outages."""
        words = self.selected.words
        return f"No VM of {words} is on a lost node" if words else "No node is lost"


def read(store: Store) -> StatusSnapshot:
    """Raises StoreError."""
    outages = [(outage, store.records(outage.outage.id)) for outage in store.outages()]
    return StatusSnapshot(outages, store.suspicions.shown(), tuple(store.drills.all()))


def read_all(wiring: Wiring, shown: ShownBy) -> StatusSnapshot:
    """With its health. Raises StoreError."""
    snapshot = read(wiring.store)
    audit = wiring.audits.last()
    rows, missing = groups.health(wiring, snapshot.drills, audit, wiring.store.time(), shown)
    return replace(snapshot, health=rows, missing=missing, audit=audit)


def status(target: str = "", *, as_json: bool, only: VmSelector = ALL) -> int:
    """Print all of it in groups, or all about a `target`: a node, or NAMESPACE/NAME of a VM; returns the exit code."""

    def show(settings: Settings) -> int:
        wiring = Wiring.of(settings).shown()
        by, now = shown_by(settings), wiring.store.time()
        snapshot, wrong = about(read_all(wiring, by), target).only(only), off(clocks(wiring.redis))
        windows = by.settings.to_windows()
        if as_json:
            more = {"selected": only.words} if only.words else {}
            people = in_force(settings).as_json()
            clock = {"clocks_off": wrong} if wrong else {}
            judged = as_judged(snapshot, windows, now)
            output.show({"version": VERSION, **more, **judged, **people, **clock})
            return 0
        asked = in_force(settings)
        if target:
            _print_all(replace(snapshot, outages=marked(snapshot.outages, asked, now)), asked, now, windows)
        else:
            _print(snapshot, asked, now, wrong, windows)
        return 0

    return answer("status", show)


def as_object(snapshot: StatusSnapshot) -> dict[str, object]:
    """`{"outages": [{"outage": ..., "fencing": ..., "drifts": [record, ...]}]}`; times in seconds since the epoch.

    And where somebody is suspected `{"suspects": {"suspicions": [...], "why": ...}}`; where fencing was drilled
    `{"drills": [...]}`, without what stands for credentials; where somebody audits `{"audit": {...}}`.
    """
    suspects = snapshot.suspects
    drills = [{**drill.as_json(), "credentials": ""} for drill in snapshot.drills]
    more: dict[str, object] = {"suspects": asdict(suspects)} if suspects != NO_SUSPECTS else {}
    more |= {"audit": snapshot.audit.as_json()} if snapshot.audit else {}
    return (more | {"drills": drills} if drills else more) | {"outages": as_outages(snapshot)}


def as_outages(snapshot: StatusSnapshot) -> list[dict[str, Any]]:
    """Each with its drifts, as they are recorded."""
    return [
        {
            **outage.as_json(),
            "fencing": _fencing(outage.fencing) if outage.fencing else None,
            "drifts": [record.as_json() for record in records],
        }
        for outage, records in snapshot.outages
    ]


def as_judged(snapshot: StatusSnapshot, windows: Windows, now: float) -> dict[str, object]:
    """The same with what people see first: the health strip, and of each outage its headline and groups."""
    told = as_object(snapshot)
    outages = [
        {
            **outage,
            "headline": headline_object(*found, windows, now, snapshot.missing),
            "groups": group_objects(found[1]),
        }
        for outage, found in zip(as_outages(snapshot), snapshot.outages, strict=True)
    ]
    health = [{"name": row.name, "level": row.level.value, "words": row.words} for row in snapshot.health]
    return {**told, "health": health, "missing": snapshot.missing, "outages": outages}


def _fencing(fencing: Fencing) -> dict[str, object]:
    """With the `loss`, and the `drivers` of what is blocked, as it was reported before the clusters were known."""
    fields = asdict(fencing) | {"loss": fencing.loss.value}
    if fencing.confirmation:
        fields["confirmation"] |= {"drivers": fencing.confirmation.drivers}
    return fields


def about(snapshot: StatusSnapshot, target: str) -> StatusSnapshot:
    """What is of this node or VM; NotDone where nothing is."""
    if not target:
        return snapshot
    outages = [
        (outage, [record for record in records if target in {outage.outage.node.name, str(record.drift.vm)}])
        for outage, records in snapshot.outages
    ]
    about = [(outage, records) for outage, records in outages if records or outage.outage.node.name == target]
    if not about:
        raise NotDone(f"{target} is in no open outage; `vmdrift history` shows those that are over")
    return replace(snapshot, outages=about)


def _print(snapshot: StatusSnapshot, asked: InForce, now: float, wrong: Mapping[str, float], windows: Windows) -> None:
    console = Terminal()
    for outage, records in snapshot.outages:
        console.print(groups.head_line(outage, records, windows, now, snapshot.missing))
    console.print(groups.health_lines(snapshot.health))
    for name, ahead in wrong.items():
        console.print(offset_sentence(name, ahead), style="bold red")
    for line in lines(snapshot.outages, asked, now):
        console.print(line)
    for sentence in snapshot.suspects.sentences(now):
        console.print(Text(sentence), style="yellow")
    if sentence := headline(snapshot.drills):
        console.print(Text(f"{sentence} `vmdrift doctor --fencing` and the page say why."), style="bold red")
    if not snapshot.outages:
        console.print(f"{snapshot.quiet}.")
        return
    for outage, records in snapshot.outages:
        if len(snapshot.outages) > 1:
            console.print(Text(f"{outage.outage.node.name}:", style="bold"))
        notes = partial(said_of, outage=outage, asked=asked, now=now)
        console.print(groups.outage_lines(outage, records, windows, now, snapshot.missing, notes=notes))
    console.print("All about a node or a VM: vmdrift status NODE, or NAMESPACE/VM.")


def _print_all(snapshot: StatusSnapshot, asked: InForce, now: float, windows: Windows) -> None:
    console = Terminal()
    console.print(overview(snapshot.outages, snapshot.records, now, windows))
    for line in lines(snapshot.outages, asked, now):
        console.print(line)
    for record in snapshot.records:
        for line in groups.vm_lines(record, now):
            console.print(line)
        console.print(checks_table(record))
