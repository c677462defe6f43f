"""Of every node, who would not survive its loss, and what to change."""

from dataclasses import replace

import orjson
import pytest

from reactor.model.drift import Policy
from reactor.model.reason import REASONS
from simulator.scene import FOR_EVER, Storage, Vm
from simulator.world import World
from tests.unit.vmdrift.plans import LOST, NODES, change, read, world_of
from vmdrift.plan.advice import BEFOREHAND
from vmdrift.plan.audit import NO_ROOM, AuditFinding, as_object, audited, findings
from vmdrift.plan.judge import Outcome


def _found(world: World, policy: Policy | None = None) -> dict[str, AuditFinding]:
    there, policy = read(world), policy or Policy()
    return {one.code: one for one in findings(there, policy, audited(there, policy))}


@pytest.mark.parametrize(
    ("vm", "code"),
    [
        (Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "never"}), "policy-never"),
        (Vm("vm", node=LOST, annotations={"vmdrift.io/policy": "observe"}), "observe-only"),
        (Vm("vm", node=LOST, toleration=FOR_EVER), "not-terminating"),
        (Vm("vm", Storage.RBD_SHARED, node="node-b"), "shared-volume-not-fenced"),
        (Vm("vm", Storage.LOCAL, node="node-c"), "node-local-volume"),
    ],
)
def test_a_finding_names_the_vm_and_what_to_change(vm: Vm, code: str) -> None:
    found = _found(world_of(vm, Vm("well", node="node-d")))
    assert set(found) == {code}
    assert found[code].vms == ("default/vm",)
    assert found[code].meaning == REASONS[code].meaning
    assert found[code].change.endswith(".")


def test_a_vm_on_policy_observe_is_told_even_where_something_else_stands_in_its_way() -> None:
    found = _found(world_of(Vm("vm", Storage.LOCAL, node=LOST, annotations={"vmdrift.io/policy": "observe"})))
    assert set(found) == {"node-local-volume", "observe-only"}


def test_a_cluster_too_small_for_the_setting_is_told_without_any_vm() -> None:
    assert _found(world_of(nodes=NODES[:1]))["too-few-nodes"].vms == ()
    assert "too-few-nodes" not in _found(world_of(nodes=NODES[:2]))
    small = replace(Policy(), min_available_nodes=3)
    assert _found(world_of(Vm("vm", node=LOST), nodes=NODES[:2]), small)["too-few-nodes"].vms == ("default/vm",)


def test_vms_that_would_find_no_room_are_told() -> None:
    world = world_of(Vm("vm", node=LOST), nodes=NODES[:2])
    change(world, "nodes", "node-b", {"status": {"allocatable": {"memory": "1Mi"}}}, subresource="status")
    assert _found(world)[NO_ROOM].vms == ("default/vm",)


def test_a_cluster_in_which_all_would_survive_has_no_finding() -> None:
    world = world_of(Vm("vm", Storage.RBD_BLOCK, node=LOST), Vm("web", node="node-b"))
    assert _found(world) == {}
    assert {one.outcome for node in audited(read(world), Policy()) for one in node.fates} == {Outcome.MOVES}


def test_every_node_is_there_by_name_with_its_vms() -> None:
    world = world_of(Vm("vm", Storage.LOCAL, node=LOST), Vm("web", node="node-b"))
    there, policy = read(world), Policy()
    nodes = audited(there, policy)
    told = orjson.loads(orjson.dumps(as_object(there, policy, nodes, findings(there, policy, nodes))))
    assert [node["node"] for node in told["nodes"]] == list(NODES)
    assert [vm["reason"] for node in told["nodes"] for vm in node["vms"]] == ["node-local-volume"]
    assert told["summary"] == {"moves": 1, "stays": 1, "unaffected": 0, "unknown": 0}
    assert told["findings"][0]["vms"] == ["default/vm"]


def test_advice_is_given_for_reasons_that_there_are() -> None:
    assert set(BEFOREHAND) <= set(REASONS)
