"""`make release-files`: what it builds, twice the same, and the plugin as krew starts it."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import release.__main__ as main
from release.checksums import NAME, sha256
from release.plugin import PLATFORMS, PYTHONS
from release.source import Source
from tests.support.places import ROOT

VERSION = Source().version

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900), pytest.mark.xdist_group("release")]


def build(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "release", str(folder)], cwd=ROOT, check=True, timeout=400)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("release") / "one")


@pytest.fixture(scope="module")
def plugin(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where krew puts it: unpacked in one folder, started by a link in another."""
    place = tmp_path_factory.mktemp("krew")
    with tarfile.open(files / f"kubectl-vmdrift_v{VERSION}_linux_amd64.tar.gz") as packed:
        packed.extractall(place / "store", filter="data")
    link = place / "bin" / "kubectl-vmdrift"
    link.parent.mkdir()
    link.symlink_to(place / "store" / "kubectl-vmdrift")
    return link


def test_all_files_of_a_release_are_there(files: Path) -> None:
    assert {file.name for file in files.iterdir()} == {
        NAME,
        f"kubectl-vmdrift_v{VERSION}_linux_amd64.tar.gz",
        f"kubectl-vmdrift_v{VERSION}_linux_arm64.tar.gz",
        f"vm-drift_v{VERSION}.cdx.json",
        f"vm-drift_v{VERSION}_notes.md",
        f"vm_drift-{VERSION}-py3-none-any.whl",
        f"vm_drift-{VERSION}.tar.gz",
        "vmdrift.yaml",
    }


def test_the_same_checkout_gives_the_same_bytes(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one platform: the other is built by the same lines."""
    monkeypatch.setattr(main, "PLATFORMS", PLATFORMS[:1])
    main.build(Source(), tmp_path, str(Path(sys.executable).with_name("uv")))
    same = [file.name for file in tmp_path.iterdir() if file.name not in {NAME, "vmdrift.yaml"}]
    assert len(same) == len(list(files.iterdir())) - 3
    assert {name: sha256(tmp_path / name) for name in same} == {name: sha256(files / name) for name in same}


def test_the_wheel_has_its_data_and_what_a_rehearsal_needs(files: Path) -> None:
    names = zipfile.ZipFile(files / f"vm_drift-{VERSION}-py3-none-any.whl").namelist()
    assert {"vmdrift/doctor/supported.yaml", "reactor/web/openapi.yaml"} <= set(names)
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"reactor", "workers", "vmdrift", "rehearsal", "simulator", f"vm_drift-{VERSION}.dist-info"}


def test_the_archive_for_arm64_has_modules_for_nothing_else(files: Path) -> None:
    with tarfile.open(files / f"kubectl-vmdrift_v{VERSION}_linux_arm64.tar.gz") as packed:
        compiled = [name for name in packed.getnames() if name.endswith(".so")]
    assert {match[1] for match in map(re.compile(r"cpython-3\d+-(\w+)-linux").search, compiled) if match} == {"aarch64"}
    assert len({re.sub(r"cpython-3\d+", "", name) for name in compiled if "orjson" in name}) == 1
    assert sum("orjson" in name for name in compiled) == len(PYTHONS)


def python(version: str) -> str:
    """Where this Python is, "" where it is not."""
    found = shutil.which(f"python{version}") or ""
    asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False) if found else None
    told, _, place = done.stdout.strip().partition(" ") if done else ("", "", "")
    return place if told == version else ""


@pytest.mark.parametrize("version", PYTHONS)
def test_the_plugin_starts_by_its_link_with_every_python(plugin: Path, version: str) -> None:
    place = python(version)
    if not place:
        pytest.skip(f"no Python {version} here")
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [place, str(plugin), "--help"], env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "kubectl vmdrift" in done.stdout
    plan = subprocess.run(
        [place, str(plugin), "plan", "n1"], env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert plan.returncode != 0
    assert "KUBECONFIG" in plan.stderr
