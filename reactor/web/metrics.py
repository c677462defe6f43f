"""What came in and what went out, for Prometheus. Counted in Redis, so any process tells the same."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reactor.doors.inbox import Inbox
from reactor.doors.outbox import Outbox

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Counted(Collector):
    def __init__(self, inbox: Inbox, outbox: Outbox) -> None:
        self._inbox, self._outbox = inbox, outbox

    def collect(self) -> Iterator[Metric]:
        yield _counter("vmdrift_events", "Events received, by type and result.", self._inbox.counts())
        yield _counter("vmdrift_events_told", "Events that left, by type and result.", self._outbox.counts())
        yield GaugeMetricFamily("vmdrift_events_backlog", "Posts that wait to be taken in.", self._inbox.backlog())


def _counter(name: str, what: str, counts: Mapping[tuple[str, str], int]) -> Metric:
    events = CounterMetricFamily(name, what, labels=["type", "result"])
    for (kind, result), number in sorted(counts.items()):
        events.add_metric([kind, result], number)
    return events


def exposition(inbox: Inbox, outbox: Outbox) -> bytes:
    """All of it as text. Raises StoreError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Counted(inbox, outbox))
    return generate_latest(registry)
