"""What a person can ask for about drifts: hold, resume, cancel, retry, drift. Shared by page and command line.

Both only parse and show. Each intervention decides on what it reads at that moment, from the cluster and from Redis.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.inbox import Inbox
from reactor.adapters.redis.store import Store
from reactor.model.deed import RESUME, Deed, set_by
from reactor.model.drift import Record
from reactor.model.errors import BadInput, NotDone, StoreError, VmDriftError
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, Event
from reactor.model.intervention import (
    ALL,
    CANCEL,
    HOLD,
    MONTH,
    Intervention,
    reason_of,
    target_of,
)
from reactor.model.similar import did_you_mean
from reactor.model.times import format_time
from reactor.targets import NodeNames, Targets, named_by

log = structlog.get_logger()

NO_CLUSTER = "This page has no access to a cluster, so nothing can be held, cancelled or retried here; use `vmdrift`."


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and through which channel: "page" or "cli"."""

    name: str
    channel: str


@dataclass(frozen=True, slots=True)
class InterventionResult:
    """What was done, as a sentence, and as facts for machines.

    `receipt`: the id of the receipt of the event for the workers, who report its result there; "" where none is needed.
    """

    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Interventions:
    """Of one person. `store` and `inbox` are called when needed: a hold needs no Redis. `wishes` None: no cluster.

    `nodes`: as in Targets. Methods raise BadInput, NotDone, ClusterError, StoreError.
    """

    person: Person
    wishes: InterventionsConfigMap | None
    store: Callable[[], Store]
    inbox: Callable[[], Inbox]
    nodes: NodeNames = lambda: None

    def hold(self, what: str, lasts: float | None, why: str, *, force: bool = False) -> InterventionResult:
        """Pause recovery of a node, a VM or everything: `lasts` seconds by the API server's clock, or until resumed.

        NotDone for what is not there; `force`: also for what is yet to come.
        """
        target = target_of(what)
        exists = self.targets.exists(target) if force else self._required(target, what)
        hold = self.write(HOLD, target, why, lasts)
        end = f"until {format_time(hold.until)}" if hold.until else "until it is resumed"
        meanwhile = "Timers keep running; nothing of it is deleted while it is held."
        sentence = f"{what} is held {end}. {meanwhile}{self._warning(target, exists=exists)}"
        return InterventionResult(sentence, {**hold.as_json(), "exists": exists})

    def resume(self, what: str) -> InterventionResult:
        """Lift a hold."""
        target = target_of(what)
        lifted = self.book.lift(lambda entry: entry.kind == HOLD and entry.target == target)
        if not lifted:
            raise NotDone(f"{what} is not held{self._held_instead(what)}; `vmdrift holds` shows what is")
        self.note(RESUME, target)
        sentence = f"{what} is no longer held. What it blocked is checked again within 30 s."
        return InterventionResult(sentence, {"target": target, "lifted": [entry.as_json() for entry in lifted]})

    def cancel(self, vm: str, why: str) -> InterventionResult:
        """Cancel a VM's drift, for this outage. BadInput without a reason: its VM stays down by it."""
        if not why.strip():
            raise BadInput("a cancelled VM stays down, so others need to know why: give a reason")
        record = self._newest(vm)
        if record.ended:
            raise NotDone(f"{vm}: its recovery has already ended, {record.phase}: {record.sentence.rstrip('.')}")
        cancel = self.write(CANCEL, target_of(vm), why, MONTH, record.drift.outage.id)
        with suppress(StoreError):  # only so that a worker looks now: the cancel is in force already
            self.send(DRIFT_REQUESTED, vm)
        sentence = f"Recovery of {vm} is cancelled for this outage. `vmdrift retry {vm}` starts it again."
        return InterventionResult(sentence, {**cancel.as_json(), **_facts_of(record)})

    def retry(self, vm: str) -> InterventionResult:
        """Start a VM's ended drift again, or have one that goes on checked now; its cancels are lifted."""
        config_map, record = self.book, self._newest(vm)
        lifted = config_map.lift(lambda entry: entry.kind == CANCEL and entry.meets(record.drift))
        receipt = self.send(DRIFT_RETRY, vm)
        sentence = f"{vm} is checked again within seconds; `vmdrift status` shows the progress."
        facts = {"began_anew": record.phase.is_end, "lifted": [entry.as_json() for entry in lifted]}
        return InterventionResult(sentence, {**_facts_of(record), **facts}, receipt)

    def drift(self, vm: str) -> InterventionResult:
        """Ask for the drift of one VM of a lost node, with the usual prerequisites."""
        receipt = self.send(DRIFT_REQUESTED, _valid_vm(vm))
        return InterventionResult(
            f"Requested the recovery of {vm}; /events/{receipt} shows the result.", {"vm": vm}, receipt
        )

    @property
    def book(self) -> InterventionsConfigMap:
        """Where interventions are stored; NotDone without a cluster."""
        if self.wishes is None:
            raise NotDone(NO_CLUSTER.rstrip("."))
        return self.wishes

    def write(self, kind: str, target: str, why: str, lasts: float | None, outage: str = "") -> Intervention:
        """Store an intervention of this person, in force from now on."""
        now = self.book.now()
        until = now + lasts if lasts else None
        intervention = Intervention(kind, target, self.person.name, reason_of(why), now, until, outage)
        self.book.write(intervention)
        self._logged(lambda: set_by(intervention, self.person.channel, [outage] if outage else self._outages(target)))
        return intervention

    def note(self, what: str, target: str) -> None:
        """Log that this person has taken something back."""
        person = self.person
        log_entry = lambda: Deed(  # noqa: E731 - whatever it lacks, the deed is done
            what, target, person.name, person.channel, "", self.store().time(), None, tuple(self._outages(target))
        )
        self._logged(log_entry)

    def _logged(self, deed: Callable[[], Deed]) -> None:
        """In the log of who did what, as far as Redis is there: what is in force needs none."""
        try:
            self.store().deeds.note(deed())
        except VmDriftError as error:
            log.warning("intervention not in the log of deeds", why=str(error), person=self.person.name)

    def _outages(self, target: str) -> list[str]:
        """Ids of the open outages that it concerns; StoreError."""
        store = self.store()
        open_ones = [outage.outage for outage in store.outages()]
        return [outage.id for outage in open_ones if target == ALL or target in set(named_by(outage, store))]

    def send(self, kind: str, subject: str, data: Mapping[str, Any] | None = None) -> str:
        """Send an event to the workers, as another system would; returns the id of its receipt."""
        now, person = self.store().time(), self.person
        event = Event(kind, f"/{person.channel}/{person.name}", f"{now:.6f}", subject, now, data or {})
        return self.inbox().accept([event], person.name, person=True)[0].receipt.id

    @property
    def targets(self) -> Targets:
        """What is known of nodes and VMs; NotDone without a cluster."""
        return Targets(self.book.cluster, self.store, self.nodes)

    def _required(self, target: str, what: str) -> bool | None:
        try:
            return self.targets.required(target, what)
        except NotDone as error:
            raise NotDone(f"{error}, so nothing was held; --force holds one that is yet to come") from None

    def _warning(self, target: str, *, exists: bool | None) -> str:
        """For what may be a typing error."""
        kind, _, name = target.partition("/")
        what = f"{'VM' if kind == 'vm' else kind} {name}"
        if exists is None:
            return f" It could not be checked whether there is a {what}{self.targets.meant(target)}."
        return "" if exists else f" There is no {what} now."

    def _held_instead(self, what: str) -> str:
        held = (entry.target for entry in self.book.in_force() if entry.kind == HOLD)
        return did_you_mean(what, (target.partition("/")[2] or target for target in held))

    def _newest(self, vm: str) -> Record:
        store = self.store()
        record = newest(store, _valid_vm(vm))
        if record is None:
            known = (str(other.drift.vm) for outage in store.outages() for other in store.records(outage.outage.id))
            meant = did_you_mean(vm, known)
            raise NotDone(f"{vm} has no recovery in any open outage{meant}; `vmdrift status` shows them")
        return record


def newest(store: Store, vm: str) -> Record | None:
    """The newest drift of NAMESPACE/NAME in all outages that are not done with. Raises StoreError."""
    records = (record for outage in store.outages() for record in store.records(outage.outage.id))
    return max((r for r in records if str(r.drift.vm) == vm), key=lambda record: record.created_at, default=None)


def _valid_vm(vm: str) -> str:
    if not target_of(vm).startswith("vm/"):
        raise BadInput(f"{vm[:60]!r} is not a VM as NAMESPACE/NAME")
    return vm


def _facts_of(record: Record) -> dict[str, Any]:
    return {"vm": str(record.drift.vm), "node": record.drift.outage.node.name, "drift": record.drift.id}
