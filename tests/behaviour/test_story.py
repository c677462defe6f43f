"""The whole story in virtual time, with the real windows: a node loses power and each VM goes its way.

Every play ends with `Play.check`: nothing was deleted without its uid, before the window's end, twice, or of a living
node, and no VM ran twice. Times are seconds from the power cut; the node turns Unknown after 40-55 of them.
"""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from simulator.scene import DEMO, Scene, Storage, Vm
from simulator.scene import LOST as DEMO_LOST
from tests.support.branches import seeds
from tests.support.virtual import Play

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
_DELETE = {"vmdrift.io/detach": "delete"}


def _lost(*vms: Vm, policy: Policy | None = None, seed: int = 0) -> Play:
    """These VMs' node has just lost power."""
    play = Play.of(Scene(NODES, vms), policy, seed)
    play.world.hypervisor.power_cut(LOST)
    return play


def _ended_after(play: Play) -> float:
    begin = play.world.now
    assert play.until_ended()
    return play.world.now - begin


def _drift_requests(play: Play) -> int:
    return play.reactor.requests["workers.rq.run_drift"]


@seeds(5)
def test_a_vm_without_a_disk_of_its_own_runs_elsewhere_within_six_minutes(seed: int) -> None:
    play = _lost(Vm("vm", node=LOST), seed=seed)
    assert 340 < _ended_after(play) < 360
    assert play.story("vm") == ("completed", "running-elsewhere")
    assert play.running("vm") != []
    assert play.running("vm") == [play.record("vm").target]
    assert _drift_requests(play) <= 42
    assert len(play.auditor.deletions) == 1
    play.check()


def test_what_is_told_of_a_drift_is_its_story_in_order_each_kind_once() -> None:
    play = _lost(Vm("vm", node=LOST))
    play.until_ended()
    assert [kind for kind in play.news("vm") if kind != "blocked"] == ["scheduled", "released", "detached", "completed"]
    ids = [event["id"] for _, event in play.reactor.store.events()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("storage", [Storage.RBD_BLOCK, Storage.RBD_FILESYSTEM, Storage.RBD_HOTPLUGGED])
@seeds(3)
def test_a_vm_on_rbd_waits_for_the_forced_detach_and_is_told_as_soon_as_it_runs(storage: Storage, seed: int) -> None:
    play = _lost(Vm("vm", storage, node=LOST), seed=seed)
    _ended_after(play)
    released_at = play.record("vm").released_at
    assert released_at is not None
    assert 359 < play.world.now - released_at < 375
    assert play.story("vm") == ("completed", "running-elsewhere")
    assert play.auditor.deleted("volumeattachments") == []
    assert play.running("vm") == [play.record("vm").target]
    assert _drift_requests(play) <= (167 if storage is Storage.RBD_HOTPLUGGED else 107)
    play.check()


@pytest.mark.parametrize("storage", [Storage.RBD_BLOCK, Storage.RBD_FILESYSTEM, Storage.RBD_HOTPLUGGED])
@seeds(3)
def test_a_vm_on_rbd_whose_attachment_may_be_deleted_runs_within_a_minute(storage: Storage, seed: int) -> None:
    play = _lost(Vm("vm", storage, node=LOST, annotations=_DELETE), policy=Policy(tenants_may=("detach",)), seed=seed)
    _ended_after(play)
    released_at = play.record("vm").released_at
    assert released_at is not None
    assert play.world.now - released_at < 75
    assert play.story("vm") == ("completed", "running-elsewhere")
    assert [deletion.resource for deletion in play.auditor.deletions] == ["pods", "volumeattachments"]
    assert _drift_requests(play) <= 135
    play.check()


@pytest.mark.parametrize(
    ("vm", "story"),
    [
        (Vm("vm", Storage.LOCAL, node=LOST), ("refused", "node-local-volume")),
        (Vm("vm", node=LOST, pinned=True), ("refused", "pinned-to-node")),
        (Vm("vm", node=LOST, run_strategy="Manual"), ("refused", "run-strategy")),
        (Vm("vm", Storage.RBD_SHARED, node=LOST), ("blocked", "shared-volume-not-fenced")),
        (Vm("vm", node=LOST, toleration=86400), ("blocked", "not-terminating")),
    ],
)
def test_a_vm_that_may_not_move_is_never_touched_and_starts_when_its_node_is_back(
    vm: Vm, story: tuple[str, str]
) -> None:
    play = _lost(vm)
    play.world.run_for(3600)
    assert play.story("vm") == story
    assert play.auditor.deletions == []
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(120)
    assert play.record("vm").phase.is_end
    assert play.outages() == []
    assert play.auditor.deletions == []
    assert play.running("vm") == ([] if vm.run_strategy == "Manual" else [LOST])
    play.check()


def test_a_vm_that_may_not_move_is_told_once() -> None:
    play = _lost(Vm("vm", Storage.LOCAL, node=LOST))
    play.world.run_for(3600)
    assert play.news("vm") == ["scheduled", "refused"]


def test_observing_changes_nothing_ever_and_says_what_it_would_do() -> None:
    play = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST), Vm("web", node=LOST), policy=Policy(mode="observe"))
    play.world.run_for(3600)
    assert play.auditor.deletions == []
    for vm in ("vm", "web"):
        assert play.story(vm) == ("blocked", "observe-only")
        assert play.record(vm).sentence.startswith("Only observing. Would now force-delete pod default/virt-launcher-")
    play.check()


def test_a_vm_without_another_node_waits_until_one_is_there() -> None:
    play = Play.of(Scene((LOST, "node-b"), (Vm("vm", node=LOST),)), Policy())
    play.world.api.client("admin").patch("nodes", "node-b", {"spec": {"unschedulable": True}})
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(600)
    assert play.story("vm") == ("blocked", "too-few-nodes")
    play.world.api.client("admin").patch("nodes", "node-b", {"spec": {"unschedulable": None}})
    assert play.until("vm", ("completed", "running-elsewhere"), limit=60)
    play.check()


def test_the_demo_ends_with_every_vm_where_it_should_be() -> None:
    play = Play.of(DEMO, Policy(tenants_may=("detach",)))
    play.world.hypervisor.power_cut(DEMO_LOST)
    assert play.until_ended()
    assert {record.drift.vm.name: record.reason for record in play.records} == {
        "web": "running-elsewhere",
        "database": "running-elsewhere",
        "queue": "running-elsewhere",
        "files": "running-elsewhere",
        "scratch": "node-local-volume",
        "licence": "pinned-to-node",
    }
    assert len(play.auditor.deleted("volumeattachments")) == 1
    play.check()


def test_two_nodes_lost_at_once_are_two_outages_that_end_side_by_side() -> None:
    vms = (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("web", node="node-b"), Vm("wiki", node="node-b"))
    play = Play.of(Scene((*NODES, "node-d", "node-e"), vms))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(20)
    play.world.hypervisor.power_cut("node-b")
    assert play.until_ended()
    assert len({record.drift.outage for record in play.records}) == 2
    assert {record.reason for record in play.records} == {"running-elsewhere"}
    play.check()


def test_a_replacement_whose_node_is_lost_too_is_another_outage_of_the_same_vm() -> None:
    play = Play.of(Scene((*NODES, "node-d", "node-e"), (Vm("vm", node=LOST),)))
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"))
    second = play.record("vm").target
    play.world.hypervisor.power_cut(second)
    assert play.world.run(lambda: len(play.records) == 2 and play.until_ended(limit=0), 600)
    assert play.record("vm").drift.outage.node.name == second
    assert play.running("vm") == [play.record("vm").target]
    assert not {LOST, second} & set(play.running("vm"))
    play.check()


@pytest.mark.parametrize("storage", [Storage.CONTAINER_DISK, Storage.RBD_BLOCK])
def test_a_replacement_that_lands_on_a_node_nobody_knows_to_be_dead_runs_in_the_end(storage: Storage) -> None:
    play = Play.of(Scene((*NODES, "node-d"), (Vm("vm", storage, node=LOST),)))
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("released", "force-deleted"))
    play.world.hypervisor.power_cut("node-b")
    play.world.hypervisor.power_cut("node-c")
    assert play.world.run(lambda: play.running("vm") == ["node-d"] and play.until_ended(limit=0), 3600)
    play.check()


def test_a_node_that_is_deleted_is_no_proof_and_its_pods_are_left_to_kubernetes() -> None:
    play = _lost(Vm("vm", node=LOST))
    play.world.run_for(100)
    play.world.api.client("admin").delete("nodes", LOST)
    assert play.until("vm", ("blocked", "node-deleted"), ("completed", "running-elsewhere"), limit=400)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)
    assert play.auditor.deletions == []
    play.world.run_for(120)
    assert play.outages() == []
    play.check()


def test_an_operator_who_force_deletes_the_launcher_is_followed_to_the_end() -> None:
    play = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST))
    play.world.run_for(120)
    admin = play.world.api.client("admin")
    for pod in admin.list("pods", labels="vm.kubevirt.io/name=vm"):
        admin.delete("pods", pod["metadata"]["name"], "default", grace=0)
    assert play.until("vm", ("completed", "running-elsewhere"))
    assert play.auditor.deletions == []
    play.check()


def test_a_vm_that_is_stopped_after_its_release_is_not_waited_for() -> None:
    play = _lost(Vm("vm", Storage.RBD_BLOCK, node=LOST))
    assert play.until("vm", ("released", "force-deleted"))
    play.world.run_for(100)
    play.world.api.client("admin").patch("virtualmachines", "vm", {"spec": {"runStrategy": "Halted"}}, "default")
    assert play.until_ended()
    assert play.story("vm") == ("cancelled", "vm-stopped")
    play.check()


def test_a_shorter_window_is_kept_to_the_second() -> None:
    policy = replace(Policy(), unreachable_window=60.0, virt_handler_grace=50.0)
    play = _lost(Vm("vm", node=LOST, toleration=10), policy=policy)
    assert play.until("vm", ("released", "force-deleted"))
    assert 0 <= play.world.now - play.record("vm").drift.outage.since - 60 < 2
    play.check()
