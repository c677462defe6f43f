"""What the image is made of, as far as it can be told without a container engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.scene import DEMO, staged
from tests.support.places import ROOT
from tests.unit.vmdrift.plans import listed

LINES = [
    line.split(maxsplit=1) for line in (ROOT / "Dockerfile").read_text().splitlines() if re.match(r"[A-Z]+ ", line)
]
STAGES = [number for number, (word, _) in enumerate(LINES) if word == "FROM"]
BUILD, END = LINES[STAGES[0] : STAGES[1]], LINES[STAGES[1] :]


def rest(stage: list[list[str]], word: str) -> list[str]:
    return [text for first, text in stage if first == word]


def test_both_stages_stand_on_a_base_that_can_be_chosen() -> None:
    assert [text.split()[0] for text in rest(LINES, "FROM")] == ["${BASE}", "${BASE}"]
    assert re.fullmatch(r"BASE=[\w.]+/[\w/-]+:[\w.-]+@sha256:[0-9a-f]{64}", rest(LINES, "ARG")[0]), "by its digest"


def test_everything_that_is_copied_is_there_and_is_let_in() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {name for text in rest(BUILD, "COPY") for name in text.split()[:-1]}
    assert sources == allowed
    assert all((ROOT / name).exists() for name in sources)
    assert "simulator" not in sources


def test_nothing_runs_in_the_end_image_and_nobody_is_root() -> None:
    assert rest(END, "RUN") == []
    assert rest(END, "USER") == ["65532:65532"]
    assert rest(END, "ENTRYPOINT") == ['["vmdrift"]']


def test_the_image_with_fence_agents_is_ours_with_nothing_but_packages_more() -> None:
    text = (ROOT / "k8s" / "fence-agents.Dockerfile").read_text()
    lines = [line.split(maxsplit=1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert [word for word, _ in lines] == ["ARG", "FROM", "ARG", "USER", "RUN", "USER"]
    assert rest(lines, "FROM") == ["${IMAGE}"]
    assert rest(lines, "USER")[-1:] == rest(END, "USER")
    assert " fence-agents " in rest(lines, "RUN")[0]


ROLES = (
    "watch",
    "serve",
    "work audit",
    "work drifts",
    "work fencing",
    "work intake",
    "work outgoing",
    "work scheduler",
    "status",
    "events",
    "events --dead",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the Dockerfile makes it."""
    place = tmp_path_factory.mktemp("image")
    return _environment(place, _copied(place / "source"), "redfish")


def _copied(place: Path) -> Path:
    """What the Dockerfile copies for the build."""
    place.mkdir()
    for name in (name for text in rest(BUILD, "COPY") for name in text.split()[:-1]):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place / name)
    return place


def _environment(place: Path, source: Path, extra: str) -> Path:
    """One with nothing in it but the wheel of these sources, and what that asks for itself."""
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", str(place), str(source)], check=True, timeout=300)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True, timeout=100)
    (found,) = place.glob("*.whl")
    into = [uv, "pip", "install", "--quiet", "--python", str(place / "venv")]
    subprocess.run([*into, "-c", str(ROOT / "constraints.txt"), f"{found}[{extra}]"], check=True, timeout=600)
    return place / "venv" / "bin"


def run(place: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    return subprocess.run(
        [str(place / "vmdrift"), *words],
        env={**kept, "PATH": str(place), **env},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_every_entry_point_starts_from_an_environment_with_nothing_else_in_it(installed: Path, tmp_path: Path) -> None:
    assert run(installed, "--help").returncode == 0
    for words in ROLES:
        wanted = {"VMDRIFT_SINK": "http://127.0.0.1:1", "VMDRIFT_AUDIT_EVERY": "3600"}
        done = run(installed, *words.split(), VMDRIFT_REDIS_URL="redis://127.0.0.1:1", **wanted)
        assert (done.returncode, done.stdout) == (2, ""), (words, done.stderr)
        assert "Redis is away" in done.stderr, (words, done.stderr)
    assert "no cluster" in run(installed, "audit").stderr
    assert "pip install vm-drift[rehearse]" in run(installed, "rehearse", "worker-1").stderr
    heartbeat = tmp_path / "heartbeat"
    assert run(installed, "probe", VMDRIFT_HEARTBEAT_FILE=str(heartbeat)).returncode == 1


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_with_its_extra_the_package_plays_an_outage(tmp_path: Path) -> None:
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps(listed(staged(DEMO))))
    done = run(_environment(tmp_path, ROOT, "rehearse"), "rehearse", "worker-1", "-f", str(dump))
    assert (done.returncode, "4 run again" in done.stdout) == (1, True), done.stderr
