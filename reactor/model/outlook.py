"""Where the VM of a drift stands for people: does it run again, will it, or does it stay down? Pure.

A phase says what vm-drift does; a `refused` VM has an end in that sense and is down all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reactor.model.advice import filled
from reactor.model.drift import Check, Phase, Record
from reactor.model.forecast import KEPT, MISSED, OVERTAKEN, Forecast
from reactor.model.reason import REASONS
from reactor.model.times import clock_time, duration

WINDOW = "unreachable-window"  # the reason of a drift that waits for its window
RETURNED = "returned-node"  # the one reason of a completed drift whose VM did not move
# Checks of the VM itself; those before them are of the outage, and are the same for every VM.
OWN = frozenset({"placement", "storage", "comeback", "policy", "launcher", "no hold"})
_RUNS = frozenset({"node-returned", "node-replaced", "not-on-node"})  # cancelled because the VM runs
_NOT_STARTED = frozenset({"run-strategy", "bare-instance"})  # nobody starts it on the returned node either
_STUCK = frozenset({"unschedulable", "still-attached"})  # on its way, and it does not go on by itself
CANCELLED_BY_HAND = "cancelled-by-hand"


class Outlook(StrEnum):
    """In the order in which people want to know of them."""

    STAYS = "stays"  # down, until something changes
    ALIVE = "alive"  # its node gives signs of life: it may well run there
    HELD = "held"  # somebody asked that it be left alone
    UNDECIDED = "undecided"  # nothing was foreseen of it yet, and it was not judged
    MOVES = "moves"  # all of its own checks have passed
    MOVING = "moving"
    UNWANTED = "unwanted"  # it is not to run, or this drift is not about it any more
    BACK = "back"  # it runs again


_BLOCKED = {
    "kubelet-alive": Outlook.ALIVE,
    "virt-handler-alive": Outlook.ALIVE,
    "kubelet-reports-not-ready": Outlook.ALIVE,
    "held": Outlook.HELD,
    "changed-underway": Outlook.MOVES,  # the next look is a second away
    "api-unavailable": Outlook.UNDECIDED,  # nothing is known
    "api-refused": Outlook.UNDECIDED,
}


@dataclass(frozen=True, slots=True)
class Down:
    """For how long a VM was, or is, not running, in seconds.

    `ended`: it runs again, or is not to run. `watched`: somebody still looks whether it does.
    """

    seconds: float
    ended: bool
    watched: bool

    @property
    def not_back(self) -> bool:
        """Its drift is over, and the VM is down as far as is known."""
        return not self.ended and not self.watched


def outlook(record: Record) -> Outlook:
    """By what was read last."""
    match record.phase:
        case Phase.COMPLETED:
            return Outlook.BACK
        case Phase.CANCELLED:
            return _cancelled(record.reason)
        case Phase.REFUSED:
            runs = record.ended_at is not None and record.reason not in _NOT_STARTED
            return Outlook.BACK if runs else Outlook.STAYS
        case Phase.FAILED | Phase.BLOCKED:
            return _blocked(record)
        case Phase.WAITING:
            return _waiting(record)
    return Outlook.STAYS if record.reason in _STUCK else Outlook.MOVING


def _blocked(record: Record) -> Outlook:
    how = _BLOCKED.get(record.reason, Outlook.STAYS)
    passes = how in {Outlook.MOVES, Outlook.UNDECIDED}
    return Outlook.MOVING if passes and record.released_at is not None else how


def _cancelled(reason: str) -> Outlook:
    if reason in _RUNS:
        return Outlook.BACK
    return Outlook.STAYS if reason == CANCELLED_BY_HAND else Outlook.UNWANTED


def _waiting(record: Record) -> Outlook:
    if foreseen := ahead(record):
        return Outlook.MOVES if foreseen.moves else Outlook.STAYS
    if not any(check.name in OWN for check in record.checks):
        return Outlook.MOVES if record.released_at is not None else Outlook.UNDECIDED
    return Outlook.STAYS if own_objections(record.checks) else Outlook.MOVES


def ahead(record: Record) -> Forecast | None:
    """What was foreseen, while the VM waits and has not been judged since."""
    if record.forecast is None or record.phase is not Phase.WAITING:
        return None
    return None if any(check.name in OWN for check in record.checks) else record.forecast


def early(record: Record) -> Forecast | None:
    """That it stays down was foreseen, and the VM itself has not been judged since."""
    foreseen = ahead(record)
    return foreseen if foreseen and not foreseen.moves else None


def why(record: Record) -> tuple[str, str]:
    """The reason code that says most of where it stands, and its sentence."""
    foreseen = ahead(record)
    if foreseen and not foreseen.moves:
        return foreseen.reason, foreseen.sentence
    return record.reason, f"{record.sentence} {foreseen.where}".rstrip() if foreseen else record.sentence


def own_objections(checks: Iterable[Check]) -> list[Check]:
    """What speaks against moving this VM, whatever becomes of its outage; not what only takes its time."""
    return [check for check in checks if check.name in OWN and not check.held and not _passes_by_itself(check)]


def _passes_by_itself(check: Check) -> bool:
    reason = REASONS.get(check.reason)
    return reason is not None and reason.phase is Phase.WAITING


def advice(record: Record) -> str:
    """What an operator can do about it; "" where nothing."""
    reason = REASONS.get(why(record)[0])
    return filled(reason.operator, record) if reason and reason.operator != "Nothing." else ""


def needs_somebody(record: Record) -> bool:
    """It does not move, and somebody can do something about that."""
    how = outlook(record)
    stuck = how in {Outlook.STAYS, Outlook.ALIVE, Outlook.HELD}
    return (stuck or (how is Outlook.UNDECIDED and record.phase is Phase.BLOCKED)) and bool(advice(record))


def down(record: Record, now: float) -> Down:
    """Since the node's loss; it counts on until the VM really runs again, whatever became of the drift."""
    how = outlook(record)
    ended = how in {Outlook.BACK, Outlook.UNWANTED}
    until = (record.ended_at or record.changed_at) if ended else now
    return Down(max(0.0, until - record.lost_at), ended, not record.ended)


def ran_elsewhere(record: Record) -> bool:
    """It was brought to run on another node."""
    return record.phase is Phase.COMPLETED and record.reason != RETURNED


def forecast_result(record: Record) -> str:
    """How the forecast fared, one of RESULTS; "" while the drift goes on, or where nothing was foreseen.

    A forecast that the VM moves is overtaken where its node returned, or somebody stopped, deleted or cancelled it.
    """
    foreseen = record.forecast
    if foreseen is None or record.ended_at is None:
        return ""
    if not foreseen.moves:
        return MISSED if ran_elsewhere(record) else KEPT
    if not ran_elsewhere(record):
        return OVERTAKEN if record.phase in {Phase.CANCELLED, Phase.COMPLETED} else MISSED
    return MISSED if foreseen.due is not None and record.ended_at > foreseen.due else KEPT


def forecast_sentence(record: Record) -> str:
    """What was foreseen, and how it came; "" where nothing was foreseen."""
    foreseen = record.forecast
    if foreseen is None:
        return ""
    at = clock_time(foreseen.at, record.drift.outage.since)
    said = f"Foreseen at {at}: {_foreseen(foreseen)}. {foreseen.where}".rstrip()
    result = forecast_result(record)
    return f"{said} {result.capitalize()}: {_came(record)}." if result else said


def _foreseen(foreseen: Forecast) -> str:
    if not foreseen.moves:
        return f"it stays down ({foreseen.reason})"
    by = f" by {clock_time(foreseen.due, foreseen.at)} at the latest" if foreseen.due is not None else ""
    return f"it runs elsewhere{by}"


def _came(record: Record) -> str:
    since, due = record.drift.outage.since, record.forecast.due if record.forecast else None
    if not ran_elsewhere(record) or record.ended_at is None:
        return f"it did not move ({record.reason})"
    late = f", {duration(record.ended_at - due)} later than foreseen" if due and record.ended_at > due else ""
    where = f" on {record.target}" if record.target else " elsewhere"
    return f"it ran{where} after {duration(record.ended_at - since)}{late}"
