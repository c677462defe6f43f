"""Where VMs could go is found out once for those that ask for the same, and is what the judgement says of each."""

from typing import Any

import pytest

from reactor.model.drift import Policy, Record
from simulator.scene import Storage, Vm
from simulator.world import World
from tests.unit.vmdrift.plans import change, read, world_of
from vmdrift.plan import judge
from vmdrift.plan import targets as module
from vmdrift.plan.audit import audited
from vmdrift.plan.lost_surroundings import LostSurroundings
from vmdrift.plan.what_if import IfLost
from workers.decide import candidates
from workers.decide.observation import Observation
from workers.decide.placement import targets as among
from workers.observe.cache import Surroundings
from workers.observe.parse import pod_view

_HOST = "kubernetes.io/hostname"
_IN_Y = {"key": _HOST, "operator": "In", "values": ["node-c", "node-d"]}


def _required(*terms: dict[str, Any]) -> dict[str, Any]:
    terms_of = [{"matchExpressions": [term]} for term in terms]
    return {
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms_of}}
        }
    }


def _apart(group: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"group": group}}, "topologyKey": _HOST}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


TOLERANT = {"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]}
SPREAD = {
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": _HOST,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"group": "s"}},
        }
    ]
}
VMS = (
    *(Vm(f"plain-{node}", node=f"node-{node}") for node in "abcd"),
    Vm("rack", node="node-c", template=_required(_IN_Y)),
    Vm("elsewhere", node="node-a", template=_required({**_IN_Y, "operator": "NotIn"})),
    Vm("tolerant", node="node-a", template=TOLERANT),
    Vm("pinned", node="node-b", pinned=True),
    Vm("local", Storage.LOCAL, node="node-b"),
    Vm("mirrored", Storage.HWAMEISTOR_HA, node="node-b"),
    Vm("disk", Storage.RBD_BLOCK, node="node-c"),
    Vm("state", Storage.PERSISTENT_STATE, node="node-c"),
    Vm("apart", node="node-d", namespace="apart", template=_apart("g"), labels={"group": "g"}),
    Vm("kept-apart", node="node-a", namespace="apart", labels={"group": "g"}),
    Vm("spread", node="node-d", namespace="spread", template=SPREAD, labels={"group": "s"}),
)


@pytest.fixture(scope="module")
def world() -> World:
    world = world_of(*VMS)
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    change(world, "nodes", "node-d", {"spec": {"taints": [taint]}})
    return world


def _plain(observation: Observation, record: Record, _: IfLost) -> tuple[str, ...]:
    return tuple(node.name for node in candidates(observation, record)) if observation.vm else ()


def test_they_are_those_of_the_judgement_itself_for_every_vm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {str(fate.vm): fate for audit in audited(read(world), Policy()) for fate in audit.fates}
    monkeypatch.setattr(judge, "targets", _plain)
    plain = {str(fate.vm): fate for audit in audited(read(world), Policy()) for fate in audit.fates}
    assert found == plain
    assert len({fate.targets for fate in found.values()}) > 6
    assert (found["default/rack"].targets, found["default/elsewhere"].targets) == ((), ("node-b",))
    assert found["default/tolerant"].targets == ("node-b", "node-c", "node-d")


def test_those_that_ask_for_the_same_are_judged_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def noting(*args: Any) -> Any:
        asked.append(args)
        return among(*args)

    monkeypatch.setattr(module, "among", noting)
    there = read(world)
    audited(there, Policy())
    plain = [fate for audit in audited(there, Policy()) for fate in audit.fates if fate.vm.name.startswith("plain")]
    assert {fate.vm.name: len(fate.targets) for fate in plain} == {
        "plain-a": 2,
        "plain-b": 2,
        "plain-c": 2,
        "plain-d": 3,
    }
    assert 0 < len(asked) < len(VMS)


@pytest.mark.parametrize("node", ["node-a", "node-d"])
@pytest.mark.parametrize("released", [False, True])
def test_what_is_parsed_once_for_all_nodes_is_what_each_would_read(world: World, node: str, *, released: bool) -> None:
    """Nodes, Leases, and neighbours: those of the lost node are leaving, or gone once they were released."""
    there = read(world)
    lost = IfLost.of(there, node, Policy())
    launchers = [pod for page in lost.pages("pods", fields=f"spec.nodeName={node}") for pod in page.items]
    lost = lost.after([pod_view(pod) for pod in launchers]) if released else lost
    shared, own = LostSurroundings(lost), Surroundings(lambda: lost.now)
    for namespace in ("default", "apart", "spread"):
        assert shared.neighbours(lost, namespace) == own.neighbours(lost, namespace)
        assert shared.repelling(lost, namespace) == own.repelling(lost, namespace)
    assert (shared.nodes(lost), shared.renewals(lost)) == (own.nodes(lost), own.renewals(lost))
    assert {pod.leaving for pod in own.neighbours(lost, "apart") if pod.node == node} == (set() if released else {True})
