"""Nothing is final but success, a person's word and the node's return: what was refused is looked at again, cheaply."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.adapters.rq import RUN_DRIFT
from reactor.model.intervention import CANCEL, Intervention
from simulator.client import Client
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_interventions import asks
from tests.support.auditor import WORKERS
from tests.support.virtual import Play

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
REFUSED = ("refused", "pinned-to-node")
GPU = {"spec": {"template": {"spec": {"nodeSelector": {"gpu": "yes"}}}}}


def _lost(*vms: Vm) -> tuple[Play, Client]:
    play = Play.of(Scene(NODES, vms))
    play.world.hypervisor.power_cut(LOST)
    return play, play.world.api.client("system:admin")


def _patch(resource: str, name: str, body: dict[str, Any], space: str = "") -> Callable[[Client], object]:
    return lambda admin: admin.patch(resource, name, body, space)


@pytest.mark.parametrize(
    ("vm", "first", "then", "reason"),
    [
        (
            Vm("vm", node=LOST, pinned=True),
            None,
            _patch("virtualmachines", "vm", {"spec": {"template": {"spec": {"nodeSelector": None}}}}, "default"),
            "pinned-to-node",
        ),
        (
            Vm("vm", node=LOST),
            _patch("virtualmachines", "vm", GPU, "default"),
            _patch("nodes", "node-b", {"metadata": {"labels": {"gpu": "yes"}}}),
            "pinned-to-node",
        ),
        (
            Vm("vm", node=LOST),
            _patch("namespaces", "default", {"metadata": {"annotations": {"vmdrift.io/policy": "never"}}}),
            _patch("namespaces", "default", {"metadata": {"annotations": None}}),
            "policy-never",
        ),
        (
            Vm("vm", node=LOST, run_strategy="Manual"),
            None,
            _patch("virtualmachines", "vm", {"spec": {"runStrategy": "Always"}}, "default"),
            "run-strategy",
        ),
        (
            Vm("vm", Storage.LOCAL, node=LOST),
            None,
            _patch("virtualmachines", "vm", {"spec": {"template": {"spec": {"volumes": None}}}}, "default"),
            "node-local-volume",
        ),
    ],
    ids=["unpinned", "a node gets the label", "the namespace's policy", "the run strategy", "another disk"],
)
def test_what_a_refusal_was_decided_on_changes_and_the_vm_runs(
    vm: Vm, first: Callable[[Client], object] | None, then: Callable[[Client], object], reason: str
) -> None:
    play, admin = _lost(vm)
    if first:
        first(admin)
    assert play.until("vm", ("refused", reason), limit=600)
    play.world.run_for(1000)
    assert play.story("vm") == ("refused", reason)
    then(admin)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)
    play.check()


def test_a_vm_that_is_stopped_and_started_again_is_moved() -> None:
    play, admin = _lost(Vm("vm", node=LOST))
    play.world.run_for(330)
    admin.patch("virtualmachines", "vm", {"spec": {"runStrategy": "Halted"}}, "default")
    assert play.until("vm", ("cancelled", "vm-stopped"), limit=100)
    admin.patch("virtualmachines", "vm", {"spec": {"runStrategy": "Always"}}, "default")
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)


def test_one_that_could_not_start_in_time_and_does_later_is_told() -> None:
    play, _ = _lost(Vm("vm", node=LOST))
    scheduler = next(actor for actor in play.world.actors if actor.name == "scheduler")
    play.world.run_for(300)
    play.world.remove(scheduler)
    assert play.until("vm", ("failed", "start-deadline"), limit=2400)
    play.world.add(scheduler)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)


def _adopted(play: Play, admin: Client) -> None:
    """kubectl delete vm --cascade=orphan, and the VM made anew: it adopts the instance."""
    store = play.world.store
    old = admin.get("virtualmachines", "vm", "default")
    key = next(key for key in store.objects("virtualmachines") if key[-1] == "vm")
    del store.objects("virtualmachines")[key]
    meta = {"name": "vm", "namespace": "default"}
    made = admin.create("virtualmachines", {"spec": old["spec"], "metadata": meta})
    for vmi in store.objects("virtualmachineinstances").values():
        for owner in vmi["metadata"]["ownerReferences"]:
            owner["uid"] = made["metadata"]["uid"]


@pytest.mark.parametrize(("vm", "at"), [(Vm("vm", node=LOST), 120), (Vm("vm", node=LOST, pinned=True), 600)])
def test_a_vm_that_is_made_anew_under_its_name_has_a_drift_of_its_own(vm: Vm, at: int) -> None:
    play, admin = _lost(vm)
    play.world.run_for(at)
    _adopted(play, admin)
    if vm.pinned:
        admin.patch("virtualmachines", "vm", {"spec": {"template": {"spec": {"nodeSelector": None}}}}, "default")
    assert play.until("vm", ("completed", "running-elsewhere"), limit=1200)
    assert sorted(record.reason for record in play.records) == ["running-elsewhere", "vm-deleted"]
    play.check()


def _asked(vms: tuple[Vm, ...], seconds: float) -> int:
    """How many requests the drifts of VMs that stay refused send meanwhile."""
    play, _ = _lost(*vms)
    assert all(play.until(vm.name, REFUSED, ("refused", "node-local-volume"), limit=600) for vm in vms)
    play.world.run_for(10)
    before = play.reactor.requests[RUN_DRIFT]
    play.world.run_for(seconds)
    return play.reactor.requests[RUN_DRIFT] - before


@pytest.mark.parametrize("storage", [Storage.CONTAINER_DISK, Storage.LOCAL])
def test_a_look_at_what_stays_refused_costs_two_requests_at_most_and_what_all_share(storage: Storage) -> None:
    four, nine = (
        _asked(tuple(Vm(f"vm-{n}", storage, node=LOST, pinned=True) for n in range(count)), 1500) for count in (4, 9)
    )
    looks, workers, shared = 5, 2, 7
    assert 0 < nine - four <= 5 * looks * 2
    assert four <= looks * (4 * 2 + workers * shared)


def test_a_refusal_is_told_once_and_counts_when_its_outage_is_over() -> None:
    play, _ = _lost(Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "never"}))
    assert play.until("vm", ("refused", "policy-never"), limit=600)
    play.world.run_for(3000)
    assert (play.news("vm"), play.record("vm").down, play.reactor.store.took()) == (["scheduled", "refused"], True, {})
    assert len([change for change in play.reactor.store.changes if change.phase == "refused"]) == 1
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(400)
    assert play.running("vm") == [LOST]
    assert (play.record("vm").ended, play.record("vm").down, play.outages()) == (True, False, [])
    assert play.reactor.store.took()["ended refused"] == 1.0
    assert play.news("vm") == ["scheduled", "refused"]


def test_a_person_can_give_up_a_refused_drift_and_that_is_an_end() -> None:
    play, admin = _lost(Vm("vm", node=LOST, pinned=True))
    assert play.until("vm", REFUSED, limit=600)
    store, outage = play.reactor.store, play.record("vm").drift.outage.id
    asks(play, Intervention(CANCEL, "vm/default/vm", "ann", "it is to stay", play.world.now, outage=outage))
    assert play.until("vm", ("cancelled", "cancelled-by-hand"), limit=400)
    admin.patch("virtualmachines", "vm", {"spec": {"template": {"spec": {"nodeSelector": None}}}}, "default")
    play.world.run_for(1000)
    assert (play.story("vm"), store.took()["ended cancelled"]) == (("cancelled", "cancelled-by-hand"), 1.0)


def test_whoever_wakes_what_is_refused_before_its_time_costs_it_nothing_of_its_own() -> None:
    play, admin = _lost(Vm("vm", node=LOST, pinned=True))
    assert play.until("vm", REFUSED, limit=600)
    play.world.api.audit.clear()
    due = play.record("vm").again_at
    for _ in range(4):
        play.world.run_for(50)
        play.reactor.again()
    asked = {entry.resource for entry in play.world.api.audit if entry.user == WORKERS}
    assert (asked, play.record("vm").again_at) == ({"nodes", "configmaps"}, due)
    admin.patch("virtualmachines", "vm", {"spec": {"template": {"spec": {"nodeSelector": None}}}}, "default")
    assert play.until("vm", ("completed", "running-elsewhere"), limit=150)
