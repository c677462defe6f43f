"""Two watchers on Ready nodes must find a suspect silent; any answer of it is life."""

import pytest

from reactor.model.identity import NodeRef
from reactor.model.node import NodeView
from reactor.model.witness import Answer, WitnessReport
from workers.fencing.decide.witnesses import Heard, heard

NOW, KUBELET = 1000.0, 10250
SUSPECT = NodeRef("node-b", "uid-b")
NODES = [NodeView(name, f"uid-{name}", "True", 0.0) for name in ("node-a", "node-b", "node-c")]


def silent(witness: str, *, at: float = NOW, drilled: int = KUBELET, control: str = "node-d") -> WitnessReport:
    return WitnessReport(witness, at, {KUBELET: Answer.SILENT}, frozenset({drilled}), control)


def says(witness: str, answer: Answer) -> WitnessReport:
    return WitnessReport(witness, NOW, {KUBELET: answer, 22: Answer.SILENT}, frozenset(), "")


def said(*reports: WitnessReport, nodes: list[NodeView] = NODES) -> Heard:
    return heard(reports, SUSPECT, nodes, NOW)


def test_two_of_them_are_enough() -> None:
    sentence = "node-a and node-c reach other nodes, and node-b on no port that answered before."
    assert said(silent("node-a"), silent("node-c")) == Heard(True, sentence)


@pytest.mark.parametrize(
    "second",
    [
        silent("node-a"),
        silent("node-b"),
        silent("node-x"),
        silent("node-c", at=NOW - 4.5),
        silent("node-c", at=NOW + 1.0),
        silent("node-c", drilled=22),
        silent("node-c", control=""),
    ],
    ids=["the same node", "the suspect", "no node of ours", "old", "of the future", "never drilled", "no control"],
)
def test_this_is_no_second_one(second: WitnessReport) -> None:
    found = said(silent("node-a"), second)
    assert (found.silent, found.sentence[-14:]) == (False, "; now: node-a.")


def test_a_witness_on_a_node_that_is_not_ready_does_not_count() -> None:
    lost = [NODES[0], NODES[1], NodeView("node-c", "uid-node-c", "Unknown", 0.0)]
    assert not said(silent("node-a"), silent("node-c"), nodes=lost).silent


@pytest.mark.parametrize("answer", [Answer.ACCEPTED, Answer.REFUSED])
def test_one_answer_outweighs_any_number_that_hear_nothing(answer: Answer) -> None:
    found = said(silent("node-a"), silent("node-c"), says("node-x", answer))
    assert found == Heard(False, "Node node-b answers node-x over TCP, so it lives.")


def test_without_any_there_are_too_few() -> None:
    assert said().sentence.endswith("now: none.")
