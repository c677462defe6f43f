"""A release's version, notes, checksums and krew manifest, from small checkouts and from ours."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from release import checksums, version
from release.krew import manifest
from release.notes import notes
from release.plugin import PLATFORMS, PYTHONS
from release.source import NotReleasable
from tests.support.places import ROOT
from tests.unit.release.sources import HERE, a_source
from vmdrift.cli import main


def test_where_all_name_one_version_a_tag_is_released(tmp_path: Path) -> None:
    assert list(version.problems(a_source(tmp_path), "v1.2.0")) == []


@pytest.mark.parametrize(
    ("tag", "changed", "said"),
    [
        ("v1.2.1", {}, "the tag is v1.2.1, and pyproject.toml says 1.2.0"),
        ("1.2.0", {}, "is no tag of a release"),
        ("v1.2.0", {"changelog": ("## Unreleased\n", "## Unreleased\n- New.\n")}, "move what stands under Unreleased"),
        ("v1.2.0", {"changelog": (" (2027-01-02)", "")}, "'## 1.2.0' has no date"),
        ("v1.2.0", {"changelog": ("## 1.2.0", "## 1.3.0")}, "CHANGELOG.md has nothing under '## 1.2.0 (DATE)'"),
        ("v1.2.0", {"kustomization": ("newTag: 1.2.0", "newTag: 1.1.0")}, "in version 1.2.0, found 1.1.0"),
        (
            "v1.2.0",
            {"receiver": ("vm-drift:1.2.0", "vm-drift")},
            "receiver.yaml: expected the image vm-drift in version 1.2.0, found none",
        ),
        ("v1.2.0", {"supported": ("2027-02-28", "2027-01-01")}, "kubernetes 1.35 has ended on 2027-01-01"),
        ("v1.2.0", {"chart": ("appVersion: 1.2.0", "appVersion: 1.1.9")}, "appVersion is 1.1.9, expected 1.2.0"),
    ],
)
def test_whatever_contradicts_the_tag_is_named(
    tmp_path: Path, tag: str, changed: dict[str, tuple[str, str]], said: str
) -> None:
    found = list(version.problems(a_source(tmp_path, **changed), tag))
    assert any(said in problem for problem in found), found
    assert len(found) <= 2


def test_a_release_without_its_chart_is_none(tmp_path: Path) -> None:
    source = a_source(tmp_path)
    (tmp_path / "charts/vm-drift/Chart.yaml").unlink()
    assert list(version.problems(source, "v1.2.0")) == [
        "charts/vm-drift/Chart.yaml cannot be read: No such file or directory"
    ]


def test_the_check_ends_with_1_and_names_what_is_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "release.version", "v9.9.9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "release.version: the tag is v9.9.9" in done.stderr


def test_our_manifests_and_our_changelog_name_our_version() -> None:
    """What only a tag must have is left out: an empty Unreleased, and the chart."""
    found = list(version.problems(HERE, f"v{HERE.version}"))
    assert [problem for problem in found if "Unreleased" not in problem and "Chart.yaml cannot" not in problem] == []


def test_notes_are_the_section_of_the_version_with_links_that_lead_somewhere(tmp_path: Path) -> None:
    text = notes(a_source(tmp_path))
    assert text.startswith("### Added\n- A thing")
    assert "Older" not in text
    assert "(https://example.org/our/repo/blob/v1.2.0/docs/thing.md#part)" in text
    assert "(https://example.org/x)" in text
    assert "(#there)" in text
    assert "gh attestation verify oci://IMAGE --repo our/repo" in text


def test_what_our_notes_point_at_is_there() -> None:
    base = f"{HERE.repository}/blob/v{HERE.version}/"
    named = [link.partition(")")[0].partition("#")[0] for link in notes(HERE).split(f"({base}")[1:]]
    assert len(named) > 3
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_version_without_changes_has_no_notes(tmp_path: Path) -> None:
    source = a_source(tmp_path, pyproject=('version = "1.2.0"', 'version = "1.4.0"'))
    with pytest.raises(NotReleasable, match=r"nothing under '## 1\.4\.0 \(DATE\)'"):
        notes(source)


def test_checksums_are_read_by_sha256sum(tmp_path: Path) -> None:
    for name in ("b.txt", "a file"):
        (tmp_path / name).write_text(name)
    checksums.write(tmp_path)
    checksums.write(tmp_path)  # its own file is none of them
    command = ["sha256sum", "--check", checksums.NAME]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "a file: OK\nb.txt: OK\n")
    (tmp_path / "b.txt").write_text("else")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 1


def test_the_krew_manifest_names_each_archive_with_its_checksum(tmp_path: Path) -> None:
    archives = {platform: tmp_path / f"{platform.arch}.tar.gz" for platform in PLATFORMS}
    for platform, file in archives.items():
        file.write_text(platform.arch)
    found = yaml.safe_load(manifest(a_source(tmp_path / "source"), archives))
    assert (found["kind"], found["metadata"], found["spec"]["version"]) == ("Plugin", {"name": "vmdrift"}, "v1.2.0")
    assert [entry["selector"]["matchLabels"] for entry in found["spec"]["platforms"]] == [
        {"os": "linux", "arch": "amd64"},
        {"os": "linux", "arch": "arm64"},
    ]
    first = found["spec"]["platforms"][0]
    assert first["uri"] == "https://example.org/our/repo/releases/download/v1.2.0/amd64.tar.gz"
    assert (first["sha256"], first["bin"]) == (checksums.sha256(archives[PLATFORMS[0]]), "kubectl-vmdrift")
    assert "{" not in str([found["spec"][name] for name in ("description", "caveats", "homepage")])


def test_the_commands_that_krew_advertises_are_there() -> None:
    words = (ROOT / "release" / "krew.yaml").read_text()
    for command in ("plan", "audit", "status", "history", "doctor", "hold", "cancel", "retry"):
        assert command in words
        assert command in main.commands


def test_the_start_script_takes_the_pythons_that_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    with pytest.raises(SystemExit, match=f"needs python3 between {PYTHONS[0]} and {PYTHONS[-1]}; this is 3.10"):
        runpy.run_path(str(ROOT / "release" / "kubectl-vmdrift.py"))
