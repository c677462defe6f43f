"""One look for the VMs of a lost node.

Only the node's own pods are listed. An outage that is new to the records is also looked for in the VolumeAttachments
that still name its node. What was found is kept and woken at once, so that a sweep that is cut short loses none of it;
what cannot be read holds up only itself. Both are reported: with the outage, in the log, and as a metric.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import structlog

from reactor.adapters.rq import drift_entry, fence_entry
from reactor.model.drift import Again, Ended, OutageRecord, Outcome, Record, Signs
from reactor.model.errors import StoreError
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import NodeView
from reactor.model.sweep import CUT_SHORT, FINISHED, INCOMPLETE, Sweep, some
from workers.context import Tools
from workers.fencing.decide.allowed import providers
from workers.intake.begin import first, signs
from workers.intake.holders import Claim, claims, holders
from workers.observe.launchers import UNREADABLE, Launcher, launchers, whose

log = structlog.get_logger()

_AGAIN = 15.0  # seconds until what could not be read is read again


def sweep(outage: Outage, node: NodeView | None, records: list[Record], tools: Tools) -> Outcome:
    """One drift for each VM; `records` are those that there are. Raises ClusterError, StoreError if it is cut short."""
    known = _begun(outage, tools)
    with _reported(outage, tools):
        search = Search(known, node, records, tools)
        search.on_node()
        if node and providers(node, tools.policy):
            tools.queue.wake(fence_entry(outage), tools.clock())
        if not known.sweep.searched:
            search.by_volumes()
    return _closed(search, known, tools)


def _begun(outage: Outage, tools: Tools) -> OutageRecord:
    """The outage stands there before its VMs do. `begun_at` stays where no earlier sweep has come to its end."""
    now = tools.clock()
    known = tools.store.outage(outage.id) or OutageRecord(outage, now)
    if known.sweep.begun_at is None:
        known = replace(known, sweep=replace(known.sweep, begun_at=now))
        tools.store.save_outage(known, done=False)
    return known


@contextmanager
def _reported(outage: Outage, tools: Tools) -> Iterator[None]:
    """Whatever cuts a sweep short, also RQ when its time is over, is written down before it goes its way."""
    try:
        yield
    except Exception as error:
        why = f"{type(error).__name__}: {str(error)[:300]}"
        with suppress(StoreError):
            _noted(outage, f"The search for its VMs was cut short: {why}.", tools)
            tools.store.count_sweep(CUT_SHORT)
        raise


def _noted(outage: Outage, trouble: str, tools: Tools) -> None:
    known = tools.store.outage(outage.id) or OutageRecord(outage, tools.clock())
    _warn(trouble, known)
    tools.store.save_outage(replace(known, sweep=replace(known.sweep, trouble=trouble)), done=False)


def _warn(trouble: str, known: OutageRecord) -> None:
    """Once for each trouble."""
    if trouble and trouble != known.sweep.trouble:
        log.warning("sweep incomplete", sentence=trouble, **_about(known), reason="sweep-incomplete")


def _about(known: OutageRecord) -> dict[str, str]:
    return {"outage": known.outage.id, "node": known.outage.node.name}


def _closed(search: "Search", known: OutageRecord, tools: Tools) -> Outcome:
    going = sum(not record.ended for record in search.records)
    trouble, begun = search.trouble, known.sweep.begun_at if search.trouble else None
    # A deleted node may never come back to end its outage.
    done = search.node is None and not search.pods and not trouble and going == 0
    _warn(trouble, known)
    for pod in sorted(search.skipped.difference(known.sweep.skipped)):
        name, _, why = pod.partition(": ")
        log.warning("pod skipped", pod=name, why=why, **_about(known), reason="pod-skipped")
    fresh = tools.store.outage(known.outage.id) or known  # somebody may have seen its end meanwhile
    end = Sweep(begun, trouble, known.sweep.searched or not trouble, tuple(sorted(search.skipped)))
    tools.store.save_outage(replace(fresh, sweep=end), done=done)
    tools.store.count_sweep(INCOMPLETE if trouble else FINISHED)
    said = f"{known.outage.node.name}: {len(search.records)} VMs, {going} under way."
    if trouble:
        return Again(tools.clock() + _AGAIN, "sweep-incomplete", f"{said} {trouble}")
    return Ended("swept", "outage", said)


class Search:
    """For VMs that have no drift yet. `pods`: how many launchers the node has; `skipped`: those that are nobody's."""

    def __init__(self, known: OutageRecord, node: NodeView | None, records: list[Record], tools: Tools) -> None:
        self.outage, self.node, self._records = known.outage, node, {record.drift.id: record for record in records}
        self._doubted = {pod.partition(": ")[0] for pod in known.sweep.skipped}
        self.pods, self.skipped = 0, set[str]()
        self._tools, self._unread, self._signs = tools, list[str](), list[Signs]()
        self._known = {key for record in records for key in _keys(record)}
        self._explained: set[Claim] = set()

    @property
    def records(self) -> list[Record]:
        """All that there are by now."""
        return list(self._records.values())

    @property
    def trouble(self) -> str:
        """What could not be read, as a sentence."""
        return f"Not all of its VMs could be read: {some(self._unread)}." if self._unread else ""

    def on_node(self) -> None:
        """By the launchers that the node has. Raises ClusterError, StoreError."""
        found = sorted(launchers(self._tools.cluster, fields=f"spec.nodeName={self.outage.node.name}"), key=_first)
        self.pods = len(found)
        for one, pod in found:
            known = (one.namespace, one.vmi, one.vmi_uid) in self._known and str(one) not in self._doubted
            if known or self._begun(one, one.vmi_uid):
                self._explained |= claims(one, pod)

    def by_volumes(self) -> None:
        """By what the node still holds of those that have a launcher elsewhere by now. Raises as `on_node`."""
        for one in holders(self._tools.cluster, self.outage.node.name, self._explained):
            if (one.namespace, one.vmi, "") not in self._known:
                self._begun(one, "")

    def _begun(self, one: Launcher, vmi_uid: str) -> bool:
        try:
            vm = whose(one, self._tools.cluster)
        except UNREADABLE as error:
            self._unread.append(f"{one}: {error}")
            return False
        if isinstance(vm, VmRef):
            self._begin(vm, vmi_uid)
            return True
        self.skipped.add(f"{one}: {vm.why}")
        return False

    def _begin(self, vm: VmRef, vmi_uid: str) -> None:
        if self.node and not self._signs:
            self._signs.append(signs(self.node, self.outage, self._tools))
        record = first(Drift(vm, self.outage), vmi_uid, next(iter(self._signs), None), self._tools)
        self._records[record.drift.id] = record
        self._known |= _keys(record)
        if not record.ended:
            self._tools.queue.wake(drift_entry(record.drift), record.again_at or self._tools.clock())


def _first(found: tuple[Launcher, object]) -> Launcher:
    return found[0]


def _keys(record: Record) -> set[tuple[str, str, str]]:
    """What has a drift in this outage already. A VM that was deleted may have been made again under its name."""
    vm = record.drift.vm
    if record.ended and record.reason == "vm-deleted":
        return set()
    return {(vm.namespace, vm.name, record.vmi_uid), (vm.namespace, vm.name, "")}
