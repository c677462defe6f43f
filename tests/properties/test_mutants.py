"""No check is there for nothing: without it something turns red (tests.properties.mutants)."""

import inspect
import re

import pytest

import workers.decide
from tests.properties.mutants import EVERY_DAY, MUTANTS, Mutant


def _nightly(mutant: Mutant) -> object:
    marks = [] if mutant.name in EVERY_DAY else [pytest.mark.nightly]
    return pytest.param(mutant, id=mutant.name, marks=marks)


@pytest.mark.parametrize("mutant", [_nightly(mutant) for mutant in MUTANTS])
def test_without_this_check_the_judge_finds_something_and_with_it_nothing(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.lived()
    mutant.remove(monkeypatch)
    with pytest.raises(AssertionError):
        mutant.lived()


def test_every_prerequisite_has_its_mutant() -> None:
    """But `hold`: no story here asks to leave a VM alone. Those that proof takes the place of are wrapped."""
    checks = set(re.findall(r'\("[a-z ]+", (?:_waived\(case, )?(\w+)\(', inspect.getsource(workers.decide)))
    assert checks - {mutant.name for mutant in MUTANTS} == {"_no_hold", "_waived"}
    assert len(checks) > 8
