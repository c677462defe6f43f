"""Whatever happens in whatever order: no VM is touched that must not be, and none is forgotten. By night only.

By day the state machine draws harsher worlds (test_machine).

Hypothesis draws a seed (names, phases of the controllers, order of turns) and a schedule of troubles. With a cut
network a VM may run twice: nothing short of fencing prevents that, so it is counted, and every double run must be one
that the cut explains.
"""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reactor.model.drift import Policy
from simulator.scene import Scene, Storage, Vm
from tests.support.virtual import Play

_NODES = ("node-a", "node-b", "node-c", "node-d", "node-e")
_DELETE = {"vmdrift.io/detach": "delete"}
_SCENE = Scene(
    _NODES,
    (
        Vm("web", node="node-a"),
        Vm("wiki", node="node-b"),
        Vm("db", Storage.RBD_BLOCK, node="node-a"),
        Vm("queue", Storage.RBD_BLOCK, node="node-b", annotations=_DELETE),
        Vm("files", Storage.RBD_FILESYSTEM, node="node-a", annotations=_DELETE),
        Vm("plug", Storage.RBD_HOTPLUGGED, node="node-b"),
        Vm("scratch", Storage.LOCAL, node="node-a"),
        Vm("licence", node="node-b", pinned=True),
        Vm("hand", node="node-a", run_strategy="Manual"),
    ),
)
_ELIGIBLE = ("web", "wiki", "db", "queue", "files", "plug")
_UNTOUCHABLE = {"scratch", "licence", "hand"}
_CALM = 5400.0  # seconds without trouble, after which everything has ended or waits


@dataclass(frozen=True)
class _Trouble:
    """After `pause` seconds: a node's power or network goes or returns, or the reactor dies or forgets."""

    pause: float
    what: str
    node: str


def _troubles(*kinds: str, nodes: tuple[str, ...] = _NODES) -> st.SearchStrategy[list[_Trouble]]:
    pause = st.one_of(st.integers(0, 60), st.integers(60, 450)).map(float)
    one = st.builds(_Trouble, pause, st.sampled_from(kinds), st.sampled_from(nodes))
    return st.lists(one, min_size=1, max_size=8)


_POWER = _troubles("power_cut", "power_on", "crash", "forget", "flush", "again")
_TWO_LOST = _troubles("power_cut", "crash", "forget", "flush", "again", nodes=_NODES[:2])
_NETWORK = _troubles("power_cut", "power_on", "cut_network", "restore_network", "crash", "flush", "again")


def _happen(play: Play, trouble: _Trouble) -> None:
    play.world.run_for(trouble.pause)
    match trouble.what:
        case "crash" | "forget":
            play.restart(forgetful=trouble.what == "forget")
        case "flush":
            play.reactor.flush()
        case "again":
            play.reactor.again()
        case "power_on" if play.world.hypervisor.machines[trouble.node].powered:
            return
        case _:
            getattr(play.world.hypervisor, trouble.what)(trouble.node)


def _lived(seed: int, troubles: list[_Trouble]) -> Play:
    play = Play.of(_SCENE, Policy(tenants_may=("detach",)), seed)
    for trouble in troubles:
        _happen(play, trouble)
        play.auditor.check()
    play.world.run_for(_CALM)
    _check(play)
    return play


def _check(play: Play) -> None:
    """What holds in every world."""
    play.auditor.check()
    assert not {deletion.vm for deletion in play.auditor.deletions} & _UNTOUCHABLE
    for record in play.records:
        assert record.reason
        assert record.sentence
        assert record.phase.is_end or -1 < (record.again_at or 0) - play.world.now < 600
    for outage in play.outages():
        node = next((n for n in play.world.hypervisor.machines.values() if n.node == outage.node.name), None)
        assert node is not None
        assert not node.powered or not node.network, f"{outage} is not over"


def _check_double_runs(play: Play, cut: set[str]) -> None:
    doubles = play.world.hypervisor.double_runs
    event(f"double runs: {len(doubles)}")
    for double in doubles:
        assert cut & set(double.nodes[:-1]), f"{double} without a cut network"


def _power(seed: int, troubles: list[_Trouble]) -> None:
    play = _lived(seed, troubles)
    assert play.world.hypervisor.double_runs == []


def _two_lost(seed: int, troubles: list[_Trouble]) -> None:
    play = _lived(seed, troubles)
    assert play.world.hypervisor.double_runs == []
    for vm in _ELIGIBLE:
        assert len(play.running(vm)) == 1, (vm, play.story(vm))


def _network(seed: int, troubles: list[_Trouble]) -> None:
    play = _lived(seed, troubles)
    _check_double_runs(play, {trouble.node for trouble in troubles if trouble.what == "cut_network"})


_SEEDS = st.integers(0, 2**16)
_MANY = settings(max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@_MANY
@given(_SEEDS, _POWER)
def test_many_worlds_of_power_that_comes_and_goes(seed: int, troubles: list[_Trouble]) -> None:
    _power(seed, troubles)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@_MANY
@given(_SEEDS, _TWO_LOST)
def test_many_worlds_with_enough_nodes_left(seed: int, troubles: list[_Trouble]) -> None:
    _two_lost(seed, troubles)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@_MANY
@given(_SEEDS, _NETWORK)
def test_many_worlds_with_cut_networks(seed: int, troubles: list[_Trouble]) -> None:
    _network(seed, troubles)
