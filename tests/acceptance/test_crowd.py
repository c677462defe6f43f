"""Fifty VMs on the lost node."""

from collections.abc import Callable

import pytest

from tests.acceptance.sites import Site

VMS = 50


@pytest.mark.timeout(300)
def test_fifty_vms_are_moved_with_one_delete_each(
    site: Callable[[int], Site], record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = site(VMS)
    names = sorted(cluster.demo.expected)
    cluster.start("reactor watch", "workers events", "workers scheduler", "workers drifts", "workers drifts")
    cluster.demo.cut_power()

    cluster.wait_for("completed", *names)

    deletes = cluster.deletes("pods")
    assert len(names) == VMS
    assert len({entry["name"] for entry in deletes}) == len(deletes) == VMS
    assert all(entry["uid_precondition"] for entry in deletes)
    assert {entry["code"] for entry in deletes} == {200}
    truth = cluster.truth()
    assert truth["twice"] == []
    assert all(len(truth["running"][name]) == 1 for name in names)

    requests = len(cluster.audit()) / VMS
    since = next(iter(cluster.records().values())).drift.outage.since
    window = float(cluster.demo.env["VMDRIFT_UNREACHABLE_WINDOW"])
    late = max(entry["time"] for entry in deletes) - since - window
    record_property("requests per drift", requests)
    record_property("seconds from the window's end to the last DELETE", late)
    with capsys.disabled():
        print(f"\n{requests:.1f} requests per drift, last DELETE {late:.1f} s after the window's end")  # noqa: T201 - figures for whoever reads the log
