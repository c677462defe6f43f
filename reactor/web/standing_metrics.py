"""Metrics by node, VM and hold, for alerts that name whom they are about: only of what needs somebody, and capped."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.intervention import HOLD, Intervention

MOST = 100  # series of one metric
_BY_HAND = "cancelled-by-hand"  # of the other cancelled ones the VM runs, or its owner has stopped it
Outages = Sequence[tuple[OutageRecord, Sequence[Record]]]  # each with its drifts


def standing(outages: Outages, holds: Sequence[Intervention] | None, now: float) -> Iterator[Metric]:
    """`holds` None: they are not known, so nothing is said of them. `now` in seconds since the epoch."""
    yield _lost(outages, now)
    yield _staying_down(outages, now)
    yield _fencing(outages)
    yield _past_due(outages, now)
    yield _held(holds, now)


def _lost(outages: Outages, now: float) -> Metric:
    what = f"Since when each node is lost; the {MOST} that are lost longest."
    gauge = GaugeMetricFamily("vmdrift_node_lost_seconds", what, labels=["node"])
    since: dict[str, float] = {}
    for record, _ in outages:
        if record.recovered_at is None:
            since.setdefault(record.outage.node.name, record.outage.since)
    for node, moment in sorted(since.items(), key=lambda item: (item[1], item[0]))[:MOST]:
        gauge.add_metric([node], max(0.0, now - moment))
    return gauge


def _fencing(outages: Outages) -> Metric:
    what = f"1 for each lost node that may be fenced, by where that stands; at most {MOST}."
    gauge = GaugeMetricFamily("vmdrift_node_fencing", what, labels=["node", "reason"])
    files = [record.fencing for record, _ in outages if record.fencing and record.recovered_at is None]
    for name, reason in sorted({(file.outage.node.name, file.reason) for file in files})[:MOST]:
        gauge.add_metric([name, reason], 1.0)
    return gauge


def _staying_down(outages: Outages, now: float) -> Metric:
    what = f"For how long a VM is refused, cancelled or failed, and so stays down; the {MOST} that are so longest."
    gauge = GaugeMetricFamily("vmdrift_vm_stays_down_seconds", what, labels=["node", "namespace", "vm", "phase"])
    down = {str(r.drift.vm): r for outage, records in outages for r in records if _stays_down(r, outage)}
    for record in sorted(down.values(), key=lambda r: (r.changed_at, str(r.drift.vm)))[:MOST]:
        vm, node = record.drift.vm, record.drift.outage.node.name
        gauge.add_metric([node, vm.namespace, vm.name, record.phase.value], max(0.0, now - record.changed_at))
    return gauge


def _stays_down(record: Record, outage: OutageRecord) -> bool:
    """A refusal or failure is looked at again as long as its VM is down; a cancel ends its drift, and nobody looks."""
    if record.phase is Phase.CANCELLED:
        return record.reason == _BY_HAND and outage.recovered_at is None
    return record.phase in {Phase.REFUSED, Phase.FAILED} and record.down


def _past_due(outages: Outages, now: float) -> Metric:
    what = f"How long ago the drift of a lost node that is most overdue was to be checked; the {MOST} latest nodes."
    gauge = GaugeMetricFamily("vmdrift_drift_past_due_seconds", what, labels=["node"])
    dues: dict[str, float] = {}
    for record in (record for _, records in outages for record in records):
        if record.again_at and not record.ended:
            node = record.drift.outage.node.name
            dues[node] = min(record.again_at, dues.get(node, record.again_at))
    for node, due in sorted(dues.items(), key=lambda item: (item[1], item[0]))[:MOST]:
        gauge.add_metric([node], max(0.0, now - due))
    return gauge


def _held(holds: Sequence[Intervention] | None, now: float) -> Metric:
    what = f"For how long each hold has been in force; the {MOST} longest. None where the cluster does not say."
    gauge = GaugeMetricFamily("vmdrift_hold_seconds", what, labels=["target", "node", "namespace", "vm"])
    since: dict[str, float] = {}
    for entry in holds or ():
        if entry.kind == HOLD:
            since[entry.target] = min(entry.at, since.get(entry.target, entry.at))
    for target, moment in sorted(since.items(), key=lambda item: (item[1], item[0]))[:MOST]:
        gauge.add_metric([target, *_names(target)], max(0.0, now - moment))
    return gauge


def _names(target: str) -> tuple[str, str, str]:
    """Node, namespace and VM, each "" where the target names none."""
    kind, _, name = target.partition("/")
    if kind == "vm":
        namespace, _, vm = name.partition("/")
        return "", namespace, vm
    return name, "", ""
