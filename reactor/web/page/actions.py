"""What people do on the page: hold, resume, cancel, retry, drift. Each is logged with who, what and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from reactor.doors.inbox import Inbox
from reactor.doors.wishes import Wishes
from reactor.model.drift import Record
from reactor.model.errors import BadInput, ClusterError
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, Event
from reactor.model.intervention import CANCEL, HOLD, MONTH, Intervention, lasting, target_of
from reactor.model.times import Clock, format_time
from reactor.web.page.desk import Desk
from reactor.web.problem import Problem

log = structlog.get_logger()

_LONGEST = 300  # characters of a reason


@dataclass(frozen=True, slots=True)
class Order:
    """`what`: hold, resume, cancel, retry or drift; `target`: a node, NAMESPACE/VM or all; `lasts`: "" is for ever."""

    what: str
    target: str
    lasts: str
    why: str

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> "Order":
        """From a form's fields."""
        texts = {name: str(form.get(name, "")).strip() for name in ("what", "target", "lasts", "why")}
        return cls(**{**texts, "why": texts["why"][:_LONGEST] or "no reason given"})


class Actions:
    """Each method raises Problem, StoreError."""

    def __init__(self, desk: Desk, inbox: Inbox, clock: Clock) -> None:
        self._desk, self._inbox, self._clock = desk, inbox, clock

    def do(self, order: Order, person: str) -> str:
        """Do it; what was done, as a sentence."""
        known = {
            "hold": self._hold,
            "resume": self._resume,
            "cancel": self._cancel,
            "retry": self._retry,
            "drift": self._drift,
        }
        if order.what not in known:
            raise Problem(400, f"what: {order.what[:20]!r} is none of {', '.join(known)}.")
        try:
            said = known[order.what](order, person)
        except BadInput as error:
            raise Problem(400, f"{error}.") from error
        except ClusterError as error:
            raise Problem(503, f"Nothing was done: {error}.") from error
        log.info(said, person=person, action=order.what, target=order.target, why=order.why)
        self._desk.forget_asked()
        return said

    def _hold(self, order: Order, person: str) -> str:
        now = self._wishes.now()
        until = now + lasting(order.lasts) if order.lasts else None
        self._wishes.write(Intervention(HOLD, target_of(order.target), person, order.why, now, until))
        end = f"until {format_time(until)}" if until else "until it is resumed"
        return f"{order.target} is held {end}. Windows go on; nothing of it is deleted."

    def _resume(self, order: Order, _person: str) -> str:
        target = target_of(order.target)
        mine = [one for one in self._wishes.written() if one.kind == HOLD and one.target == target]
        if not mine:
            raise Problem(409, f"{order.target} is not held.")
        for one in mine:
            self._wishes.lift(one)
        return f"{order.target} is not held any more. Blocked drifts look again within half a minute."

    def _cancel(self, order: Order, person: str) -> str:
        record, now = self._last(order.target), self._wishes.now()
        if record.ended:
            raise Problem(409, f"The drift of {order.target} has ended already: {record.phase}.")
        target, outage = target_of(order.target), record.drift.outage.id
        self._wishes.write(Intervention(CANCEL, target, person, order.why, now, now + MONTH, outage))
        self._tell(DRIFT_REQUESTED, order.target, person)  # so that a worker looks now
        return f"{order.target} is given up in this outage."

    def _retry(self, order: Order, person: str) -> str:
        record = self._last(order.target)
        for one in self._desk.asked().found:
            if one.kind == CANCEL and one.meets(record.drift):
                self._wishes.lift(one)
        self._tell(DRIFT_RETRY, order.target, person)
        return f"{order.target} is looked at anew within seconds."

    def _drift(self, order: Order, person: str) -> str:
        self._vm(order.target)
        receipt = self._tell(DRIFT_REQUESTED, order.target, person)
        return f"Asked for the drift of {order.target}; what becomes of it stands at /events/{receipt}."

    @property
    def _wishes(self) -> Wishes:
        if self._desk.wishes is None:
            raise Problem(409, self._desk.asked().trouble)
        return self._desk.wishes

    def _last(self, vm: str) -> Record:
        self._vm(vm)
        open_ones = {outage.record.outage.id for outage in self._desk.outages()}
        found = [one.record for one in self._desk.vm(vm) if one.record.drift.outage.id in open_ones]
        if not found:
            raise Problem(409, f"{vm} has no drift in any open outage.")
        return found[0]

    def _vm(self, name: str) -> None:
        if not target_of(name).startswith("vm/"):
            raise BadInput(f"{name[:60]!r} is no VM as NAMESPACE/NAME")

    def _tell(self, kind: str, vm: str, person: str) -> str:
        now = self._clock()
        event = Event(kind, f"/page/{person}", f"{now:.6f}", vm, now)
        return str(self._inbox.accept([event], person, person=True)[0].receipt.id)
