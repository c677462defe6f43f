"""Of each of the six clusters `vmdrift rehearse --each` says what it always said."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.rehearsals.golden import ENV, PLACE, answer
from vmdrift.cli import main


@pytest.mark.parametrize("name", sorted(file.stem for file in PLACE.glob("*.json")))
def test_the_rehearsal_says_what_is_kept(name: str) -> None:
    assert answer(name) == (PLACE / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", sorted(file.stem for file in PLACE.glob("*.json")))
def test_without_its_names_a_cluster_is_rehearsed_as_with_them(name: str, tmp_path: Path) -> None:
    file = tmp_path / "anonymous.json"
    file.write_text(CliRunner().invoke(main, ["dump", "-f", str(PLACE / f"{name}.json"), "--anonymous"]).stdout)
    assert _fates(str(file)) == _fates(str(PLACE / f"{name}.json"))


def _fates(dump: str) -> list[tuple[str, float]]:
    """Why each VM is where it is, and for how long it was down, whatever it is called."""
    told = json.loads(CliRunner().invoke(main, ["rehearse", "--each", "-f", dump, "--json"], env=ENV).stdout)
    fates = [fate for one in told["rehearsals"] for fate in one["fates"]]
    return sorted((fate["reason"], fate["down"] or 0.0) for fate in fates)
