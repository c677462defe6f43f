"""What `vmdrift audit --any K` and `--zone` print, and how they end."""

import io

import pytest

from reactor.model.drift import Policy
from simulator.scene import Storage, Vm
from tests.unit.vmdrift.plans import LOST, change, read, world_of
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.survival import LostTogether, any_of, survival, zones
from vmdrift.plan.survive import as_object, exit_code, show
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.terminal import Terminal

WEB, LICENCE = Vm("web", node=LOST), Vm("licence", node=LOST, pinned=True)
POLICY = Policy(max_unreachable="60%")


def _there(*vms: Vm) -> ClusterSnapshot:
    world = world_of(*vms)
    for name, zone in (("node-a", "x"), ("node-b", "x"), ("node-c", "y"), ("node-d", "y")):
        change(world, "nodes", name, {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}})
    return read(world)


def _judged(there: ClusterSnapshot, number: int) -> list[LostTogether]:
    nodes = audited(there, POLICY)
    return survival(any_of(nodes, number) if number else zones(nodes), nodes, FreeRoom.of(there), POLICY)


def _shown(there: ClusterSnapshot, judged: list[LostTogether], what: str = "any 2 nodes") -> str:
    out = io.StringIO()
    show(Terminal(file=out, width=160), there, what, judged)
    return out.getvalue()


def test_where_every_vm_runs_again_that_is_all_that_is_said() -> None:
    there = _there(WEB, Vm("db", Storage.RBD_BLOCK, node="node-b"))
    judged = _judged(there, 2)
    assert exit_code(judged) == 0
    assert _shown(there, judged).strip() == "5 of 5 losses of any 2 nodes leave every VM running again."
    told = as_object(there, POLICY, judged)
    assert told["summary"] == {"runs": 5, "perhaps": 0, "down": 0, "unknown": 0}
    assert told["sets"] == []


@pytest.mark.parametrize("number", [1, 2, 0])
def test_what_leaves_a_vm_down_is_named_with_why_and_what_to_do(number: int) -> None:
    there = _there(WEB, LICENCE)
    judged = _judged(there, number)
    assert exit_code(judged) == 1
    shown = _shown(there, judged)
    assert "down: default/licence" in shown
    assert "-> " in shown
    sets = as_object(there, POLICY, judged)["sets"]
    assert {casualty["vm"] for one in sets for casualty in one["casualties"]} == {"default/licence"}
    assert {one["fate"] for one in sets} == {"down"}


def test_many_are_shown_in_part_and_counted_in_full() -> None:
    there = _there(LICENCE, Vm("other", node="node-b", pinned=True), Vm("third", node="node-c", pinned=True))
    judged = _judged(there, 2)
    twice = [*judged, *judged]
    assert f"and {len(twice) - 10} more, with --json." in _shown(there, twice)


def test_where_no_node_has_a_zone_it_says_so() -> None:
    there = read(world_of(WEB))
    assert "no node has a zone" in _shown(there, _judged(there, 0))
    assert exit_code([]) == 0
