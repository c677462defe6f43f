"""What people asked for and is in force, on the rows that it concerns: who, since when, until when and why. Pure."""

from collections.abc import Iterable

from reactor.model.confirmation_source import EVENT
from reactor.model.drift import Record
from reactor.model.fencing import Fencing
from reactor.model.intervention import HOLD, Intervention
from reactor.model.times import clock_time


def notes(
    record: Record, fencing: Fencing | None, interventions: Iterable[Intervention], today: float
) -> tuple[str, ...]:
    """Sentences for one drift. `interventions`: those that are not over; `today`: dates are left out of its times."""
    said = [entry.said(today) for entry in interventions if entry.meets(record.drift)]
    return (*said, *confirmations(fencing, today))


def of_node(node: str, outage: str, interventions: Iterable[Intervention], today: float) -> tuple[str, ...]:
    """Sentences for a lost node; `outage` is the id of its outage."""
    mine = (one for one in interventions if one.target == f"node/{node}" and one.outage in {"", outage})
    return tuple(entry.said(today) for entry in mine)


def confirmations(fencing: Fencing | None, today: float) -> tuple[str, ...]:
    """By whom the node was confirmed to be off, while that counts."""
    proof = fencing.proof if fencing else None
    if proof is None or proof.provider != EVENT:
        return ()
    return (f"Confirmed off by {proof.by}, counted since {clock_time(proof.at, today)}.",)


def resumed(record: Record, interventions: Iterable[Intervention]) -> bool:
    """Was its hold lifted since it was looked at last? Its record still says that it is held."""
    held = any(entry.kind == HOLD and entry.meets(record.drift) for entry in interventions)
    return record.reason == "held" and not record.ended and not held
