"""Metrics of events in and out, drifts and queues, for Prometheus; from Redis, so any process serves the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from reactor.adapters.redis.inbox import Inbox
from reactor.adapters.redis.outbox import Outbox
from reactor.adapters.redis.process_reports import Reports
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.store import Store
from reactor.adapters.redis.suspicions import Suspicions
from reactor.health import installed
from reactor.model.audit import Audit
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.fence_drill import FenceDrill, not_fenceable
from reactor.model.intervention import Intervention
from reactor.model.recovery import BOUNDS, RECOVERY, STAGES, ended, forecasts, histogram
from reactor.model.suspicion import ENDS
from reactor.model.times import Clock
from reactor.web.audit_metrics import audited
from reactor.web.standing_metrics import MOST, standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sources(Collector):
    """Where the metrics come from. `queues`: RQ's queues as they are; `reports`: what processes report of themselves.

    `clocks`: by process, how many seconds its clock is ahead of Redis'. `holds`: interventions in force, None where
    they are not known. `audit`: the last one, None where there is none.
    """

    inbox: Inbox
    outbox: Outbox
    store: Store
    queues: Callable[[], Iterator[QueueFigures]]
    reports: Callable[[], Reports]
    clock: Clock
    clocks: Callable[[], Mapping[str, float]] = dict
    holds: Callable[[], Sequence[Intervention] | None] = lambda: None
    audit: Callable[[], Audit | None] = lambda: None

    def collect(self) -> Iterator[Metric]:
        """All metrics, read now. Raises StoreError."""
        yield _build()
        yield _counter("vmdrift_events", "Events received, by type and result.", self.inbox.counts())
        yield _counter("vmdrift_events_told", "Events that left, by type and result.", self.outbox.counts())
        yield GaugeMetricFamily("vmdrift_events_backlog", "Posts that wait to be taken in.", self.inbox.backlog())
        dead = len(self.outbox.dead(self.clock()))
        yield GaugeMetricFamily("vmdrift_events_dead", "Events that could not be delivered.", dead)
        yield from _suspicions(self.store.suspicions)
        yield from _drills(self.store.drills.all())
        yield from self._drifts()
        yield from _ended_drifts(self.store.took())
        yield from audited(self.audit(), self.clock())
        yield from _reported(self.reports())
        yield _clocks(self.clocks())
        yield from _queues(list(self.queues()))

    def _drifts(self) -> Iterator[Metric]:
        outages = self.store.outages()
        open_outages = sum(outage.recovered_at is None for outage in outages)
        yield GaugeMetricFamily("vmdrift_outages_open", "Nodes that are lost now.", open_outages)
        yield _fencing(outages)
        yield from _sweeps(outages, self.store.sweeps(), self.clock())
        what = "Nodes whose systemUUID another one has, too, so that it does not identify a machine."
        yield GaugeMetricFamily("vmdrift_same_machine_nodes", what, self.store.twins())
        with_records = [(outage, self.store.records(outage.outage.id)) for outage in outages]
        yield from standing(with_records, self.holds(), self.clock())
        records = [record for _, found in with_records for record in found]
        drifts = GaugeMetricFamily(
            "vmdrift_drifts",
            "Drifts of outages that are not done with, by phase and reason.",
            labels=["phase", "reason"],
        )
        for (phase, reason), number in sorted(Counter((r.phase.value, r.reason) for r in records).items()):
            drifts.add_metric([phase, reason], number)
        yield drifts
        what = "VMs of lost nodes that do not run again yet, as far as is known, and ought to."
        yield GaugeMetricFamily("vmdrift_vms_down", what, sum(record.down for record in records))
        yield _blocked(records, self.clock())


def _suspicions(suspicions: Suspicions) -> Iterator[Metric]:
    what = "Nodes whose Leases are not renewed in time, and that Kubernetes does not call Unknown yet."
    yield GaugeMetricFamily("vmdrift_nodes_suspected", what, len(suspicions.shown().suspicions))
    counter = CounterMetricFamily("vmdrift_suspicions", "Suspicions that ended, by how.", labels=["ended"])
    counts = suspicions.ended()
    for how in ENDS:
        counter.add_metric([how], counts.get(how, 0))
    yield counter


def _drills(drills: Sequence[FenceDrill]) -> Iterator[Metric]:
    what = "1 where this provider passed its last fence drill for this node, 0 where it failed."
    passed = GaugeMetricFamily("vmdrift_fence_drill_passed", what, labels=["node", "provider"])
    for drill in drills:
        passed.add_metric([drill.node, drill.provider], float(drill.passed))
    yield passed
    what = "Nodes that no provider could fence at their last fence drill."
    yield GaugeMetricFamily("vmdrift_nodes_not_fenceable", what, len(not_fenceable(drills)))


def _sweeps(outages: Iterable[OutageRecord], counts: Mapping[str, int], now: float) -> Iterator[Metric]:
    what = "Searches for the VMs of a lost node, by how they ended."
    sweeps = CounterMetricFamily("vmdrift_sweeps", what, labels=["result"])
    for result, number in sorted(counts.items()):
        sweeps.add_metric([result], number)
    yield sweeps
    still_lost = [outage for outage in outages if outage.recovered_at is None]
    what = "For how long not all VMs of a lost node could be found; 0 where they were."
    incomplete = GaugeMetricFamily("vmdrift_sweep_incomplete_seconds", what, labels=["node"])
    waits: dict[str, float] = {}
    for outage in still_lost:
        node, begun = outage.outage.node.name, outage.sweep.begun_at
        waits[node] = max(0.0 if begun is None else now - begun, waits.get(node, 0.0))
    for node, wait in sorted(waits.items(), key=lambda item: (-item[1], item[0]))[:MOST]:
        incomplete.add_metric([node], wait)
    yield incomplete
    what = "Pods on lost nodes that have the label of launchers and belong to no VM that could be moved."
    yield GaugeMetricFamily("vmdrift_pods_skipped", what, sum(len(outage.sweep.skipped) for outage in still_lost))


def _fencing(outages: Iterable[OutageRecord]) -> Metric:
    what = "Lost nodes that may be fenced, by where that stands."
    gauge = GaugeMetricFamily("vmdrift_fencing", what, labels=["reason"])
    counts = Counter(outage.fencing.reason for outage in outages if outage.fencing and outage.recovered_at is None)
    for reason, number in sorted(counts.items()):
        gauge.add_metric([reason], number)
    return gauge


def _blocked(records: list[Record], now: float) -> Metric:
    what = f"For how long the drift of a node that is blocked longest for this reason has been so; the {MOST} longest."
    gauge = GaugeMetricFamily("vmdrift_drift_blocked_longest_seconds", what, labels=["reason", "node"])
    since: dict[tuple[str, str], float] = {}
    for record in (record for record in records if record.phase is Phase.BLOCKED):
        key = record.reason, record.drift.outage.node.name
        since[key] = min(record.changed_at, since.get(key, record.changed_at))
    for key, moment in sorted(since.items(), key=lambda item: (item[1], item[0]))[:MOST]:
        gauge.add_metric([*key], max(0.0, now - moment))
    return gauge


def _ended_drifts(totals: Mapping[str, float]) -> Iterator[Metric]:
    ends = CounterMetricFamily("vmdrift_drifts_ended", "Drifts that came to an end, by which.", labels=["phase"])
    for phase, number in ended(totals).items():
        ends.add_metric([phase.value], number)
    yield ends
    what = "What was foreseen when VMs of ended drifts were first judged, by how that came."
    foreseen = CounterMetricFamily("vmdrift_forecasts", what, labels=["result"])
    for result, number in forecasts(totals).items():
        foreseen.add_metric([result], number)
    yield foreseen
    what = "How long each stage of drifts that have ended took."
    durations = HistogramMetricFamily("vmdrift_stage_duration_seconds", what, labels=["stage"])
    for stage in STAGES:
        durations.add_metric([stage], *_buckets(stage, totals))
    yield durations
    what = "From the node's loss until the VM ran elsewhere; completed drifts only."
    recovery = HistogramMetricFamily("vmdrift_recovery_duration_seconds", what, labels=[])
    recovery.add_metric([], *_buckets(RECOVERY, totals))
    yield recovery


def _buckets(name: str, totals: Mapping[str, float]) -> tuple[list[tuple[str, float]], float]:
    """As the client library wants them: (bound, how many took no longer), and the sum in seconds."""
    distribution = histogram(name, totals)
    bounds = [*(f"{float(bound)}" for bound in BOUNDS), "+Inf"]
    return [(bound, float(count)) for bound, count in zip(bounds, distribution.counts, strict=True)], distribution.sum


def _reported(reports: Reports) -> Iterator[Metric]:
    what = 'Requests to the API server, by role, verb and code; "none": no answer.'
    requests = CounterMetricFamily("vmdrift_api_requests", what, labels=["role", "verb", "code"])
    for labels, number in sorted(reports.requests.items()):
        requests.add_metric(labels, number)
    yield requests
    what = "When a watcher last heard from the API server, as of its last resync."
    last_seen = GaugeMetricFamily("vmdrift_watcher_last_seen_timestamp_seconds", what)
    if reports.heard_at is not None:
        last_seen.add_metric([], reports.heard_at)
    yield last_seen


def _clocks(offsets: Mapping[str, float]) -> Metric:
    what = "How far a process' clock is ahead of Redis', by which everything is judged."
    gauge = GaugeMetricFamily("vmdrift_clock_ahead_seconds", what, labels=["process"])
    for name, ahead in sorted(offsets.items()):
        gauge.add_metric([name], ahead)
    return gauge


def _queues(queues: list[QueueFigures]) -> Iterator[Metric]:
    kinds: Mapping[str, tuple[str, Callable[[QueueFigures], float]]] = {
        "waiting": ("Jobs that a worker could take now.", lambda queue: queue.waiting),
        "scheduled": ("Jobs that wait for their time.", lambda queue: queue.scheduled),
        "failed": ("Jobs that ended in a bug of ours.", lambda queue: queue.failed),
        "late_seconds": ("How overdue the oldest job is that no scheduler has moved.", lambda queue: queue.late),
        "oldest_seconds": ("How long the first of the waiting jobs has waited.", lambda queue: queue.oldest),
        "workers": ("Workers that take this queue's jobs.", lambda queue: queue.workers),
        "scheduler_alive": ("1 while a scheduler looks after this queue.", lambda queue: queue.scheduler),
    }
    for name, (what, value_of) in kinds.items():
        gauge = GaugeMetricFamily(f"vmdrift_queue_{name}", what, labels=["queue"])
        for queue in queues:
            gauge.add_metric([queue.name], float(value_of(queue)))
        yield gauge


def _build() -> Metric:
    return InfoMetricFamily("vmdrift_build", "Which version this is.", {"version": installed()})


def _counter(name: str, what: str, counts: Mapping[tuple[str, str], int]) -> Metric:
    events = CounterMetricFamily(name, what, labels=["type", "result"])
    for (kind, result), number in sorted(counts.items()):
        events.add_metric([kind, result], number)
    return events


def exposition(sources: Sources) -> bytes:
    """All metrics as text. Raises StoreError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(sources)
    return generate_latest(registry)
