"""The node comes back: before the window ends nothing was ever touched; afterwards what was begun is finished."""

import pytest

from reactor.model.drift import Policy
from simulator.scene import Scene, Storage, Vm
from simulator.shapes import node
from tests.support.virtual import Play

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")


def _lost(*vms: Vm, network: bool = False, policy: Policy | None = None) -> Play:
    play = Play.of(Scene(_NODES, vms), policy)
    (play.world.hypervisor.cut_network if network else play.world.hypervisor.power_cut)(LOST)
    return play


def _back(play: Play, *, network: bool = False) -> None:
    (play.world.hypervisor.restore_network if network else play.world.hypervisor.power_on)(LOST)


@pytest.mark.parametrize("network", [False, True], ids=["power", "network"])
@pytest.mark.parametrize("after", [60, 200, 300, 335])
def test_a_node_that_is_back_before_the_window_ends_cancels_everything_once_its_vms_run(
    after: float, *, network: bool
) -> None:
    play = _lost(Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST), network=network)
    play.world.run_for(after)
    _back(play, network=network)
    assert play.until_ended(limit=5 if network else 30)
    assert {play.story("db"), play.story("web")} == {("cancelled", "node-returned")}
    assert (play.running("db"), play.running("web")) == ([LOST], [LOST])
    play.world.run_for(900)  # three windows
    assert play.auditor.deletions == []
    assert play.outages() == []
    assert (play.running("db"), play.running("web")) == ([LOST], [LOST])
    assert play.news("db") == ["scheduled", "cancelled"]
    play.check()


def test_a_node_that_is_back_before_it_was_missed_is_no_outage() -> None:
    play = _lost(Vm("web", node=LOST))
    play.world.run_for(20)
    _back(play)
    play.world.run_for(900)  # three windows
    assert (play.records, play.auditor.deletions) == ([], [])


@pytest.mark.parametrize("after", [10, 100, 300, 355])
@pytest.mark.parametrize("detach", ["wait", "delete"])
def test_a_node_that_is_back_after_the_release_lets_its_vms_complete(after: float, detach: str) -> None:
    play = _lost(Vm("db", Storage.RBD_BLOCK, node=LOST), policy=Policy(detach=detach))
    assert play.until("db", ("released", "force-deleted"))
    play.world.run_for(after)
    _back(play)
    assert play.until_ended(limit=120)
    assert play.story("db") == ("completed", "running-elsewhere")
    assert len(play.auditor.deleted("pods")) == 1
    play.world.run_for(120)
    assert play.outages() == []
    assert len(play.running("db")) == 1
    play.check()


def test_a_flap_restarts_the_window() -> None:
    play = _lost(Vm("web", node=LOST, toleration=10))
    for _ in range(3):
        play.world.run_for(250)
        _back(play)
        play.world.run_for(30)
        assert play.auditor.deletions == []
        play.world.hypervisor.power_cut(LOST)
    assert play.until("web", ("completed", "running-elsewhere"))
    outages = sorted(record.drift.outage.since for record in play.records)
    assert len(set(outages)) == 4
    (deletion,) = play.auditor.deletions
    assert deletion.at >= outages[-1] + 300
    assert [record.reason for record in play.records if record.drift.outage.since != outages[-1]] == [
        "node-returned"
    ] * 3
    play.check()


def test_a_kubelet_that_says_it_is_not_ready_is_alive_and_left_alone() -> None:
    play = _lost(Vm("web", node=LOST))
    play.world.run_for(100)
    found = play.world.store.get("nodes", LOST)
    conditions = [c | ({"status": "False"} if c["type"] == "Ready" else {}) for c in found["status"]["conditions"]]
    kubelet = play.world.api.client("system:nodes")
    play.world.remove(play.world.actor("node-lifecycle"))
    kubelet.patch("nodes", LOST, {"status": {"conditions": conditions}}, subresource="status")
    play.world.run_for(900)
    assert play.story("web") == ("blocked", "kubelet-reports-not-ready")
    assert play.auditor.deletions == []


def test_a_node_replaced_under_its_name_is_another_node() -> None:
    play = _lost(Vm("web", node=LOST, toleration=10))
    play.world.run_for(100)
    admin = play.world.api.client("admin")
    old = admin.get("nodes", LOST)
    admin.delete("nodes", LOST)
    admin.create("nodes", {"metadata": {"name": LOST, "labels": old["metadata"]["labels"]}, "status": old["status"]})
    play.world.run_for(30)
    (first,) = [r for r in play.records if r.drift.outage.node.uid == old["metadata"]["uid"]]
    assert first.reason == "node-replaced"
    assert play.auditor.deletions == []


@pytest.mark.parametrize("replaced", [False, True])
def test_a_drift_does_not_end_before_its_vm_really_runs_again(*, replaced: bool) -> None:
    """Kubernetes issue 122960: the kubelet is back and never ends the launcher."""
    play = _lost(Vm("web", node=LOST))
    admin = play.world.api.client("system:admin")
    (pod,) = [pod for pod in admin.list("pods", "default") if pod["spec"].get("nodeName") == LOST]
    admin.patch("pods", pod["metadata"]["name"], {"metadata": {"finalizers": ["example.com/x"]}}, "default")
    play.world.run_for(340)
    if replaced:
        admin.delete("nodes", LOST)
        admin.create("nodes", node(LOST, 0))
    _back(play)
    assert play.until("web", ("blocked", "not-running-again"), limit=400)
    assert (play.running("web"), "example.com/x" in play.record("web").sentence) == ([], True)
    play.world.run_for(600)
    assert (play.story("web"), len(play.outages())) == (("blocked", "not-running-again"), 1)
    admin.patch("pods", pod["metadata"]["name"], {"metadata": {"finalizers": None}}, "default")
    assert play.until("web", ("cancelled", "node-replaced" if replaced else "node-returned"), limit=120)
    assert len(play.running("web")) == 1
    play.world.run_for(120)
    assert (play.outages(), play.auditor.deletions) == ([], [])
