"""Metrics of the last audit: how many VMs would not survive the loss of nodes, and how old that figure is."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from reactor.model.audit import Audit


def audited(audit: Audit | None, now: float) -> Iterator[Metric]:
    """No figure where nobody audits: 0 would say that all survive. `now` in seconds since the epoch."""
    what = (
        "VMs that would not survive the loss of nodes, by what is lost and by how sure that is, as of the last audit."
    )
    vms = GaugeMetricFamily("vmdrift_vms_not_surviving", what, labels=["lost", "fate"])
    what = "The share of the sets of nodes that could be lost so that the last audit had the time to judge."
    judged = GaugeMetricFamily("vmdrift_audit_judged_ratio", what, labels=["lost"])
    for loss in audit.losses if audit else ():
        for fate, number in (("down", loss.down), ("perhaps", loss.perhaps), ("unknown", loss.unknown)):
            vms.add_metric([loss.lost, fate], number)
        judged.add_metric([loss.lost], loss.judged / loss.sets if loss.sets else 1.0)
    yield from (vms, judged)
    ages = {
        "vmdrift_audit_age_seconds": ("How long ago the last audit was begun.", lambda one: max(0.0, now - one.at)),
        "vmdrift_audit_overdue_seconds": (
            "How long ago the next audit was to begin; 0 while it is not due.",
            lambda one: max(0.0, now - one.next_at),
        ),
        "vmdrift_audit_duration_seconds": ("How long the last audit took.", lambda one: one.took),
        "vmdrift_audit_vms": ("VMs that ought to run, as of the last audit.", lambda one: float(one.vms)),
    }
    for name, (what, value) in ages.items():
        gauge = GaugeMetricFamily(name, what)
        if audit:
            gauge.add_metric([], value(audit))
        yield gauge
