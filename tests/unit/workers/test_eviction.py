"""The taint that begins an eviction is supposed of a node that has just been lost, and of no other."""

from dataclasses import replace

import pytest

from reactor.model.node import NodeView, node_view
from reactor.model.times import format_time
from simulator import shapes
from simulator.client import Obj
from workers.forecast.eviction import evicts, soon_tainted, unreachable

NOW = 1_800_000_000.0


def lost(ago: float, *taints: Obj) -> Obj:
    node = shapes.node("node-0", 0)
    ready = {"type": "Ready", "status": "Unknown", "lastTransitionTime": format_time(NOW - ago)}
    status = {**node["status"], "conditions": [ready]}
    return {"metadata": {**node["metadata"], "uid": "uid-0"}, "spec": {"taints": list(taints)}, "status": status}


def others(number: int, ready: str = "True") -> list[NodeView]:
    return [replace(node_view(lost(0.0)), name=f"{ready}-{each}", ready=ready) for each in range(number)]


def tainted_at(node: Obj, nodes: list[NodeView]) -> float | None:
    return node_view(soon_tainted(node, nodes, NOW)).unreachable_since


def test_one_that_was_lost_a_moment_ago_will_have_the_taint() -> None:
    node = lost(5.0)
    assert tainted_at(node, [node_view(node), *others(2)]) == NOW
    assert node["spec"]["taints"] == []  # only supposed


def test_one_that_has_it_keeps_its_own() -> None:
    node = lost(5.0, unreachable("NoExecute", NOW - 3.0))
    assert tainted_at(node, [node_view(node), *others(2)]) == NOW - 3.0


@pytest.mark.parametrize(("ago", "ready"), [(70.0, "True"), (5.0, "Unknown")])
def test_after_a_minute_or_where_most_of_a_zone_is_lost_none_is_supposed(ago: float, ready: str) -> None:
    node = lost(ago)
    nodes = [node_view(node), *others(3, ready), *others(1)]
    assert tainted_at(node, nodes) is None
    assert evicts(nodes, node_view(node)) is (ready == "True")
