"""What would become of each VM of a node, and why."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import BadInput
from simulator.scene import FOR_EVER, ClaimPod, Kind, Storage, Vm
from tests.unit.vmdrift.plans import LOST, NODES, change, fate, fates_in, planned, read, world_of
from vmdrift.plan import exit_code
from vmdrift.plan.judge import Outcome

AUTO = Policy()
LEAVE = Policy(tenants_may=("detach",))


@pytest.mark.parametrize(
    ("vm", "reason"),
    [
        (Vm("vm", Storage.LOCAL, node=LOST), "node-local-volume"),
        (Vm("vm", Storage.HWAMEISTOR_ONE, node=LOST), "node-local-volume"),
        (Vm("vm", Storage.HOST_DISK, node=LOST), "node-local-volume"),
        (Vm("vm", Storage.OTHER_CSI, node=LOST), "unsupported-storage"),
        (Vm("vm", Storage.RBD_SHARED, node=LOST), "shared-volume-not-fenced"),
        (Vm("vm", Storage.NO_ATTACH, node=LOST), "shared-volume-not-fenced"),
        (Vm("vm", node=LOST, pinned=True), "pinned-to-node"),
        (Vm("vm", node=LOST, run_strategy="Manual"), "run-strategy"),
        (Vm("vm", node=LOST, kind=Kind.VMI), "bare-instance"),
        (Vm("vm", node=LOST, toleration=FOR_EVER), "not-terminating"),
        (Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "never"}), "policy-never"),
        (Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "observe"}), "observe-only"),
    ],
)
def test_a_vm_that_would_stay_down_is_told_with_its_reason(vm: Vm, reason: str) -> None:
    found = fate(vm)
    assert (found.outcome, found.reason) == (Outcome.STAYS, reason)
    assert found.sentence
    assert reason in found.objections
    assert found.takes is None
    assert exit_code([found]) == 1


def test_every_objection_is_told_and_not_the_first_only() -> None:
    found = fate(Vm("vm", Storage.LOCAL, node=LOST, pinned=True, toleration=FOR_EVER, run_strategy="Manual"))
    assert list(found.objections) == ["node-local-volume", "run-strategy", "not-terminating"]


def test_a_vm_that_would_move_is_told_with_all_nodes_that_it_could_go_to() -> None:
    found = fate(Vm("vm", node=LOST))
    assert (found.outcome, found.reason, found.sentence) == (Outcome.MOVES, "", "")
    assert found.targets == found.room == NODES[1:]
    assert found.objections == {}
    assert exit_code([found]) == 0


def test_a_node_that_is_cordoned_or_forbidden_to_the_vm_is_no_target() -> None:
    world = world_of(Vm("vm", node=LOST))
    change(world, "nodes", "node-b", {"spec": {"unschedulable": True}})
    change(world, "nodes", "node-c", {"spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}})
    (found,) = planned(world)
    assert found.targets == ("node-d",)


@pytest.mark.parametrize(
    ("vm", "policy", "total"),
    [
        (Vm("vm", node=LOST), AUTO, (305.0, 305.0)),
        (Vm("vm", node=LOST, running=True), AUTO, (305.0, 305.0)),
        (Vm("vm", node=LOST, toleration=900), AUTO, (905.0, 905.0)),
        (Vm("vm", node=LOST, toleration=10), replace(AUTO, unreachable_window=60.0), (185.0, 185.0)),
        (Vm("vm", Storage.RBD_BLOCK, node=LOST), AUTO, (665.0, 665.0)),
        (Vm("vm", Storage.RBD_HOTPLUGGED, node=LOST), AUTO, (665.0, 665.0)),
        (Vm("vm", Storage.RBD_BLOCK, node=LOST), replace(AUTO, detach="delete"), (305.0, 365.0)),
        (Vm("vm", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}), LEAVE, (305.0, 365.0)),
        (Vm("vm", Storage.RBD_READONLY_MANY, node=LOST), AUTO, (305.0, 305.0)),
        (Vm("vm", node=LOST, toleration=FOR_EVER), replace(AUTO, delete_unevicted=True), (305.0, 305.0)),
    ],
)
def test_the_windows_are_added_up(vm: Vm, policy: Policy, total: tuple[float, float]) -> None:
    takes = fate(vm, policy=policy).takes
    assert takes is not None
    assert takes.total == total


def test_a_claim_that_another_pod_of_the_node_uses_would_hold_the_vm_back_after_its_release() -> None:
    found = fate(Vm("vm", Storage.RBD_BLOCK, node=LOST), pods=(ClaimPod("backup", "vm-disk", LOST),))
    assert (found.outcome, found.reason) == (Outcome.STAYS, "claim-used-by-pod")
    assert "backup" in found.sentence


def test_losing_one_node_more_than_allowed_would_move_nothing() -> None:
    world = world_of(Vm("vm", node=LOST))
    world.hypervisor.power_cut("node-b")
    world.run_for(120)
    (found,) = planned(world)
    assert (found.outcome, found.reason) == (Outcome.STAYS, "too-many-nodes-lost")
    (found,) = planned(world, policy=replace(AUTO, max_unreachable="2"))
    assert found.outcome is Outcome.MOVES


def test_a_zone_in_which_kubernetes_would_stop_evicting_is_reckoned_with() -> None:
    nodes = tuple(f"node-{letter}" for letter in "abcdefghij")
    world = world_of(Vm("vm", node=LOST), nodes=nodes)
    for name in nodes[:4]:
        change(world, "nodes", name, {"metadata": {"labels": {"topology.kubernetes.io/zone": "one"}}})
    for name in nodes[1:3]:
        world.hypervisor.power_cut(name)
    world.run_for(120)
    (found,) = planned(world)
    assert (found.outcome, found.reason) == (Outcome.STAYS, "not-terminating")
    assert "NoExecute" in found.sentence


def test_a_node_that_is_lost_already_is_judged_by_its_own_outage() -> None:
    world = world_of(Vm("vm", Storage.RBD_BLOCK, node=LOST), Vm("held", Storage.LOCAL, node=LOST))
    world.hypervisor.power_cut(LOST)
    world.run_for(70)
    assert [(found.vm.name, found.outcome) for found in planned(world)] == [("held", "stays"), ("vm", "moves")]
    world.run_for(600)
    assert [(found.vm.name, found.outcome) for found in planned(world)] == [("held", "stays"), ("vm", "moves")]


def test_a_vm_that_runs_elsewhere_or_was_stopped_is_not_affected() -> None:
    world = world_of(Vm("vm", node=LOST))
    change(world, "virtualmachines", "vm", {"spec": {"runStrategy": "Halted"}}, "default")
    found = fates_in(read(world))
    assert [(one.outcome, one.reason) for one in found] == [(Outcome.UNAFFECTED, "vm-stopped")]
    assert exit_code(found) == 0


def test_a_node_without_vms_is_told_as_such() -> None:
    assert planned(world_of(Vm("vm", node=LOST)), "node-b") == []


def test_an_unknown_node_is_answered_with_those_of_similar_names() -> None:
    with pytest.raises(BadInput, match=r"there is no node 'node-x'\. Did you mean node-"):
        planned(world_of(), "node-x")


def test_planning_asks_only_and_changes_nothing() -> None:
    world = world_of(Vm("vm", Storage.RBD_BLOCK, node=LOST))
    world.api.before_reads("leases")  # the controller manager's own is renewed by being read
    before = len(world.api.audit)
    planned(world)
    assert {entry.verb for entry in list(world.api.audit)[before:]} == {"list"}
