"""What `plan` tells of a healthy node is what happens when the node is then lost. By night only.

By day random VMs show it (tests/properties/test_plan.py).
"""

import pytest

from reactor.model.drift import Phase, Policy
from simulator.scene import FOR_EVER, ClaimPod, Kind, Scene, Storage, Vm
from tests.support.virtual import Play
from tests.unit.vmdrift.plans import LOST, NODES, planned
from vmdrift.plan.judge import Outcome

pytestmark = pytest.mark.nightly

SLACK = 15.0  # seconds: looks and the CSI attacher
VMS = [
    *(Vm("vm", storage, node=LOST) for storage in Storage),
    Vm("vm", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
    Vm("vm", Storage.TWO_DISKS, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
    Vm("vm", node=LOST, toleration=FOR_EVER),
    Vm("vm", node=LOST, toleration=700),
    Vm("vm", node=LOST, pinned=True),
    Vm("vm", node=LOST, run_strategy="Manual"),
    Vm("vm", node=LOST, run_strategy="RerunOnFailure"),
    Vm("vm", node=LOST, kind=Kind.VMI),
    Vm("vm", node=LOST, kind=Kind.REPLICA_SET),
    Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "observe"}),
    Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "never"}),
]


@pytest.mark.parametrize("vm", VMS, ids=str)
def test_the_plan_comes_true(vm: Vm) -> None:
    leave = Policy(tenants_may=("detach",))
    play = Play.of(Scene(NODES, (vm,)), leave)
    (told,) = planned(play.world, policy=leave)
    play.world.hypervisor.power_cut(LOST)
    play.until_ended(2400)
    (record,) = play.records
    if told.outcome is Outcome.STAYS:
        assert record.reason == told.reason
        assert play.auditor.deletions == []
        return
    assert record.phase is Phase.COMPLETED
    assert vm.kind is Kind.REPLICA_SET or record.target in told.targets
    assert told.takes is not None
    least, most = told.takes.total
    spent = (record.ended_at or 0.0) - record.drift.outage.since
    assert least - told.takes.start <= spent <= most + SLACK


def test_a_claim_in_use_holds_the_vm_back_as_told() -> None:
    play = Play.of(Scene(NODES, (Vm("vm", Storage.RBD_BLOCK, node=LOST),), (ClaimPod("backup", "vm-disk", LOST),)))
    (told,) = planned(play.world)
    play.world.hypervisor.power_cut(LOST)
    play.until_ended(2400)
    assert play.story("vm")[1] == told.reason == "claim-used-by-pod"
