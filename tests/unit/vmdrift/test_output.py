"""`-o json|yaml|wide`: one document in two notations, with times for people beside seconds for programs."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.scene import Storage, Vm
from tests.support.commands import vmdrift
from tests.unit.vmdrift.plans import LOST, listed, world_of
from vmdrift.cli import main
from vmdrift.output import dated
from vmdrift.yaml_text import written

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
AT = 1_796_000_000.5


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dumps") / "dump.json"
    vms = Vm("web", Storage.RBD_BLOCK, node=LOST), Vm("a" * 40, Storage.LOCAL, node=LOST)
    path.write_bytes(orjson.dumps(listed(world_of(*vms))))
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(DOCUMENTS)
def test_yaml_reads_as_what_was_written(document: Any) -> None:
    text = written(document)
    assert yaml.safe_load(text) == document
    assert all(line.isprintable() for line in text.split("\n"))


def test_yaml_has_no_aliases_even_where_a_value_is_there_twice() -> None:
    same = {"x": [1]}
    assert "&" not in (text := written({"a": same, "b": same}))
    assert yaml.safe_load(text) == {"a": same, "b": same}


@pytest.mark.parametrize("text", ["1e3", "0o7", "0x1f", "12:30", "2026-11-29", "y", "N", "on", "null", "~", "", ".inf"])
def test_yaml_quotes_what_some_reader_takes_for_something_else(text: str) -> None:
    assert written([text]).splitlines()[1] in {f'- "{text}"', f"- '{text}'"}


def test_each_moment_has_a_twin_that_people_read() -> None:
    assert dated({"seen_at": AT, "over": [{"at": None, "since": 0.0}]}) == {
        "seen_at": AT,
        "seen_at_time": "2026-11-30T00:53:20Z",
        "over": [{"at": None, "at_time": None, "since": 0.0, "since_time": None}],
    }


@pytest.mark.parametrize(
    "field", [{"fence_at": "suspicion"}, {"at": 3.5}, {"release": AT}, {"since": True}, {"at": [AT]}, {"at": {}}]
)
def test_what_is_no_moment_has_none(field: dict[str, Any]) -> None:
    assert dated(field) == field


def test_a_moment_after_the_last_year_has_no_time_and_what_is_there_is_not_replaced() -> None:
    assert dated({"at": 1e300}) == {"at": 1e300, "at_time": None}
    for theirs in ({"at": AT, "at_time": "mine"}, {"at_time": "mine", "at": AT}):
        assert dated(theirs) == theirs


@pytest.mark.parametrize("command", [("plan", LOST), ("audit",)])
def test_json_in_its_two_ways_and_yaml_are_one_document(dump: Path, command: tuple[str, ...]) -> None:
    old, new, other = (
        vmdrift(*command, *form, "-f", str(dump)) for form in (["--json"], ["-o", "json"], ["--output=yaml"])
    )
    assert old == new
    assert orjson.loads(new.out) == yaml.safe_load(other.out)
    assert orjson.loads(new.out)["read_at_time"].endswith("Z")
    assert new.code == other.code == 1


def test_wide_folds_nothing_and_names_everything(dump: Path) -> None:
    (narrow, unfolded) = (
        vmdrift("plan", LOST, *form, "-f", str(dump), env={"COLUMNS": "80"}) for form in ([], ["-owide"])
    )
    assert "a" * 40 not in narrow.out
    assert "a" * 40 in unfolded.out
    assert "Volumes" in unfolded.out
    assert max(map(len, unfolded.out.splitlines())) > 200


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--json", "-o", "yaml"),
        ("audit", "-o", "xml"),
        ("status", "--watch", "-o", "wide"),
        ("status", "--watch", "-o", "yaml"),
    ],
)
def test_what_cannot_be_both_is_refused(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "cannot be combined" in done.stderr or "is not one of 'json', 'yaml', 'wide'" in done.stderr
