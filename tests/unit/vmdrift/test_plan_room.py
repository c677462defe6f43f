"""Free-room arithmetic, as the scheduler does it. Room is told and blocks nothing."""

from typing import Any

import pytest

from reactor.adapters.kubernetes.quantities import quantity
from simulator.scene import Vm
from simulator.world import World
from tests.unit.vmdrift.plans import LOST, NODES, change, planned, world_of
from vmdrift.plan.free_room import requests
from vmdrift.plan.judge import Outcome

GI = 1024**3


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("1", 1000),
        ("100m", 100),
        ("0.5", 500),
        ("1k", 1_000_000),
        ("50M", 50_000_000_000),
        ("544Mi", 544 * 1024**2 * 1000),
        ("1E", 10**21),
        ("12e6", 12_000_000_000),
        ("1n", 1),  # rounded up, as the API server does
        ("0", 0),
        ("1e999999999", 2**63 * 1000),  # beyond that the API server cuts it off
    ],
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str, thousandths: int) -> None:
    assert quantity(text) == thousandths


@pytest.mark.parametrize("text", ["", "a", "1Qi", "--1", "NaN", "-Infinity"])
def test_what_is_no_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        quantity(text)


def _container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("inits", "cpu"),
    [
        ([], 300),
        ([_container("200m")], 300),
        ([_container("2")], 2000),
        ([_container("50m", restartPolicy="Always")], 350),
    ],
)
def test_a_pod_asks_for_its_containers_or_its_greediest_init_container(inits: list[Any], cpu: int) -> None:
    spec = {"containers": [_container("100m"), _container("200m")], "initContainers": inits}
    assert requests({"spec": spec}) == {"cpu": cpu, "pods": 1000}


def test_the_overhead_of_its_runtime_class_counts() -> None:
    spec = {"containers": [_container("100m")], "overhead": {"cpu": "250m", "memory": "1Gi"}}
    assert requests({"spec": spec}) == {"cpu": 350, "memory": GI * 1000, "pods": 1000}


def _shrunk(world: World, memory: dict[str, str]) -> None:
    for name, amount in memory.items():
        change(world, "nodes", name, {"status": {"allocatable": {"memory": amount}}}, subresource="status")


def test_only_nodes_with_room_are_named_as_such_and_the_vm_would_move_all_the_same() -> None:
    world = world_of(Vm("vm", node=LOST))
    _shrunk(world, {"node-b": "543Mi", "node-c": "544Mi"})
    (found,) = planned(world)
    assert found.outcome is Outcome.MOVES
    assert found.targets == NODES[1:]
    assert found.room == ("node-c", "node-d")


def test_what_already_runs_on_a_node_takes_its_room() -> None:
    world = world_of(Vm("vm", node=LOST), Vm("there", node="node-b"))
    _shrunk(world, {"node-b": "1087Mi"})
    (found,) = planned(world)
    assert found.room == ("node-c", "node-d")


def test_the_last_ones_of_a_node_that_do_not_fit_any_more_are_told() -> None:
    world = world_of(*(Vm(f"vm-{number}", node=LOST) for number in range(4)))
    _shrunk(world, {"node-b": "600Mi", "node-c": "1100Mi", "node-d": "10Mi"})
    found = planned(world)
    assert [one.place for one in found] == ["node-b", "node-c", "node-c", ""]
    assert all(one.room == ("node-b", "node-c") for one in found)
    assert all(one.outcome is Outcome.MOVES for one in found)


def test_a_device_that_a_node_does_not_have_is_no_room() -> None:
    world = world_of(Vm("vm", node=LOST))
    change(
        world, "nodes", "node-b", {"status": {"allocatable": {"devices.kubevirt.io/kvm": "0"}}}, subresource="status"
    )
    (found,) = planned(world)
    assert found.room == ("node-c", "node-d")
