"""A VM whose recovery has ended is put back onto the dead node: by the scheduler, which takes it for alive."""

import pytest

from reactor.model.drift import Policy
from reactor.model.intervention import CANCEL, Intervention
from reactor.model.node import OUT_OF_SERVICE, node_view
from simulator.client import Obj
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_fenced_for_nothing import with_bmcs
from tests.behaviour.test_interventions import asks
from tests.support.virtual import Play

FIRST = "node-a"
NODES = (FIRST, "node-b", "node-c", "node-d", "node-e", "node-f")
COMPLETED = ("completed", "running-elsewhere")


OTHERS = tuple(Vm(f"on-{name}", node=name) for name in NODES[1:])  # so the dead node is the emptiest


class _Lost:
    """The first node is dead, still looks Ready, and its VM runs elsewhere by now: on `second`."""

    def __init__(self, storage: Storage = Storage.CONTAINER_DISK) -> None:
        scene, policy = Scene(NODES, (Vm("vm", storage, node=FIRST), *OTHERS)), Policy(fencing=("redfish",))
        self.play = Play.of(scene, policy, watchers=2, waker=True, suspects=True)
        with_bmcs(self.play)
        self.play.world.run_for(45)
        self.admin = self.play.world.api.client("system:admin")
        self.play.world.hypervisor.power_cut(FIRST)
        assert self.play.until("vm", COMPLETED, limit=40)
        (self.second,) = self.play.running("vm")

    @property
    def deleted(self) -> list[str]:
        """Launchers of this VM."""
        return [name for name in self.play.auditor.deleted("pods") if "virt-launcher-vm-" in name]

    def lose_the_second(self) -> None:
        """And so the VM is put back onto the first, whose taint somebody takes away, as SNR, FAR and Harvester do."""
        self.play.world.hypervisor.power_cut(self.second)
        assert self.play.world.run(self._is_put_back, 40)
        assert node_view(self.play.world.store.get("nodes", FIRST)).ready == "True"

    def _is_put_back(self) -> bool:
        taints = self.admin.get("nodes", FIRST)["spec"].get("taints") or []
        others = [taint for taint in taints if taint["key"] != OUT_OF_SERVICE]
        if others != taints:
            self.admin.patch("nodes", FIRST, {"spec": {"taints": others or None}})
        return bool(self.launcher.get("spec", {}).get("nodeName") == FIRST)

    @property
    def launcher(self) -> Obj:
        """Of the VM's present instance; {} without one."""
        vmi = self.play.world.store.find("virtualmachineinstances", "vm", "default")
        pods = self.play.world.store.objects("pods").values()
        return next((pod for pod in pods if vmi and _owner(pod) == vmi["metadata"]["uid"]), {})


def _owner(pod: Obj) -> str:
    return next((str(ref["uid"]) for ref in pod["metadata"].get("ownerReferences") or ()), "")


@pytest.mark.parametrize("storage", [Storage.CONTAINER_DISK, Storage.RBD_BLOCK])
def test_one_whose_second_node_is_lost_too_does_not_stay_on_the_first(storage: Storage) -> None:
    lost = _Lost(storage)
    lost.lose_the_second()
    assert lost.play.world.run(lambda: lost.play.running("vm") not in ([], [FIRST], [lost.second]), 200)
    lost.play.world.run_for(60)
    assert {(record.phase.value, record.reason) for record in lost.play.records} == {COMPLETED}
    events = [event for _, event in lost.play.reactor.store.events() if event["subject"] == "default/vm"]
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids)), "two events under one id"
    of_the_first = [event["type"] for event in events if event["data"].get("node") == FIRST]
    assert of_the_first.count("io.vmdrift.vm.drift.released") == 2
    lost.play.check()


def test_when_redis_loses_everything_meanwhile_it_is_the_same() -> None:
    lost = _Lost()
    lost.lose_the_second()
    lost.play.reactor.flush()
    assert lost.play.world.run(lambda: lost.play.running("vm") not in ([], [FIRST], [lost.second]), 200)
    lost.play.check()


def test_what_a_person_cancelled_stays_where_it_is_put_back() -> None:
    lost = _Lost()
    outage = next(record.drift.outage.id for record in lost.play.records)
    asks(lost.play, Intervention(CANCEL, "vm/default/vm", "ann", "leave it", lost.play.world.now, outage=outage))
    lost.lose_the_second()
    deleted = lost.deleted
    lost.play.world.run_for(600)
    assert lost.deleted == deleted
    reasons = {(r.drift.outage.node.name, r.drift.vm.name): r.reason for r in lost.play.records}
    assert reasons[FIRST, "vm"] == "cancelled-by-hand"


@pytest.mark.parametrize("storage", [Storage.CONTAINER_DISK, Storage.RBD_BLOCK])
def test_one_that_tolerates_every_taint_is_moved_once_kubevirt_takes_no_vm_to_the_dead_node(storage: Storage) -> None:
    """No taint keeps it away; KubeVirt's label does, once virt-handler was not heard for five minutes."""
    scene = Scene(NODES, (Vm("vm", storage, node=FIRST), *OTHERS))
    play = Play.of(scene, Policy(fencing=("redfish",)), watchers=2, waker=True, suspects=True)
    with_bmcs(play)
    tolerant = {"spec": {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}}
    play.world.api.client("system:admin").patch("virtualmachines", "vm", tolerant, "default")
    play.world.run_for(45)
    play.world.hypervisor.power_cut(FIRST)
    assert play.world.run(lambda: play.story("vm")[0] == "starting", 100)
    assert play.story("vm") == ("starting", "waiting-for-running")
    assert "on node-a" in play.record("vm").sentence
    assert play.until("vm", COMPLETED, limit=400)
    assert play.running("vm") not in ([], [FIRST])
    assert len(play.auditor.deleted("pods")) == 2
    play.check()
