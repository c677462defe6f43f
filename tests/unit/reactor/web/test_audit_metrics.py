"""What /metrics says of the last audit, and that it says nothing where nobody audits."""

from dataclasses import replace

from prometheus_client.core import Metric

from reactor.model.audit import Audit, Loss
from reactor.web.audit_metrics import audited

NOW = 10_000.0
AUDIT = Audit(
    NOW - 540.0, NOW + 3060.0, 2.5, "auto", 12, 340, 0, (Loss("any-1", 12, 12, 7, 2, 1), Loss("any-2", 66, 33))
)


def told(audit: Audit | None) -> dict[str, dict[tuple[str, ...], float]]:
    return {metric.name: _samples(metric) for metric in audited(audit, NOW)}


def _samples(metric: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in metric.samples}


def test_where_nobody_audits_there_is_no_figure_and_each_name_is_there() -> None:
    assert [samples for samples in told(None).values() if samples] == []
    assert told(None).keys() == told(AUDIT).keys()


def test_each_loss_has_its_vms_by_how_sure_that_is_and_the_share_that_was_judged() -> None:
    found = told(AUDIT)
    assert found["vmdrift_vms_not_surviving"] == {
        ("any-1", "down"): 7,
        ("any-1", "perhaps"): 2,
        ("any-1", "unknown"): 1,
        ("any-2", "down"): 0,
        ("any-2", "perhaps"): 0,
        ("any-2", "unknown"): 0,
    }
    assert found["vmdrift_audit_judged_ratio"] == {("any-1",): 1.0, ("any-2",): 0.5}
    assert found["vmdrift_audit_vms"] == {(): 340}


def test_how_old_it_is_and_for_how_long_the_next_one_is_due() -> None:
    found = told(AUDIT)
    assert (found["vmdrift_audit_age_seconds"], found["vmdrift_audit_overdue_seconds"]) == ({(): 540.0}, {(): 0.0})
    assert found["vmdrift_audit_duration_seconds"] == {(): 2.5}
    late = told(replace(AUDIT, next_at=NOW - 90.0))
    assert late["vmdrift_audit_overdue_seconds"] == {(): 90.0}
