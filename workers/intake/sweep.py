"""One look for the VMs of a lost node.

Only the node's own pods are listed. An outage that is new to the records is also looked for in the VolumeAttachments
that still name its node. What was found is recorded and woken at once, so that a sweep that is cut short loses nothing;
what cannot be read delays only itself. Both are reported: with the outage, in the log, and as a metric.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import structlog

from reactor.adapters.rq import drift_entry, fence_entry
from reactor.model.drift import Again, Ended, OutageRecord, Outcome, Phase, Record, Signs
from reactor.model.errors import StoreError
from reactor.model.forecast import Forecast
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import NodeView
from reactor.model.objects import Obj
from reactor.model.sweep import CUT_SHORT, FINISHED, INCOMPLETE, Sweep, some
from workers.context import Tools
from workers.fencing.decide.allowed import providers
from workers.forecast import run as forecast
from workers.intake.begin import first, once_more, signs
from workers.intake.foresee import Remembering, foreseen
from workers.intake.holders import Claim, claims, holders
from workers.observe.launchers import UNREADABLE, Launcher, launchers, vm_of_launcher

log = structlog.get_logger()

_NOT_HERE = frozenset({"not-on-node", "nothing-ran"})
_AGAIN = 15.0  # seconds until what could not be read is read again


def sweep(outage: Outage, node: NodeView | None, records: list[Record], tools: Tools) -> Outcome:
    """One drift for each VM; `records` are those that there are. Raises ClusterError, StoreError if it is cut short."""
    outage_record = _started(outage, tools)
    with _recording_failure(outage, tools):
        search = Search(outage_record, node, records, tools)
        search.on_node()
        if node and providers(node, tools.policy):
            tools.queue.wake(fence_entry(outage), tools.clock())
        forecast.wake(outage, search.records, tools)
        if not outage_record.sweep.searched:
            search.by_volumes()
    return _closed(search, outage_record, tools)


def _started(outage: Outage, tools: Tools) -> OutageRecord:
    """The outage is recorded before its VMs are. `begun_at` stays as it is where no earlier sweep has finished."""
    now = tools.clock()
    stored = tools.store.outage(outage.id) or OutageRecord(outage, now)
    outage_record = replace(stored, outage=outage)
    if stored.sweep.begun_at is None:
        outage_record = replace(outage_record, sweep=replace(stored.sweep, begun_at=now))
        tools.store.save_outage(outage_record, done=False)
    return outage_record


@contextmanager
def _recording_failure(outage: Outage, tools: Tools) -> Iterator[None]:
    """Whatever cuts a sweep short, also RQ's time-out, is written down before it is raised on."""
    try:
        yield
    except Exception as error:
        why = f"{type(error).__name__}: {str(error)[:300]}"
        with suppress(StoreError):
            _save_trouble(outage, f"The search for its VMs was cut short: {why}.", tools)
            tools.store.count_sweep(CUT_SHORT)
        raise


def _save_trouble(outage: Outage, trouble: str, tools: Tools) -> None:
    outage_record = tools.store.outage(outage.id) or OutageRecord(outage, tools.clock())
    _warn(trouble, outage_record)
    tools.store.save_outage(replace(outage_record, sweep=replace(outage_record.sweep, trouble=trouble)), done=False)


def _warn(trouble: str, outage_record: OutageRecord) -> None:
    """Once for each change of it."""
    if trouble and trouble != outage_record.sweep.trouble:
        log.warning("sweep incomplete", sentence=trouble, **_about(outage_record), reason="sweep-incomplete")


def _about(outage_record: OutageRecord) -> dict[str, str]:
    return {"outage": outage_record.outage.id, "node": outage_record.outage.node.name}


def _closed(search: "Search", outage_record: OutageRecord, tools: Tools) -> Outcome:
    going = sum(not record.ended for record in search.records)
    trouble, begun = search.trouble, outage_record.sweep.begun_at if search.trouble else None
    # A deleted node may never come back to end its outage.
    done = search.node is None and not search.pods and not trouble and going == 0
    _warn(trouble, outage_record)
    for pod in sorted(search.skipped.difference(outage_record.sweep.skipped)):
        name, _, why = pod.partition(": ")
        log.warning("pod skipped", pod=name, why=why, **_about(outage_record), reason="pod-skipped")
    fresh = tools.store.outage(outage_record.outage.id) or outage_record  # somebody may have seen its end meanwhile
    end = Sweep(begun, trouble, outage_record.sweep.searched or not trouble, tuple(sorted(search.skipped)))
    tools.store.save_outage(replace(fresh, outage=search.outage, sweep=end), done=done)
    tools.store.count_sweep(INCOMPLETE if trouble else FINISHED)
    summary = f"{outage_record.outage.node.name}: {len(search.records)} VMs, {going} under way."
    if trouble:
        return Again(tools.clock() + _AGAIN, "sweep-incomplete", f"{summary} {trouble}")
    return Ended("swept", "outage", summary)


class Search:
    """For VMs that have no drift yet. `pods`: how many launchers the node has; `skipped`: those of no VM."""

    def __init__(self, outage_record: OutageRecord, node: NodeView | None, records: list[Record], tools: Tools) -> None:
        self.outage, self.node, self._records = (
            outage_record.outage,
            node,
            {record.drift.id: record for record in records},
        )
        self._doubted = {pod.partition(": ")[0] for pod in outage_record.sweep.skipped}
        self.pods, self.skipped = 0, set[str]()
        self._tools, self._unread, self._signs = tools, list[str](), list[Signs]()
        self._drift_keys = {key for record in records for key in _keys(record)}
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
        pairs = sorted(
            launchers(self._tools.cluster, fields=f"spec.nodeName={self.outage.node.name}"), key=_launcher_of
        )
        self.pods = len(pairs)
        for launcher, pod in pairs:
            has_drift = (launcher.namespace, launcher.vmi, launcher.vmi_uid) in self._drift_keys and str(
                launcher
            ) not in self._doubted
            if has_drift or self._try_begin(launcher, launcher.vmi_uid):
                self._explained |= claims(launcher, pod)

    def by_volumes(self) -> None:
        """By what is still attached to the node of those that have a launcher elsewhere by now. Raises as `on_node`."""
        for launcher in holders(self._tools.cluster, self.outage.node.name, self._explained):
            if (launcher.namespace, launcher.vmi, "") not in self._drift_keys:
                self._try_begin(launcher, "")

    def _try_begin(self, launcher: Launcher, vmi_uid: str) -> bool:
        cluster = Remembering(self._tools.cluster)
        try:
            vm = vm_of_launcher(launcher, cluster)
        except UNREADABLE as error:
            self._unread.append(f"{launcher}: {error}")
            return False
        if isinstance(vm, VmRef):
            self._begin(vm, vmi_uid, self._foreseen(vm, cluster.found.get(("virtualmachines", vm.name))))
            return True
        self.skipped.add(f"{launcher}: {vm.why}")
        return False

    def _foreseen(self, vm: VmRef, obj: Obj | None) -> Forecast | None:
        """What cannot be read is judged by its drift."""
        host = self.node.labels.get("kubernetes.io/hostname", "") if self.node else ""
        try:
            if obj or vm.is_instance:
                return foreseen(vm, obj, host, self._tools.policy, self._tools.clock())
        except UNREADABLE:
            return None
        return None

    def _begin(self, vm: VmRef, vmi_uid: str, forecast: Forecast | None) -> None:
        if self.node and not self._signs:
            self._signs.append(signs(self.node, self.outage, self._tools))
        lost, drift = (self.node, next(iter(self._signs), None)), Drift(vm, self.outage)
        known = self._records.get(drift.id)
        if known and vmi_uid and _is_elsewhere(known):
            record = once_more(known, vmi_uid, lost, self._tools)
        else:
            record = first(drift, vmi_uid, lost, self._tools, forecast)
        self._records[record.drift.id] = record
        self._drift_keys |= _keys(record)
        if not record.ended:
            self._tools.queue.wake(drift_entry(record.drift), record.again_at or self._tools.clock())


def _launcher_of(pair: tuple[Launcher, object]) -> Launcher:
    return pair[0]


def _is_elsewhere(record: Record) -> bool:
    """Has it ended because the VM was not on this node any more?"""
    return record.ended and (record.phase is Phase.COMPLETED or record.reason in _NOT_HERE)


def _keys(record: Record) -> set[tuple[str, str, str]]:
    """What has a drift in this outage already. A VM that was deleted may have been made again under its name."""
    vm = record.drift.vm
    if record.ended and record.reason == "vm-deleted":
        return set()
    return {(vm.namespace, vm.name, record.vmi_uid), (vm.namespace, vm.name, "")}
