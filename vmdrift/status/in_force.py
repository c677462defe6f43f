"""What people asked for and is in force, as `vmdrift status` shows it: on the rows that it concerns, and as a list.

It stands in the cluster, so that no loss of Redis lifts a hold. Who has no cluster is told that it is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.text import Text

from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import VmDriftError
from reactor.model.in_force import notes, resumed
from reactor.model.intervention import HOLD, Intervention
from reactor.settings import Settings
from reactor.wiring import Wiring

Outages = Sequence[tuple[OutageRecord, Sequence[Record]]]  # each with its drifts
_LIFTED = "Its hold was lifted: it is checked again within 30 s."


@dataclass(frozen=True, slots=True)
class InForce:
    """`unknown`: why it is not known, as a sentence; "" where it is."""

    found: tuple[Intervention, ...] = ()
    unknown: str = ""

    def as_json(self) -> dict[str, object]:
        """`interventions` as in the ConfigMap; nothing where they are not known."""
        return {} if self.unknown else {"interventions": [entry.as_json() for entry in self.found]}


def in_force(settings: Settings) -> InForce:
    """Read from the cluster that KUBECONFIG names, or this pod's."""
    try:
        return InForce(Wiring.of(settings).wishes.in_force())
    except VmDriftError as error:
        return InForce(unknown=f"Holds are not shown: {str(error).rstrip('.')}.")


def marked(outages: Outages, asked: InForce, now: float) -> list[tuple[OutageRecord, list[Record]]]:
    """The same, where each drift's sentence also says what concerns it."""
    return [(outage, [_marked(record, outage, asked, now) for record in records]) for outage, records in outages]


def _marked(record: Record, outage: OutageRecord, asked: InForce, now: float) -> Record:
    return replace(record, sentence=" ".join((record.sentence, *said_of(record, outage, asked, now))))


def said_of(record: Record, outage: OutageRecord, asked: InForce, now: float) -> tuple[str, ...]:
    """What people asked for of this VM and its own sentence does not say."""
    said = [note for note in notes(record, outage.fencing, asked.found, now) if note not in record.sentence]
    return (*said, *([_LIFTED] if not asked.unknown and resumed(record, asked.found) else []))


def lines(outages: Outages, asked: InForce, now: float) -> list[Text]:
    """All holds, and what was asked for in outages that are not done."""
    if asked.unknown:
        return [Text(asked.unknown, style="yellow")] if outages else []
    ids = {outage.outage.id for outage, _ in outages}
    mine = [entry for entry in asked.found if entry.kind == HOLD or entry.outage in ids]
    return [Text(f"{entry.about}: {entry.said(now)}", style="yellow") for entry in mine]
