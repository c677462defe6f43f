"""Of each of the six clusters `vmdrift rehearse --each` says what it always said."""

import pytest

from tests.rehearsals.golden import PLACE, answer


@pytest.mark.parametrize("name", sorted(file.stem for file in PLACE.glob("*.json")))
def test_the_rehearsal_says_what_is_kept(name: str) -> None:
    assert answer(name) == (PLACE / f"{name}.txt").read_text()
