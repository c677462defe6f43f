"""Records -> outgoing events: what is sent when a drift moves on. Pure; they are written with the record."""

from reactor.model.drift import Phase, Record
from reactor.model.event import (
    DRIFT_PREFIX,
    DRIFT_SCHEMA,
    FENCE_SCHEMA,
    NODE_CLEARED,
    NODE_FENCING,
    NODE_SUSPECTED,
    NODES_SUSPECTED,
    SUSPECTS_SCHEMA,
    SUSPICION_SCHEMA,
    Event,
)
from reactor.model.fencing import Fencing
from reactor.model.recovery import stages
from reactor.model.suspicion import LIFE, Suspicion

# Phases that a drift can reach more than once, for another reason each time.
_BY_REASON = frozenset({Phase.BLOCKED, Phase.REFUSED, Phase.CANCELLED, Phase.FAILED})


def step_events(before: Record | None, after: Record, source: str, now: float) -> list[Event]:
    """The events of one step. Their ids repeat if it is taken again: each is sent once per drift and reason.

    Those of a drift that began once more are others.
    """
    return [
        Event(
            f"{DRIFT_PREFIX}{kind}",
            source,
            f"{after.drift.id}_{kind}{_occasion(kind, after)}",
            str(after.drift.vm),
            now,
            _data(after, now),
            DRIFT_SCHEMA,
        )
        for kind in _kinds(before, after)
    ]


def _occasion(kind: str, record: Record) -> str:
    return (f"_{record.reason}" if kind in _BY_REASON else "") + (f"_{record.again}" if record.again else "")


def _kinds(before: Record | None, after: Record) -> list[str]:
    if before is None:
        return ["scheduled"]
    kinds = []
    if before.released_at is None and after.released_at is not None:
        kinds.append("released")
    if before.detached_at is None and after.detached_at is not None:
        kinds.append("detached")
    if after.phase is Phase.BLOCKED and after.reason != before.reason:
        kinds.append("blocked")
    if after.phase.is_end and (after.phase, after.reason) != (before.phase, before.reason):
        kinds.append(after.phase.value)
    return kinds


def _data(record: Record, now: float) -> dict[str, object]:
    """As docs/events/drift.json has it."""
    return {
        "drift": record.drift.id,
        "outage": record.drift.outage.id,
        "vm": str(record.drift.vm),
        "node": record.drift.outage.node.name,
        "phase": record.phase.value,
        "reason": record.reason,
        "sentence": record.sentence,
        "target": record.target,
        "proof": record.proof.value,
        "stages": stages(record, now),
    }


def fence_asked(file: Fencing, provider: str, source: str, now: float) -> Event:
    """A provider is about to be asked to fence a node: for which VMs, and which are stopped too. Once for each boot."""
    data = {
        "outage": file.outage.id,
        "node": file.node.name,
        "boot": file.boot,
        "provider": provider,
        "sentence": f"{file.sentence}{file.bystanding}",
        "releases": list(file.releases),
        "bystanders": [{"vm": vm, "reason": reason} for vm, reason in file.bystanders],
    }
    return Event(NODE_FENCING, source, f"{file.outage.id}_{file.boot}_fence", file.node.name, now, data, FENCE_SCHEMA)


def node_suspected(suspicion: Suspicion, source: str, now: float) -> Event:
    """A node is suspected, and providers are asked about it. Once for each last renewal of its Lease."""
    data = _suspicion(suspicion, now) | {"sentence": suspicion.sentence(now)}
    event_id = f"{suspicion.id}_suspected"
    return Event(NODE_SUSPECTED, source, event_id, suspicion.node.name, now, data, SUSPICION_SCHEMA)


def node_cleared(suspicion: Suspicion, how: str, source: str, now: float) -> Event:
    """It is suspected no longer: its Lease was renewed, or it is no node of the cluster any more."""
    name, data = suspicion.node.name, _suspicion(suspicion, now)
    end = "its Lease was renewed" if how == LIFE else "this Lease, or this node, is no longer there"
    data |= {"ended": how, "sentence": f"{name}: {end}, after {data['silent']} s without a change."}
    return Event(NODE_CLEARED, source, f"{suspicion.id}_cleared", name, now, data, SUSPICION_SCHEMA)


def nodes_suspected(sentence: str, source: str, now: float) -> Event:
    """More nodes are suspected than may be at once, so nobody is asked."""
    return Event(NODES_SUSPECTED, source, f"{now:.0f}_suspects", "nodes", now, {"sentence": sentence}, SUSPECTS_SCHEMA)


def _suspicion(suspicion: Suspicion, now: float) -> dict[str, object]:
    """As docs/events/suspicion.json has it."""
    return {
        "node": suspicion.node.name,
        "uid": suspicion.node.uid,
        "boot": suspicion.boot,
        "renewed": suspicion.renewed,
        "silent": round(max(0.0, now - suspicion.since), 1),
    }
