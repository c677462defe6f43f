"""What is lost together, and whether all of it finds a place: what fits, what cannot, and what lies between."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.model.drift import Policy
from reactor.model.identity import VmRef
from reactor.model.node import NodeView
from vmdrift.plan.findings import NodeAudit
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.plan.survival import Fate, LostTogether, any_of, survival, zones

NAMES = ("node-a", "node-b", "node-c", "node-d", "node-e", "node-f")
CORE = 1000  # thousandths


def vm(name: str, cores: float = 1.0, targets: tuple[str, ...] = NAMES, outcome: Outcome = Outcome.MOVES) -> Prediction:
    reason = "" if outcome is Outcome.MOVES else "pinned-to-node"
    needs = {"cpu": int(cores * CORE)}
    return Prediction(VmRef("shop", name, f"uid-{name}"), outcome, reason, "It may not.", targets=targets, needs=needs)


def node(name: str, *vms: Prediction, zone: str = "") -> NodeAudit:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return NodeAudit(NodeView(name, f"uid-{name}", "True", 0.0, labels=labels), list(vms))


def room(cores: float = 4.0, **more: float) -> FreeRoom:
    return FreeRoom({name: {"cpu": int(more.get(name[-1], cores) * CORE)} for name in NAMES})


def lose(
    *names: str, nodes: list[NodeAudit], left: FreeRoom | None = None, policy: Policy | None = None
) -> LostTogether:
    rest = [node(name) for name in NAMES if name not in {audit.node.name for audit in nodes}]
    (found,) = survival([("them", names)], [*nodes, *rest], left or room(), policy or Policy())
    return found


def test_where_there_is_room_for_all_every_vm_runs_again() -> None:
    found = lose("node-a", "node-b", nodes=[node("node-a", vm("one")), node("node-b", vm("two"))])
    assert (found.fate, found.vms, found.casualties) == (Fate.RUNS, 2, ())


def test_the_other_lost_node_is_no_place_to_go() -> None:
    nodes = [node("node-a", vm("one", targets=("node-b",))), node("node-b")]
    assert lose("node-a", nodes=nodes).fate is Fate.RUNS
    (casualty,) = lose("node-a", "node-b", nodes=nodes).casualties
    assert (casualty.vm, casualty.fate) == ("shop/one", Fate.DOWN)
    assert casualty.why == "No node is left that can take it (it could go to node-b)."


def test_one_that_stays_whatever_else_is_lost_says_why_and_what_to_do() -> None:
    (casualty,) = lose("node-a", nodes=[node("node-a", vm("one", outcome=Outcome.STAYS))]).casualties
    assert (casualty.fate, casualty.why) == (Fate.DOWN, "It may not.")
    assert casualty.fix


def test_one_that_is_too_large_for_what_is_left_is_down_and_says_what_it_asks_for() -> None:
    (casualty,) = lose("node-a", nodes=[node("node-a", vm("one", 5.0))]).casualties
    assert (casualty.fate, "even alone: it asks for 5 cores" in casualty.why) == (Fate.DOWN, True)


def test_the_remedy_names_only_what_is_missing_and_where_it_is_least() -> None:
    gib = 2**30 * CORE
    big = Prediction(VmRef("shop", "one", "uid-one"), Outcome.MOVES, "", "", targets=("node-b", "node-c", "node-d"))
    needs = {"cpu": 4 * CORE, "memory": 18 * gib, "pods": CORE, "devices.kubevirt.io/kvm": CORE}
    free = {"node-b": (2, 10), "node-c": (8, 16), "node-d": (8, 15)}
    left = FreeRoom(
        {name: {**needs, "cpu": cpu * CORE, "memory": memory * gib} for name, (cpu, memory) in free.items()}
    )
    nodes = [node("node-a", replace(big, needs=needs)), *(node(name) for name in free)]
    ((casualty,),) = (one.casualties for one in survival([("a", ("node-a",))], nodes, left, Policy()))
    assert casualty.why == ("None of node-b, node-c, node-d has room for it, even alone: it asks for 18 GiB of memory.")
    assert casualty.fix == "Free 2 GiB of memory on node-c for it, or add a node."


def test_more_than_all_that_is_left_is_down_and_says_how_much_is_missing() -> None:
    many = [vm(f"vm-{number}", 3.0) for number in range(8)]
    found = lose("node-a", "node-b", nodes=[node("node-a", *many[:4]), node("node-b", *many[4:])])
    assert found.fate is Fate.DOWN
    assert {casualty.fix for casualty in found.casualties} == {"Add 8 cores."}


def test_what_first_fit_leaves_over_and_no_sum_forbids_is_perhaps() -> None:
    left = room(0.0, b=3.0, c=2.0)
    vms = (vm("a", 2.0, ("node-b", "node-c")), vm("b", 3.0, ("node-b",)))
    (casualty,) = lose("node-a", nodes=[node("node-a", *vms)], left=left).casualties
    assert (casualty.vm, casualty.fate) == ("shop/b", Fate.PERHAPS)
    assert "another order might leave some" in casualty.why


@pytest.mark.parametrize(("fencing", "fate"), [((), Fate.DOWN), (("event",), Fate.DOWN), (("redfish",), Fate.PERHAPS)])
def test_more_nodes_than_may_be_lost_at_once_are_given_up_only_where_their_power_is_read(
    fencing: tuple[str, ...], fate: Fate
) -> None:
    nodes = [node(name, vm(f"vm-{name}")) for name in NAMES[:3]]
    assert lose(*NAMES[:2], nodes=nodes, policy=Policy(fencing=fencing)).fate is Fate.RUNS
    found = lose(*NAMES[:3], nodes=nodes, policy=Policy(fencing=fencing))
    assert {casualty.fate for casualty in found.casualties} == {fate}
    assert len(found.casualties) == 3
    assert "VMDRIFT_MAX_UNREACHABLE (40%)" in found.casualties[0].why


def test_sets_are_of_nodes_that_are_there_and_of_which_one_runs_a_vm() -> None:
    gone = NodeAudit(NodeView("gone", "", "", 0.0), [vm("x")])
    nodes = [node("node-a", vm("one")), node("node-b"), node("node-c"), gone]
    assert [lost for _, lost in any_of(nodes, 1)] == [("node-a",)]
    assert [lost for _, lost in any_of(nodes, 2)] == [("node-a", "node-b"), ("node-a", "node-c")]


def test_zones_are_by_their_label() -> None:
    nodes = [node("node-a", zone="x"), node("node-b", zone="y"), node("node-c", zone="x"), node("node-d")]
    assert zones(nodes) == [("x", ("node-a", "node-c")), ("y", ("node-b",))]


def test_the_worst_comes_first() -> None:
    three = vm("three", outcome=Outcome.UNKNOWN)
    nodes = [node("node-a", vm("one")), node("node-b", vm("two", 9.0)), node("node-c", three)]
    rest = [node(name) for name in NAMES[3:]]
    found = survival(any_of(nodes, 1), [*nodes, *rest], room(), Policy())
    assert [one.fate for one in found] == [Fate.DOWN, Fate.UNKNOWN, Fate.RUNS]


_SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(_SIZES, st.lists(st.integers(0, 5), min_size=2, max_size=2))
def test_what_is_said_to_run_fits_and_what_is_said_to_be_down_for_want_of_room_does_not(
    sizes: list[int], free: list[int]
) -> None:
    targets = ("node-b", "node-c")
    left = FreeRoom({"node-b": {"cpu": free[0] * CORE}, "node-c": {"cpu": free[1] * CORE}})
    vms = [vm(f"vm-{number}", float(size), targets) for number, size in enumerate(sizes)]
    found = lose("node-a", nodes=[node("node-a", *vms)], left=left)
    fits = any(_fits(sizes, places, free) for places in product((0, 1), repeat=len(sizes)))
    if found.fate is Fate.RUNS:
        assert fits
    if found.fate is Fate.DOWN:
        assert not fits


def _fits(sizes: list[int], places: tuple[int, ...], free: list[int]) -> bool:
    return all(
        sum(size for size, at in zip(sizes, places, strict=True) if at == place) <= free[place] for place in (0, 1)
    )
