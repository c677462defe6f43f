"""The table of reason codes and the code that gives them agree: none is missing, none is left over, none untested."""

import ast
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from reactor.model.drift import Phase, Policy
from reactor.model.reason import REASONS, Reason
from tests.support.places import ROOT
from tests.unit.workers.decide.recorded import SINCE, signs
from workers.decide.decision import Judgement
from workers.decide.life import silent

_HERE = Path(__file__).name


def _trees(folder: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.name != _HERE:
            yield ast.parse(path.read_text(), str(path))


def _texts(folder: str) -> set[str]:
    """Every string that stands in the code of a folder."""
    nodes = (node for tree in _trees(folder) for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _composed() -> set[str]:
    """The codes that are put together from who is alive."""
    verdicts = [silent(signs(alive=alive), Policy(), SINCE) for alive in ("kubelet", "virt-handler")]
    return {verdict.reason for verdict in verdicts if isinstance(verdict, Judgement)}


def _judged() -> set[str]:
    """The codes that stand written out in a `Judgement("code", ...)`, or where a pass says why it could not judge."""
    calls = [node for tree in _trees("workers") for node in ast.walk(tree) if isinstance(node, ast.Call)]
    telling = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in {"Judgement", "_blocked"}]
    texts = [[a.value for a in c.args if isinstance(a, ast.Constant) and isinstance(a.value, str)] for c in telling]
    return {found[0] for found in texts if found}


def test_every_reason_in_the_table_is_given_by_the_code() -> None:
    assert sorted(REASONS.keys() - _texts("workers") - _composed()) == []


def test_every_reason_that_the_code_gives_is_in_the_table() -> None:
    found = _judged()
    assert len(found) > 30
    assert sorted((found | _composed()) - REASONS.keys()) == []


def test_every_reason_is_spoken_of_in_a_test() -> None:
    composed = {f"{alive}-alive" for alive in ("kubelet", "virt-handler")}
    assert composed == _composed()
    assert sorted(REASONS.keys() - _texts("tests/unit") - composed) == []


@pytest.mark.parametrize("reason", REASONS.values(), ids=list(REASONS))
def test_every_row_says_in_sentences_what_it_means_what_ends_it_and_what_to_do(reason: Reason) -> None:
    _, phase, *sentences = astuple(reason)
    assert isinstance(phase, Phase)
    for sentence in sentences:
        assert sentence.endswith(".")
        assert "  " not in sentence
    lasting = phase is Phase.REFUSED or reason.code in {"vm-stopped", "start-deadline"}
    assert reason.final is (phase.is_end and not lasting)
    assert ("within five minutes" in reason.ends) is lasting


def test_every_phase_has_a_reason() -> None:
    assert {reason.phase for reason in REASONS.values()} == set(Phase)
