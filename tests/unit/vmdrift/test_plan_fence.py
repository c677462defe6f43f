"""What `vmdrift plan` says of a fence of the node: for whom, and who is stopped with it."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from simulator.scene import Storage, Vm
from tests.unit.vmdrift.plans import LOST, change, read, world_of
from vmdrift.plan.fence import FencePreview, fence_of

REDFISH = Policy(fencing=("event", "redfish"))
WEB, LICENCE = Vm("web", node=LOST), Vm("licence", node=LOST, pinned=True)


def planned(*vms: Vm, policy: Policy = REDFISH) -> FencePreview | None:
    return fence_of(read(world_of(*vms)), LOST, policy)


def test_the_vms_that_it_is_for_and_those_that_it_stops_are_named() -> None:
    found = planned(WEB, LICENCE, Vm("shared", Storage.RBD_SHARED, node=LOST))
    assert found
    assert found.as_object() == {
        "provider": "redfish",
        "releases": ["default/shared", "default/web"],
        "bystanders": [{"vm": "default/licence", "reason": "pinned-to-node"}],
        "refused": "",
    }
    assert found.sentence == (
        "redfish would be asked to fence it, for default/shared, default/web. "
        "Stopped with it, and not moved: default/licence (pinned-to-node)."
    )


@pytest.mark.parametrize(
    ("vms", "policy", "why"),
    [
        ((LICENCE,), REDFISH, "no VM would be released by it; not moved: default/licence (pinned-to-node)."),
        ((WEB,), replace(REDFISH, mode="observe"), "this installation's policy is observe."),
        (
            (WEB, LICENCE),
            replace(REDFISH, fence_bystanders="refuse"),
            "VMDRIFT_FENCE_BYSTANDERS is refuse, and it would stop default/licence (pinned-to-node).",
        ),
    ],
)
def test_why_it_would_not_be_fenced_is_said(vms: tuple[Vm, ...], policy: Policy, why: str) -> None:
    found = planned(*vms, policy=policy)
    assert found
    assert found.sentence == f"redfish would not be asked to fence it: {why}"


@pytest.mark.parametrize("fencing", [(), ("event",), ("network-fence",)])
def test_where_nobody_would_be_asked_nothing_is_said(fencing: tuple[str, ...]) -> None:
    assert planned(WEB, policy=Policy(fencing=fencing)) is None


def test_a_node_that_opts_out_is_fenced_all_the_same_unless_nodes_may() -> None:
    world = world_of(WEB)
    change(world, "nodes", LOST, {"metadata": {"annotations": {"vmdrift.io/fencing": "none"}}})
    assert fence_of(read(world), LOST, REDFISH) == planned(WEB)
    assert fence_of(read(world), LOST, replace(REDFISH, nodes_may_opt_out=True)) is None
