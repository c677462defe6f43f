"""What came in, what goes on and what went out, for Prometheus; from Redis, so any process tells the same."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from reactor.doors.figures import QueueFigures
from reactor.doors.inbox import Inbox
from reactor.doors.outbox import Outbox
from reactor.doors.store import Store
from reactor.model.times import Clock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sources(Collector):
    """Where the figures come from. `queues` tells how RQ's queues stand."""

    inbox: Inbox
    outbox: Outbox
    store: Store
    queues: Callable[[], Iterator[QueueFigures]]
    clock: Clock

    def collect(self) -> Iterator[Metric]:
        """All of them, read now. Raises StoreError."""
        yield _build()
        yield _counter("vmdrift_events", "Events received, by type and result.", self.inbox.counts())
        yield _counter("vmdrift_events_told", "Events that left, by type and result.", self.outbox.counts())
        yield GaugeMetricFamily("vmdrift_events_backlog", "Posts that wait to be taken in.", self.inbox.backlog())
        dead = len(self.outbox.dead(self.clock()))
        yield GaugeMetricFamily("vmdrift_events_dead", "Events that could not be delivered.", dead)
        yield from self._drifts()
        yield from _queues(list(self.queues()))

    def _drifts(self) -> Iterator[Metric]:
        outages = self.store.outages()
        lasting = sum(outage.recovered_at is None for outage in outages)
        yield GaugeMetricFamily("vmdrift_outages_open", "Nodes that are lost now.", lasting)
        records = [record for outage in outages for record in self.store.records(outage.outage.id)]
        drifts = GaugeMetricFamily(
            "vmdrift_drifts",
            "Drifts of outages that are not done with, by phase and reason.",
            labels=["phase", "reason"],
        )
        for (phase, reason), number in sorted(Counter((r.phase.value, r.reason) for r in records).items()):
            drifts.add_metric([phase, reason], number)
        yield drifts
        blocked = [self.clock() - record.changed_at for record in records if record.phase.value == "blocked"]
        what = "How long the longest blocked drift has been so."
        yield GaugeMetricFamily("vmdrift_drift_blocked_longest_seconds", what, max(blocked, default=0.0))


def _queues(found: list[QueueFigures]) -> Iterator[Metric]:
    kinds: Mapping[str, tuple[str, Callable[[QueueFigures], float]]] = {
        "waiting": ("Jobs that a worker could take now.", lambda one: one.waiting),
        "scheduled": ("Jobs that wait for their time.", lambda one: one.scheduled),
        "failed": ("Jobs that ended in a bug of ours.", lambda one: one.failed),
        "late_seconds": ("How overdue the oldest job is that no scheduler has moved.", lambda one: one.late),
        "scheduler_alive": ("1 while a scheduler looks after this queue.", lambda one: one.scheduler),
    }
    for name, (what, of) in kinds.items():
        gauge = GaugeMetricFamily(f"vmdrift_queue_{name}", what, labels=["queue"])
        for one in found:
            gauge.add_metric([one.name], float(of(one)))
        yield gauge


def _build() -> Metric:
    try:
        number = version("vm-drift")
    except PackageNotFoundError:  # run from a checkout that is not installed
        number = "unknown"
    return InfoMetricFamily("vmdrift_build", "Which version this is.", {"version": number})


def _counter(name: str, what: str, counts: Mapping[tuple[str, str], int]) -> Metric:
    events = CounterMetricFamily(name, what, labels=["type", "result"])
    for (kind, result), number in sorted(counts.items()):
        events.add_metric([kind, result], number)
    return events


def exposition(sources: Sources) -> bytes:
    """All of it as text. Raises StoreError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(sources)
    return generate_latest(registry)
