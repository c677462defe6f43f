"""Nonsense from all sides: nothing is answered 500, no process dies, none grows, and no other VM stays where it is."""

from collections.abc import Callable

import pytest

from tests.fuzz.__main__ import FoundError, again, run
from tests.fuzz.noise import Noise
from tests.properties.drawn import any_seed


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.long(600)
def test_ten_minutes_of_nonsense_break_nothing(record_property: Callable[[str, object], None]) -> None:
    record_property("fuzzing", run(10, any_seed()))


@pytest.mark.parametrize(("kind", "number"), [("objects", 0), ("objects", 1), ("contents", 0)])
def test_a_case_can_be_given_again(kind: str, number: int) -> None:
    assert again(kind, 1, number).startswith(kind)


def test_the_same_seed_and_number_are_the_same_nonsense() -> None:
    sound = {"metadata": {"name": "db", "labels": {}}, "spec": {"volumes": [{"name": "disk"}]}}
    first, second = (Noise("objects", 1, 2).spoilt(sound) for _ in range(2))
    assert first == second != sound


def test_what_went_wrong_says_with_what_and_how_to_have_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(_: Noise) -> str:
        raise KeyError("the input")

    monkeypatch.setattr("tests.fuzz.objects.once", once)
    with pytest.raises(FoundError, match=r"(?s)the input.*python -m tests.fuzz again objects 3 7"):
        again("objects", 3, 7)
