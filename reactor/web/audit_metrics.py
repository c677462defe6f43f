"""Metrics of the last audit: how many VMs would not survive the loss of nodes, and how old that figure is."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from reactor.model.audit import Audit


def audited(audit: Audit | None, now: float) -> Iterator[Metric]:
    """No figure where nobody audits: 0 would say that all survive. `now` in seconds since the epoch."""
    what = "VMs that would not survive the loss of nodes, by what is lost and how sure that is, as of the last audit."
    vms = GaugeMetricFamily("vmdrift_vms_not_surviving", what, labels=["lost", "fate"])
    what = "The share of the sets of nodes that could be lost so that the last audit had the time to judge."
    judged = GaugeMetricFamily("vmdrift_audit_judged_ratio", what, labels=["lost"])
    for loss in audit.losses if audit else ():
        for fate, number in (("down", loss.down), ("perhaps", loss.perhaps), ("unknown", loss.unknown)):
            vms.add_metric([loss.lost, fate], number)
        judged.add_metric([loss.lost], loss.judged / loss.sets if loss.sets else 1.0)
    yield from (vms, judged)
    for name, (about, value) in _figures(audit, now).items():
        gauge = GaugeMetricFamily(f"vmdrift_audit_{name}", about)
        if value is not None:
            gauge.add_metric([], value)
        yield gauge


def _figures(audit: Audit | None, now: float) -> Mapping[str, tuple[str, float | None]]:
    """Name -> what it is, and the figure."""
    age, overdue = (max(0.0, now - audit.at), max(0.0, now - audit.next_at)) if audit else (None, None)
    return {
        "age_seconds": ("How long ago the last audit was begun.", age),
        "overdue_seconds": ("For how long the next audit has been due; 0 while it is not.", overdue),
        "duration_seconds": ("How long the last audit took.", audit.took if audit else None),
        "vms": ("VMs that ought to run, as of the last audit.", audit.vms if audit else None),
    }
