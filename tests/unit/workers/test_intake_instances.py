"""Whose is a launcher pod of the lost node: a VM's, nobody's, a ReplicaSet's; and what its node said last."""

import pytest

from reactor.model.event import unreachable
from reactor.model.identity import INSTANCE, Outage, VmRef
from reactor.model.node import node_view
from simulator.client import Obj
from simulator.scene import Kind, Scene, Vm
from tests.support.virtual import Play
from workers.intake.outage import take_event

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")
_VMIS = "virtualmachineinstances"


def _lost(*vms: Vm) -> Play:
    """These VMs' node was lost a minute ago; the reactor knows nothing of it and does nothing by itself."""
    play = Play.of(Scene(_NODES, vms))
    play.world.remove(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    return play


def _outage(play: Play) -> Outage:
    lost = node_view(play.world.store.get("nodes", LOST)).outage
    assert lost is not None
    return lost


def _told(play: Play) -> list[VmRef]:
    """Whose drifts there are once the outage was told."""
    play.take(unreachable(_outage(play), "test"))
    return sorted((record.drift.vm for record in play.records), key=str)


def _instance(play: Play, name: str) -> Obj:
    """The VM instance whose name begins so."""
    found = play.world.api.client("test").list(_VMIS)
    return next(vmi for vmi in found if vmi["metadata"]["name"].startswith(name))


def _orphaned(play: Play, name: str) -> None:
    """The VM is gone and its instance is left."""
    admin = play.world.api.client("admin")
    admin.patch("virtualmachines", name, {"metadata": {"finalizers": None}}, "default")
    admin.delete("virtualmachines", name, "default")


def test_a_launcher_of_a_vm_is_the_vms() -> None:
    play = _lost(Vm("db", node=LOST))
    uid = play.world.store.get("virtualmachines", "db", "default")["metadata"]["uid"]
    assert _told(play) == [VmRef("default", "db", uid)]


def test_an_instance_without_a_vm_has_a_drift_of_its_own_so_that_somebody_is_told() -> None:
    play = _lost(Vm("bare", node=LOST, kind=Kind.VMI))
    uid = _instance(play, "bare")["metadata"]["uid"]
    assert _told(play) == [VmRef("default", "bare", uid, INSTANCE)]
    assert play.record("bare").vmi_uid == uid
    assert play.news("bare") == ["scheduled"]


def test_an_instance_of_a_replica_set_knows_its_owner() -> None:
    play = _lost(Vm("web", node=LOST, kind=Kind.REPLICA_SET))
    meta = _instance(play, "web")["metadata"]
    assert _told(play) == [VmRef("default", meta["name"], meta["uid"], INSTANCE, "web")]


def test_an_instance_whose_vm_was_deleted_is_nobodys_to_start_again() -> None:
    play = _lost(Vm("db", node=LOST), Vm("web", node=LOST))
    _orphaned(play, "web")
    assert [vm.name for vm in _told(play)] == ["db"]


@pytest.mark.parametrize("kind", [Kind.VMI, Kind.REPLICA_SET])
def test_a_launcher_whose_instance_is_gone_or_another_one_is_nobodys(kind: Kind) -> None:
    play = _lost(Vm("web", node=LOST, kind=kind))
    vmi = _instance(play, "web")
    table = play.world.store.objects(_VMIS)
    key = "default", vmi["metadata"]["name"]
    table[key] = {**vmi, "metadata": {**vmi["metadata"], "uid": "another"}}
    assert _told(play) == []
    del table[key]
    assert _told(play) == []


def test_told_again_an_instance_gets_no_second_drift() -> None:
    play = _lost(Vm("bare", node=LOST, kind=Kind.VMI), Vm("web", node=LOST, kind=Kind.REPLICA_SET))
    assert _told(play) == _told(play)
    assert len(play.records) == 2


def test_what_the_node_said_last_is_kept_with_every_new_drift() -> None:
    play = _lost(Vm("db", node=LOST), Vm("web", node=LOST))
    _told(play)
    for record in play.records:
        assert record.signs is not None
        assert record.signs.since == play.world.now
        assert record.signs.alive == ""
        lease = play.world.store.get("leases", LOST, "kube-node-lease")
        assert record.signs.lease == lease["spec"]["renewTime"]
        assert record.signs.heartbeat == node_view(play.world.store.get("nodes", LOST)).heartbeat


def test_what_is_known_of_it_does_not_change_when_the_outage_is_told_again() -> None:
    play = _lost(Vm("db", node=LOST))
    _told(play)
    signs = play.record("db").signs
    play.world.run_for(30)
    _told(play)
    assert play.record("db").signs == signs


def test_a_deleted_node_says_nothing() -> None:
    play = _lost(Vm("db", node=LOST))
    outage = _outage(play)
    play.world.api.client("admin").delete("nodes", LOST)
    take_event(unreachable(outage, "test"), play.reactor.tools)
    assert play.record("db").signs is None
