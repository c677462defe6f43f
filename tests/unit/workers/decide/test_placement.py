"""Is there another node for the VM? On the recorded nodes, with templates as people write them."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.node import NodeView, Taint
from tests.unit.workers.decide.recorded import READY, node, seen, vm_of, volume
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Volume
from workers.decide.placement import Candidates, admits, placement, reaches
from workers.decide.placement.next_launcher import PlacementNeeds

_B = replace(node(name="node-b"), labels={**node(name="node-b").labels, "zone": "east", "cores": "16"})
_A, _C = node(name="node-a"), node(name="node-c")
_GPU = Taint("gpu", "yes", "NoSchedule")


def _judged(
    template: dict[str, Any], *nodes: NodeView, policy: Policy | None = None, disks: tuple[Volume, ...] = ()
) -> Verdict:
    return placement(PlacementNeeds(template), disks, Candidates(nodes, "node-a"), policy or Policy())


def _reason(
    template: dict[str, Any], *nodes: NodeView, policy: Policy | None = None, disks: tuple[Volume, ...] = ()
) -> str:
    verdict = _judged(template, *nodes, policy=policy, disks=disks)
    return verdict.reason if isinstance(verdict, Judgement) else ""


def _affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": required}}


def _rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def test_a_vm_with_no_wishes_can_run_on_any_ready_node() -> None:
    assert _judged({}, _A, _B) == Passed("It can run on node-b.")


def test_the_recorded_wish_for_the_lost_node_is_only_a_wish() -> None:
    assert _reason(dict(vm_of(seen("vm-cd")).template), _A, _B) == ""


def test_the_recorded_pinned_vm_can_run_nowhere_else() -> None:
    assert _reason(dict(vm_of(seen("vm-pin")).template), _A, _B, _C) == "pinned-to-node"


@pytest.mark.parametrize(
    ("wish", "admitted"),
    [
        ({"nodeSelector": {"zone": "east"}}, True),
        ({"nodeSelector": {"zone": "west"}}, False),
        ({"nodeSelector": {"zone": "east", "rack": "1"}}, False),
        (_affinity(_rule("zone", "In", "west", "east")), True),
        (_affinity(_rule("zone", "In", "west")), False),
        (_affinity(_rule("rack", "In", "1")), False),
        (_affinity(_rule("zone", "NotIn", "west")), True),
        (_affinity(_rule("zone", "NotIn", "east")), False),
        (_affinity(_rule("rack", "NotIn", "1")), True),
        (_affinity(_rule("zone", "Exists")), True),
        (_affinity(_rule("rack", "Exists")), False),
        (_affinity(_rule("rack", "DoesNotExist")), True),
        (_affinity(_rule("zone", "DoesNotExist")), False),
        (_affinity(_rule("cores", "Gt", "15")), True),
        (_affinity(_rule("cores", "Gt", "16")), False),
        (_affinity(_rule("zone", "Gt", "1")), False),
        (_affinity(_rule("rack", "Gt", "1")), False),
        (_affinity(_rule("cores", "Lt", "17")), True),
        (_affinity(_rule("cores", "Lt", "16")), False),
        (_affinity(_rule("cores", "Lt")), False),
        (_affinity(_rule("zone", "Like", "east")), False),
        (_affinity(_rule("zone", "In", "west"), _rule("zone", "In", "east")), True),
        (
            _affinity(
                {
                    "matchExpressions": [
                        *_rule("zone", "Exists")["matchExpressions"],
                        *_rule("rack", "Exists")["matchExpressions"],
                    ]
                }
            ),
            False,
        ),
        (_affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-b"]}]}), True),
        (_affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-a"]}]}), False),
        (_affinity({}), False),
    ],
)
def test_selectors_and_required_affinity_are_read_as_the_scheduler_reads_them(
    wish: dict[str, Any], admitted: bool
) -> None:
    assert admits(wish, _B) is admitted
    assert _reason(wish, _A, _B) == ("" if admitted else "pinned-to-node")


@pytest.mark.parametrize(
    ("toleration", "admitted"),
    [
        (None, False),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Equal", "value": "yes"}, True),
        ({"key": "gpu", "value": "yes"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu"}, False),
        ({"key": "tpu", "operator": "Exists"}, False),
        ({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_a_tainted_node_is_for_those_who_tolerate_its_taint(toleration: dict[str, str] | None, admitted: bool) -> None:
    template = {"tolerations": [toleration] if toleration else []}
    assert _reason(template, _A, replace(_B, taints=(_GPU,))) == ("" if admitted else "no-node-fits")


@pytest.mark.parametrize(
    "key", ["gpu", "node.cilium.io/agent-not-ready", "kubevirt.io/drain", "node.kubernetes.io/any"]
)
def test_no_taint_whatever_its_key_pins_a_vm_and_the_sentence_names_it(key: str) -> None:
    verdict = _judged({}, _A, replace(_B, taints=(Taint(key, "", "NoSchedule"),)))
    told = f"It could run elsewhere, but no node takes it now: node-b bears {key}:NoSchedule."
    assert verdict == Judgement("no-node-fits", told)


@pytest.mark.parametrize(
    "taint",
    [
        Taint("gpu", "", "PreferNoSchedule"),
        Taint("node.kubernetes.io/memory-pressure", "", "NoSchedule"),
        Taint("node.kubernetes.io/not-ready", "", "NoExecute"),
    ],
    ids=["preference", "tolerated", "tolerated for a while"],
)
def test_a_taint_that_is_a_preference_or_that_every_launcher_tolerates_keeps_no_vm_away(taint: Taint) -> None:
    assert _reason({}, _A, replace(_B, taints=(taint,))) == ""


def test_a_node_without_kubevirt_can_never_take_a_vm() -> None:
    assert not admits({}, replace(_B, labels={}))
    assert _reason({}, _A, replace(_B, labels={})) == "no-node-fits"


def test_a_node_whose_virt_handler_is_away_for_a_moment_is_waited_for() -> None:
    away = replace(_B, labels={**_B.labels, "kubevirt.io/schedulable": "false"})
    assert admits({}, away)
    assert _reason({}, _A, away) == "no-node-fits"
    assert _reason({}, _A, away, _C) == ""


@pytest.mark.parametrize(
    "other",
    [replace(_B, unschedulable=True), replace(_B, ready="False"), replace(_B, ready="Unknown")],
    ids=["cordoned", "not ready", "unreachable"],
)
def test_when_all_nodes_that_it_could_run_on_are_away_or_cordoned_it_waits_for_them(other: NodeView) -> None:
    elsewhere = replace(_C, labels={"kubevirt.io/schedulable": "true", "zone": "west"})
    assert _reason({"nodeSelector": {"zone": "east"}}, _A, other, elsewhere) == "no-node-fits"
    assert _reason({}, _A, other) == "too-few-nodes"


@pytest.mark.parametrize(("least", "reason"), [(1, ""), (2, ""), (3, ""), (4, "too-few-nodes")])
def test_the_lost_node_counts_among_the_available_nodes(least: int, reason: str) -> None:
    assert _reason({}, _A, _B, _C, policy=Policy(min_available_nodes=least)) == reason


def test_the_lost_node_is_no_target_even_when_it_looks_ready() -> None:
    back = node(READY, "node-a")
    assert admits({}, back)
    assert _reason({}, back) == "too-few-nodes"
    assert _reason({}, back, replace(_B, unschedulable=True), policy=Policy(min_available_nodes=1)) == "no-node-fits"


def _local(*terms: dict[str, Any], name: str = "root") -> Volume:
    """The recorded claim's volume, as if it were on these nodes only."""
    return replace(volume(), name=name, admits=terms)


@pytest.mark.parametrize(
    ("terms", "reached"),
    [
        ((), True),
        ((_rule("zone", "In", "east"),), True),
        ((_rule("zone", "In", "west"),), False),
        ((_rule("zone", "In", "west"), _rule("zone", "In", "east")), True),
        ((_rule("kubernetes.io/hostname", "In", "node-a", "node-b"),), True),
        ((_rule("kubernetes.io/hostname", "In", "node-a"),), False),
        (({},), False),
    ],
)
def test_a_volume_is_used_only_where_its_node_affinity_lets_it(
    terms: tuple[dict[str, Any], ...], reached: bool
) -> None:
    assert reaches(_local(*terms), _B) is reached
    assert _reason({}, _A, _B, disks=(_local(*terms),)) == ("" if reached else "node-local-volume")


def test_a_volume_that_admits_no_other_node_is_named_with_its_claim() -> None:
    disk = _local(_rule("kubernetes.io/hostname", "In", "node-a"), name="data")
    verdict = _judged({}, _A, _B, _C, disks=(volume(), disk))
    assert isinstance(verdict, Judgement)
    assert verdict.sentence == "Volume data (claim rbd-disk, volume run1-rbd-disk) admits no node but node-a."


def test_wishes_and_volumes_must_agree_on_one_node() -> None:
    west = replace(_C, labels={**_C.labels, "zone": "west"})
    assert _reason({"nodeSelector": {"zone": "west"}}, _A, _B, west, disks=(_local(_rule("zone", "In", "west")),)) == ""
    verdict = _judged({"nodeSelector": {"zone": "west"}}, _A, _B, west, disks=(_local(_rule("zone", "In", "east")),))
    assert isinstance(verdict, Judgement)
    assert verdict.reason == "pinned-to-node"
    assert "and its volumes together" in verdict.sentence


def test_every_volume_must_reach_the_node() -> None:
    east, west = _local(_rule("zone", "In", "east")), _local(_rule("zone", "In", "west"), name="data")
    west_node = replace(_C, labels={**_C.labels, "zone": "west"})
    assert _reason({}, _A, _B, west_node, disks=(east, west)) == "pinned-to-node"


def test_a_volume_whose_only_other_node_is_away_is_waited_for() -> None:
    disk = _local(_rule("zone", "In", "east"))
    assert _reason({}, _A, replace(_B, ready="Unknown"), _C, disks=(disk,)) == "no-node-fits"
