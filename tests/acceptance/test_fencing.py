"""A person proves a node dead, by the command line, against real processes that have no more than their own rights."""

from pathlib import Path

import orjson
import pytest

from reactor.adapters.kubernetes.cluster import KubernetesCluster, connect
from reactor.model.node import NodeView, node_view
from tests.acceptance.examined import checks
from tests.support.commands import Done, eventually, vmdrift
from tests.support.forked import ForkedProcesses
from tests.support.redis_users import denied, guarded
from tests.support.sites import Site

ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts", "workers fencing")
VMS = ("crowd/vm-000", "crowd/vm-001")
SETTINGS = {
    "VMDRIFT_FENCING": "event",
    "VMDRIFT_UNREACHABLE_WINDOW": "600",
    "VMDRIFT_VIRT_HANDLER_GRACE": "600",
}


def _run(site: Site, *words: str) -> Done:
    return vmdrift(*words, env=site.env("operator"))


def _lost(cluster: KubernetesCluster, site: Site) -> NodeView:
    found = cluster.find("nodes", site.demo.lost)
    assert found
    return node_view(found)


def _drilled(site: Site) -> None:
    """The fencing role does it by itself, and a person at once."""
    eventually("nodes are drilled", lambda: orjson.loads(_run(site, "status", "--json").out).get("drills"))
    by_hand = vmdrift("doctor", "--fencing", "--json", env={**site.env("fencing"), **SETTINGS})
    found = checks(by_hand)["fence drill", "taint"]
    assert (found["status"], "healthy nodes passed" in found["sentence"]) == ("ok", True)


@pytest.mark.long(25)
@pytest.mark.timeout(200)
def test_a_node_is_confirmed_to_be_off_and_its_vms_run_elsewhere_long_before_any_window(
    folder: Path,
) -> None:
    with ForkedProcesses(folder) as processes:
        users = guarded(processes, folder)
        site = Site(processes, folder, len(VMS), users)
        cluster, lost = connect(str(site.demo.kubeconfig("admin")), 5.0), site.demo.lost
        site.start(*ROLES, **SETTINGS)
        _drilled(site)
        refused = _run(site, "confirm-off", lost, "--i-checked", "a look at it")
        assert (refused.code, refused.out) == (1, "")
        assert f"{lost} is Ready: Kubernetes still receives its heartbeats." in refused.err
        assert _run(site, "taint", lost).code == 1
        assert _run(site, "unfence", lost, "--i-checked", "x").code == 1

        site.demo.cut_power()
        site.wait_for("waiting", *VMS)
        told = _run(site, "confirm-off", lost, "--i-checked", "its lamp is out", "--json")
        assert (told.code, told.err) == (0, "")
        assert orjson.loads(told.out)["result"]["reason"] == "claimed"
        site.wait_for("completed", *VMS)
        eventually("the taint is taken back", lambda: not _lost(cluster, site).out_of_service)
        assert {drift["proof"] for drift in site.drifts().values()} == {"fenced"}
        shown = _run(site, "status").out
        assert (
            "its lamp is out" in shown or "one by one" in shown
        )  # where an eviction comes soon: it lives 30 times faster
        assert len(site.deletes("pods")) == len(VMS)
        assert site.deletes("volumeattachments") == []

        site.demo.ask(do="power_on", node=lost)
        eventually("the node is back", lambda: _lost(cluster, site).ready == "True")
        assert site.truth()["twice"] == []
        assert denied(users["tester"]) == []
        assert {entry["resource"] for entry in site.audit() if entry["code"] == 403} <= {"kubevirts"}  # doctor
