"""What is foreseen of a VM at the first pass that judges it, or that is supposed to (workers.forecast). Pure.

Within the window a pass reads nothing of its VM, so it is judged when the window ends or the node is proven dead. What
keeps it down from the first moment on is foreseen by the search for it (workers.intake.foresee).
"""

from collections.abc import Sequence
from dataclasses import replace

from reactor.model.drift import Check, Phase, Policy, Proof, Record
from reactor.model.forecast import Forecast
from reactor.model.outlook import OWN, Outlook, outlook, own_objections

_HOLD = "no hold"  # it says when people want the VM moved, not whether it can be
_SYNC = 60.0  # seconds, at most, until Kubernetes attaches what was detached
_START = 30.0  # seconds that a VM may take to start, once nothing holds it back


def with_forecast(
    record: Record, checks: Sequence[Check], policy: Policy, now: float, passes_at: float | None = None
) -> Record:
    """The record after a pass that found these `checks`, with what is foreseen, if it is judged for the first time.

    `passes_at`: when what kept the VM passes by itself, such as an eviction that is due; then it is too early to say.
    """
    if record.forecast is not None:
        return record
    objections = [check for check in own_objections(checks) if check.name != _HOLD]
    if objections and passes_at is not None:
        return record
    if objections:
        first = objections[0]
        return replace(record, forecast=Forecast(now, moves=False, reason=first.reason, sentence=first.sentence))
    judged = record.released_at is not None or any(check.name in OWN for check in checks)
    if not judged or outlook(record) not in {Outlook.MOVES, Outlook.MOVING}:
        return record
    where = next((check.sentence for check in checks if check.name == "placement"), "")
    due = _due(record, policy, now)
    foreseen = Forecast(now, moves=True, reason=record.reason, sentence=record.sentence, due=due, where=where)
    return replace(record, forecast=foreseen)


def _due(record: Record, policy: Policy, now: float) -> float:
    """When it runs elsewhere at the latest, if all goes well."""
    waits = record.phase is Phase.WAITING and record.again_at is not None
    released_at = record.released_at or (record.again_at if waits and record.again_at else now)
    if not any(disk.claim for disk in record.disks):
        return released_at + _START
    waits_to_detach = record.proof is not Proof.FENCED and policy.detach == "wait"
    return released_at + (policy.detach_window if waits_to_detach else 0.0) + _SYNC + _START
