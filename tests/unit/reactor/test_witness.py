"""A watcher as a witness: what it asks of suspected nodes, and what it writes down."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reactor.adapters.tcp import Place
from reactor.model.node import NodeView
from reactor.model.witness import Answer, WitnessReport
from reactor.watch.witness import Witness
from tests.support.twins.witness_reports import MemoryWitnessReports

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
        witness.drill(NODES, len(NODES))
        network.says = says
    witness.testify([suspect], NODES)
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


def test_a_node_that_is_not_ready_is_neither_drilled_nor_a_control() -> None:
    network = Network()
    witness, _ = witness_in(network)
    witness.drill([node("node-c", 2, "Unknown"), node("node-d", 3, "False")], 5)
    assert network.asked == []


def test_nodes_are_drilled_some_at_a_time_and_all_in_turn() -> None:
    network = Network()
    witness, _ = witness_in(network)
    for _ in range(4):
        witness.drill(NODES, 1)
    assert [address for address, port in network.asked if port == KUBELET] == [one.address for one in NODES]


def test_what_accepted_before_and_no_longer_does_is_forgotten_at_the_next_drill() -> None:
    network = Network()
    witness, reports = witness_in(network)
    witness.drill(NODES, 4)
    network.says = {B.address: Answer.SILENT}
    witness.drill(NODES, 4)
    witness.testify([B], NODES)
    assert not reports.of(B.uid)[0].counts_as_silence


def test_of_a_node_that_comes_again_under_its_name_nothing_is_remembered() -> None:
    network = Network()
    witness, reports = witness_in(network)
    witness.drill(NODES, 4)
    again = NodeView("node-b", "another", "True", 0.0, address=B.address)
    witness.testify([again], NODES)
    assert reports.of("another")[0].drilled == frozenset()
