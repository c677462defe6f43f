"""What a person can ask for about drifts: hold, resume, cancel, retry, drift. Shared by page and command line.

Both only parse and show. Each intervention decides on what it reads at that moment, from the cluster and from Redis.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.inbox import Inbox
from reactor.adapters.redis.store import Store
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import BadInput, ClusterError, NotDone, StoreError
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, Event
from reactor.model.intervention import (
    ALL,
    CANCEL,
    HOLD,
    MONTH,
    Intervention,
    node_target,
    reason_of,
    target_of,
    vm_target,
)
from reactor.model.names import is_name
from reactor.model.times import format_time

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

    Methods raise BadInput, NotDone, ClusterError, StoreError.
    """

    person: Person
    wishes: InterventionsConfigMap | None
    store: Callable[[], Store]
    inbox: Callable[[], Inbox]

    def hold(self, what: str, lasts: float | None, why: str) -> InterventionResult:
        """Pause recovery of a node, a VM or everything: `lasts` seconds by the API server's clock, or until resumed."""
        target = target_of(what)
        hold = self.write(HOLD, target, why, lasts)
        exists = self._exists(target)
        end = f"until {format_time(hold.until)}" if hold.until else "until it is resumed"
        meanwhile = "Timers keep running; nothing of it is deleted while it is held."
        sentence = f"{what} is held {end}. {meanwhile}{_warning(target, exists=exists)}"
        return InterventionResult(sentence, {**hold.as_json(), "exists": exists})

    def resume(self, what: str) -> InterventionResult:
        """Lift a hold."""
        target = target_of(what)
        lifted = self.book.lift(lambda entry: entry.kind == HOLD and entry.target == target)
        if not lifted:
            raise NotDone(f"{what} is not held; `vmdrift holds` shows what is")
        sentence = f"{what} is no longer held. Blocked drifts are checked again within 30 s."
        return InterventionResult(sentence, {"target": target, "lifted": [entry.as_json() for entry in lifted]})

    def cancel(self, vm: str, why: str) -> InterventionResult:
        """Cancel a VM's drift, for this outage."""
        record = self._newest(vm)
        if record.ended:
            raise NotDone(f"{vm}: its drift has already ended, {record.phase}: {record.sentence.rstrip('.')}")
        cancel = self.write(CANCEL, target_of(vm), why, MONTH, record.drift.outage.id)
        with suppress(StoreError):  # only so that a worker looks now: the cancel is in force already
            self.send(DRIFT_REQUESTED, vm)
        sentence = f"The drift of {vm} is cancelled for this outage. `vmdrift retry {vm}` starts it again."
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
            f"Requested the drift of {vm}; /events/{receipt} shows the result.", {"vm": vm}, receipt
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
        return intervention

    def send(self, kind: str, subject: str, data: Mapping[str, Any] | None = None) -> str:
        """Send an event to the workers, as another system would; returns the id of its receipt."""
        now, person = self.store().time(), self.person
        event = Event(kind, f"/{person.channel}/{person.name}", f"{now:.6f}", subject, now, data or {})
        return self.inbox().accept([event], person.name, person=True)[0].receipt.id

    def _newest(self, vm: str) -> Record:
        record = newest(self.store(), _valid_vm(vm))
        if record is None:
            raise NotDone(f"{vm} has no drift in any open outage; `vmdrift status` shows them")
        return record

    def _exists(self, target: str) -> bool | None:
        """None where it cannot be looked up: the receiver, which faces the network, may read no objects."""
        try:
            return _exists_in(self.book.cluster, target)
        except ClusterError:
            return self._is_concerned(target) or None

    def _is_concerned(self, target: str) -> bool:
        """Is it part of an open outage? Then there is no doubt about its name."""
        with suppress(StoreError):
            store = self.store()
            return any(target in _targets(outage, store) for outage in store.outages())
        return False


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


def _targets(outage: OutageRecord, store: Store) -> set[str]:
    vms = {vm_target(record.drift.vm) for record in store.records(outage.outage.id)}
    return {node_target(outage.outage.node.name), *vms}


def _exists_in(cluster: Cluster, target: str) -> bool:
    kind, *names = target.split("/")
    if target == ALL:
        return True
    if not all(map(is_name, names)):
        return False
    if kind == "node":
        return cluster.find("nodes", *names) is not None
    namespace, name = names
    vm = cluster.find("virtualmachines", name, namespace)
    return vm is not None or cluster.find("virtualmachineinstances", name, namespace) is not None


def _warning(target: str, *, exists: bool | None) -> str:
    """For what may be a typing error."""
    kind, _, name = target.partition("/")
    what = f"{'VM' if kind == 'vm' else kind} {name}"
    if exists is None:
        return f" It could not be checked whether there is a {what}."
    return "" if exists else f" There is no {what} now."
