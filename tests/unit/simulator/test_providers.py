"""Providers that lie, remember too much, hit another machine or may not; and certificates that run out."""

from math import inf

import pytest

from simulator.actors.objects import condition
from simulator.actors.remediator import Remediator
from simulator.api.refusing import forbid
from simulator.client import ApiError
from simulator.http.certificates import Certificates, one_after_another
from simulator.scene import Scene, Vm, staged
from simulator.world import World

NODES = ("node-a", "node-b", "node-c")
LOST = NODES[0]
_KIND = "fenceagentsremediations"


@pytest.fixture
def world() -> World:
    return staged(Scene(NODES, tuple(Vm(f"vm-{node}", node=node) for node in NODES)))


def _remediated(world: World, name: str = LOST) -> str:
    """Ask for it; what Succeeded says in the end."""
    admin = world.api.client("system:admin")
    admin.create(_KIND, {"metadata": {"name": name, "namespace": "fencing"}, "spec": {}})
    world.run_for(10)
    told: str = condition(admin.get(_KIND, name, "fencing"), "Succeeded")["status"]
    admin.delete(_KIND, name, "fencing")
    world.run_for(10)
    return told


def _remediator(world: World, **more: object) -> None:
    operator = Remediator(world.api.client("system:admin"), world.hypervisor)
    vars(operator).update(more)
    world.add(operator)


def _on(world: World) -> list[str]:
    return [name for name, machine in world.hypervisor.machines.items() if machine.powered]


def test_a_remediation_that_lies_has_succeeded_and_hits_nobody(world: World) -> None:
    _remediator(world, lies=True)
    assert _remediated(world) == "True"
    assert _on(world) == [*NODES]
    assert world.hypervisor.stops == []


def test_a_remediation_that_remembers_an_earlier_boot_says_so_of_the_next_one(world: World) -> None:
    _remediator(world, remembers=True)
    assert (_remediated(world), _on(world)) == ("True", ["node-b", "node-c"])
    world.hypervisor.power_on(LOST)
    world.run_for(60)
    assert (_remediated(world), _on(world)) == ("True", [*NODES])
    assert (_remediated(world, "node-b"), _on(world)) == ("True", [LOST, "node-c"])


def test_a_remediation_with_the_wrong_plug_hits_another_machine(world: World) -> None:
    _remediator(world, plugs={LOST: "node-b"})
    assert (_remediated(world), _on(world)) == ("True", [LOST, "node-c"])
    assert [stop.node for stop in world.hypervisor.stops] == ["node-b"]


def test_what_is_forbidden_is_refused_in_the_usual_words_until_it_is_allowed_again(world: World) -> None:
    allow = forbid(world.api, "ann", verb="create", resource=_KIND)
    ann, made = world.api.client("ann"), {"metadata": {"name": LOST, "namespace": "fencing"}}
    assert ann.list(_KIND) == []
    with pytest.raises(ApiError, match='User "ann" cannot create resource "fenceagentsremediations"') as caught:
        ann.create(_KIND, made)
    assert caught.value.code == 403
    world.api.client("bob").create(_KIND, {"metadata": {"name": "node-b", "namespace": "fencing"}})
    allow()
    ann.create(_KIND, made)


def _ready(world: World) -> list[str]:
    nodes = world.api.client("system:admin").list("nodes")
    return [node["metadata"]["name"] for node in nodes if condition(node, "Ready")["status"] == "True"]


def _heartbeats(world: World) -> dict[str, str]:
    nodes = world.api.client("system:admin").list("nodes")
    return {node["metadata"]["name"]: node["metadata"]["annotations"]["kubevirt.io/heartbeat"] for node in nodes}


def _beats(world: World, seconds: float) -> list[str]:
    """Who beats in that time."""
    before = _heartbeats(world)
    world.run_for(seconds)
    return [name for name, beat in _heartbeats(world).items() if beat != before[name]]


@pytest.mark.parametrize("token", [600.0, inf])
def test_certificates_that_run_out_silence_one_node_after_another_and_end_no_vm(world: World, token: float) -> None:
    ends = one_after_another(NODES, world.now + 100, 300)
    assert list(ends.values()) == [world.now + 100, world.now + 400, world.now + 700]
    world.add(Certificates(world.hypervisor, ends, token))
    assert _ready(world) == [*NODES]
    world.run_for(200)
    assert _ready(world) == ["node-b", "node-c"]
    world.run_for(600)
    assert _ready(world) == []
    assert _beats(world, 200) == ([*NODES] if token == inf else ["node-b", "node-c"])
    assert _on(world) == [*NODES]
    assert all(world.hypervisor.running(("default", f"vm-{node}")) == [node] for node in NODES)


def test_a_certificate_that_was_renewed_holds(world: World) -> None:
    world.add(Certificates(world.hypervisor, one_after_another([LOST], world.now + 10, 0)))
    world.run_for(100)
    world.hypervisor.start_kubelet(LOST)
    world.run_for(5000)
    assert LOST in _ready(world)
