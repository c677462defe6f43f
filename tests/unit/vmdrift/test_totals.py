"""How many VMs each kind of loss is the end for: each counted once, by the worst, and the worst sets by name."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.model.audit import Loss
from reactor.model.drift import Policy
from tests.unit.vmdrift.test_survival import NAMES, node, room, vm
from vmdrift.plan.findings import NodeAudit
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.prediction import Outcome
from vmdrift.plan.survival import Fate, any_of, busiest_pairs, number_of_pairs, survival
from vmdrift.plan.totals import chosen, losses, vms

POLICY = Policy()


def found(
    nodes: list[NodeAudit], left: FreeRoom | None = None, go_on: Callable[[], bool] = lambda: True
) -> dict[str, Loss]:
    names = {audit.node.name for audit in nodes}
    rest = [node(name) for name in NAMES if name not in names]
    return {loss.lost: loss for loss in losses([*nodes, *rest], left or room(), POLICY, go_on)}


def test_where_all_would_run_again_every_figure_is_none_and_without_zones_there_is_none_of_them() -> None:
    told = found([node("node-a", vm("one")), node("node-b", vm("two"))])
    assert list(told) == ["own-node", "any-1", "any-2"]
    assert [(one.down, one.perhaps, one.unknown, one.worst) for one in told.values()] == [(0, 0, 0, ())] * 3
    assert [(one.judged, one.sets) for one in told.values()] == [(2, 2), (2, 2), (9, 9)]


def test_want_of_room_is_none_of_its_own_node_but_of_any_one() -> None:
    told = found([node("node-a", vm("one", 9.0), vm("two"))])
    assert (told["own-node"].down, told["any-1"].down, told["any-2"].down) == (0, 1, 1)
    (worst,) = told["any-1"].worst
    assert (worst.name, worst.nodes, worst.down, worst.vms) == ("node-a", ("node-a",), 1, ("shop/one",))


def test_what_only_two_lost_nodes_leave_down_is_of_any_two_and_of_their_zone() -> None:
    nodes = [
        node("node-a", vm("one", targets=("node-b",)), zone="x"),
        node("node-b", zone="x"),
        node("node-c", zone="y"),
    ]
    told = found(nodes)
    assert {lost: loss.down for lost, loss in told.items()} == {"own-node": 0, "any-1": 0, "any-2": 1, "zone": 1}
    assert [worst.name for worst in told["zone"].worst] == ["x"]


def test_each_vm_counts_once_and_by_the_worst_that_is_said_of_it() -> None:
    """`b` is perhaps without room where one node is lost, and down where its only target is lost, too."""
    left = room(0.0, b=3.0, c=2.0)
    here = node("node-a", vm("a", 2.0, ("node-b", "node-c")), vm("b", 3.0, ("node-b",)))
    told = found([here, node("node-d", vm("three", outcome=Outcome.UNKNOWN))], left)
    assert (told["any-1"].down, told["any-1"].perhaps, told["any-1"].unknown) == (0, 1, 1)
    assert (told["any-2"].down, told["any-2"].perhaps, told["any-2"].unknown) == (1, 0, 1)


@pytest.mark.parametrize("reason", ["policy-never", "observe-only"])
def test_what_somebody_chose_counts_in_no_loss_and_is_said_apart(reason: str) -> None:
    from dataclasses import replace

    wanted = replace(vm("kept", outcome=Outcome.STAYS), reason=reason)
    nodes = [node("node-a", wanted, vm("pinned", outcome=Outcome.STAYS), vm("gone", outcome=Outcome.UNAFFECTED))]
    assert (chosen(nodes), vms(nodes)) == (frozenset({"shop/kept"}), 2)
    assert {loss.down for loss in found(nodes).values()} == {1}


def test_names_are_few_however_many_vms_there_are() -> None:
    many = [node(name, *[vm(f"{name}-{n}", outcome=Outcome.STAYS) for n in range(9)]) for name in NAMES[:5]]
    told = found(many)
    assert told["own-node"].down == 45
    assert [len(loss.worst) for loss in told.values()] == [3, 3, 3]
    assert {len(worst.vms) for loss in told.values() for worst in loss.worst} == {4}


def test_the_worst_sets_come_first() -> None:
    nodes = [node("node-a", vm("one", outcome=Outcome.STAYS))]
    nodes += [node("node-b", *[vm(f"b{n}", outcome=Outcome.STAYS) for n in range(3)])]
    assert [(worst.name, worst.down) for worst in found(nodes)["any-1"].worst] == [("node-b", 3), ("node-a", 1)]


def test_pairs_that_there_is_no_time_for_are_told_and_the_busiest_nodes_come_first() -> None:
    nodes = [node("node-a", vm("one", outcome=Outcome.STAYS)), node("node-b", *[vm(f"b{n}") for n in range(2)])]
    turns = iter([True, False])
    two = found(nodes, go_on=lambda: next(turns))["any-2"]
    assert (two.judged, two.sets, two.cut) == (1, 9, True)
    assert [worst.name for worst in two.worst] == ["node-b, node-a"]
    assert not found(nodes)["any-1"].cut


_BUSY = st.lists(st.integers(0, 3), min_size=2, max_size=6)


@given(_BUSY)
def test_the_busiest_pairs_are_those_that_any_two_has_and_as_many_as_is_said(busy: list[int]) -> None:
    nodes = [node(NAMES[index], *[vm(f"{index}-{n}") for n in range(number)]) for index, number in enumerate(busy)]
    nodes.append(NodeAudit(node("gone").node.__class__("gone", "", "", 0.0), [vm("x")]))
    pairs = [frozenset(lost) for _, lost in busiest_pairs(nodes)]
    assert len(set(pairs)) == len(pairs) == number_of_pairs(nodes)
    assert set(pairs) == {frozenset(lost) for _, lost in any_of(nodes, 2)}


@given(_BUSY, st.integers(0, 6))
def test_the_totals_are_those_of_every_set_judged_by_itself(busy: list[int], cores: int) -> None:
    nodes = [node(NAMES[index], *[vm(f"{index}-{n}") for n in range(number)]) for index, number in enumerate(busy)]
    left = room(float(cores))
    judged = survival(any_of(nodes, 1), nodes, left, POLICY)
    fates = {fate: {c.vm for one in judged for c in one.casualties if c.fate is fate} for fate in Fate}
    one = {loss.lost: loss for loss in losses(nodes, left, POLICY, lambda: True)}.get("any-1", Loss("any-1", 0, 0))
    assert (one.down, one.perhaps) == (len(fates[Fate.DOWN]), len(fates[Fate.PERHAPS] - fates[Fate.DOWN]))
