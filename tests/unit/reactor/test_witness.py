"""A watcher as a witness: what it asks of suspected nodes, and what it writes down."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from reactor.adapters.tcp import Place
from reactor.model.errors import SettingsError
from reactor.model.node import NodeView
from reactor.model.witness import Answer, WitnessReport
from reactor.settings import Settings
from reactor.watch import main
from reactor.watch.witness import Witness
from reactor.wiring import Wiring
from rehearsal.twins.witness_reports import MemoryWitnessReports

KUBELET, SSH = 10250, 22


def node(name: str, number: int, ready: str = "True") -> NodeView:
    return NodeView(name, f"uid-{name}", ready, 0.0, address=f"10.0.0.{number}")


A, B, C, D = (node(f"node-{letter}", at) for at, letter in enumerate("abcd"))
NODES = (A, B, C, D)


@dataclass
class Network:
    """Who answers how: a node's address -> Answer; ACCEPTED where nothing is said. `asked`: all, in order."""

    says: dict[str, Answer] = field(default_factory=dict)
    asked: list[Place] = field(default_factory=list)

    def ask(self, places: Sequence[Place], _: float) -> list[Answer]:
        self.asked += places
        return [self.says.get(address, Answer.ACCEPTED) for address, _ in places]


def witness_in(network: Network, own: str = "node-a") -> tuple[Witness, MemoryWitnessReports]:
    reports = MemoryWitnessReports(lambda: 50.0)
    return Witness(own, (KUBELET, SSH), network.ask, reports, lambda: 50.0), reports


def heard(network: Network, *, drilled: bool = True, suspect: NodeView = B) -> list[WitnessReport]:
    """Of a suspect that answers as the network says by now."""
    witness, reports = witness_in(network)
    if drilled:
        says, network.says = network.says, {}
        witness.drill(NODES)
        network.says = says
    witness.report([suspect], NODES)
    return reports.of(suspect.uid)


def test_a_node_that_is_silent_where_it_answered_before_while_others_answer() -> None:
    (report,) = heard(Network({B.address: Answer.SILENT}))
    silent = {KUBELET: Answer.SILENT, SSH: Answer.SILENT}
    assert report == WitnessReport("node-a", 50.0, silent, frozenset({KUBELET, SSH}), "node-c")
    assert report.counts_as_silence


def test_silence_of_a_port_that_never_answered_does_not_count() -> None:
    (report,) = heard(Network({B.address: Answer.SILENT}), drilled=False)
    assert not report.counts_as_silence


def test_silence_while_nobody_answers_does_not_count() -> None:
    (report,) = heard(Network(dict.fromkeys((B.address, C.address, D.address), Answer.SILENT)))
    assert report.control == ""
    assert not report.counts_as_silence


def test_one_that_refuses_lives() -> None:
    (report,) = heard(Network({B.address: Answer.REFUSED}))
    assert report.answered
    assert not report.counts_as_silence


def test_nobody_is_a_witness_about_its_own_node() -> None:
    assert heard(Network({A.address: Answer.SILENT}), suspect=A) == []


def test_its_own_node_is_no_control() -> None:
    others = dict.fromkeys((B.address, C.address, D.address), Answer.SILENT)
    (report,) = heard(Network(others))
    assert report.control == ""


def test_a_node_that_is_not_ready_or_has_no_address_is_neither_drilled_nor_keeps_others_from_it() -> None:
    network = Network()
    witness, _ = witness_in(network)
    odd = (node("node-c", 2, "False"), replace(D, address=""))
    for second in range(1201):
        witness.turn((), [A, B, *odd], 1000.0 + second)
    assert Counter(kubelets(network)) == {"node-a": 5, "node-b": 5}


def test_a_watcher_that_does_not_know_its_own_node_does_not_start() -> None:
    with pytest.raises(SettingsError, match="VMDRIFT_NODE_NAME is not set"):
        main.witness_of(Wiring(Settings(fence_at="suspicion"), ""))


def kubelets(network: Network) -> list[str]:
    """Of which nodes they were asked, in order."""
    names = {node.address: node.name for node in NODES}
    return [names[address] for address, port in network.asked if port == KUBELET]


def test_nodes_are_drilled_as_soon_as_they_are_known_and_then_in_turn() -> None:
    network = Network()
    witness, _ = witness_in(network)
    for second in range(601):
        witness.turn((), NODES, 1000.0 + second)
    assert kubelets(network) == ["node-a", "node-b", "node-c", "node-d", "node-b", "node-c", "node-d", "node-a"]


def test_a_watcher_that_has_just_started_drills_as_soon_as_it_knows_a_node() -> None:
    network = Network()
    witness, _ = witness_in(network)
    witness.turn((), [], 1000.0)
    witness.turn((), NODES, 1001.0)
    assert kubelets(network) == ["node-a", "node-b", "node-c", "node-d"]


def test_who_is_suspected_or_lost_is_asked_each_second_and_not_drilled() -> None:
    network = Network()
    witness, reports = witness_in(network)
    witness.turn((), NODES, 1000.0)
    network.asked.clear()
    lost = replace(C, ready="Unknown")
    for second in range(1, 1200):
        witness.turn({"node-b"}, [A, B, lost, D], 1000.0 + second)
    asked = Counter(kubelets(network))
    assert asked["node-b"] == asked["node-c"] == 900
    assert reports.of(B.uid) != [] != reports.of(C.uid)
    assert asked["node-d"] > 900


def test_what_accepted_before_and_no_longer_does_is_forgotten_at_the_next_drill() -> None:
    network = Network()
    witness, reports = witness_in(network)
    witness.drill(NODES)
    network.says = {B.address: Answer.SILENT}
    witness.drill(NODES)
    witness.report([B], NODES)
    assert not reports.of(B.uid)[0].counts_as_silence


def test_of_a_node_that_comes_again_under_its_name_nothing_is_remembered() -> None:
    network = Network()
    witness, reports = witness_in(network)
    witness.drill(NODES)
    again = NodeView("node-b", "another", "True", 0.0, address=B.address)
    witness.report([again], NODES)
    assert reports.of("another")[0].drilled == frozenset()
