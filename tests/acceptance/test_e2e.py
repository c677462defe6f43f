"""`make e2e`, tried on the simulated control plane: another process, without machines, reached over HTTP only."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.client import Obj
from simulator.http.client import HttpClient
from tests.acceptance.conftest import GRACE
from tests.e2e.control_plane import ControlPlane
from tests.e2e.site import PREFIX
from tests.e2e.surroundings import Access, Surroundings
from tests.e2e.sweep import KINDS
from tests.support.commands import clean_env, eventually
from tests.support.forked import ForkedProcesses
from tests.support.places import ROOT

E2E = [sys.executable, "-m", "pytest", "tests/e2e", "-p", "no:cacheprovider"]
TIMES = "30"  # how many times faster it lives
LONG = 400.0  # seconds; a deadline for a loaded machine


@contextmanager
def _control_plane(times: str) -> Iterator[ControlPlane]:
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, ForkedProcesses(Path(name), GRACE) as processes:
        yield ControlPlane(processes, Path(name), times)


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """One for all tests: each leaves it as it was."""
    with _control_plane(TIMES) as plane:
        yield plane


@pytest.fixture
def client(control_plane: ControlPlane) -> Iterator[HttpClient]:
    access = Access(control_plane.surroundings)
    yield access.own
    access.close()


def _run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=clean_env(**env), capture_output=True, text=True, timeout=LONG, check=False
    )


def _e2e(control_plane: ControlPlane, *words: str) -> subprocess.CompletedProcess[str]:
    return _run([*E2E, *words], **control_plane.env)


@pytest.mark.nightly
@pytest.mark.timeout(LONG)
def test_e2e_holds_on_the_simulated_control_plane_and_leaves_it_as_it_was(
    control_plane: ControlPlane, client: HttpClient
) -> None:
    before = len(control_plane.deletes())
    done = _e2e(control_plane, "-m", "e2e")
    assert done.returncode == 0, done.stdout
    deletes = control_plane.deletes()[before:]
    numbers = Counter(entry["resource"] for entry in deletes)
    # Six VMs move without proof and three with it, which touches no attachment; one of the six asks to be detached.
    assert numbers == {"volumeattachments": 1, "pods": 9}
    assert len({entry["uid_precondition"] for entry in deletes} - {None}) == len(deletes)
    assert _of_runs(client) == []


@pytest.mark.nightly
@pytest.mark.timeout(LONG)
def test_a_host_that_is_off_is_played_in_real_time_with_one_delete_for_each_of_its_vms() -> None:
    with _control_plane("1") as plane:
        done = _e2e(plane, "-m", "e2e", "-k", "host_off")
        assert (done.returncode, "skipped" in done.stdout) == (0, False), done.stdout
        assert re.search(r"VM +forecast +rehearsed +happened", done.stdout), done.stdout
        deletes = plane.deletes()
    assert [entry["resource"] for entry in deletes] == ["pods"] * 3
    assert len({entry["uid_precondition"] for entry in deletes} - {None}) == 3


def test_e2e_touches_nothing_while_a_foreign_node_is_lost(control_plane: ControlPlane, client: HttpClient) -> None:
    client.create("nodes", _unheard("somebodys"))
    done = _e2e(control_plane, "-m", "e2e")
    assert done.returncode == 2
    assert "e2e: not Ready: node somebodys. vm-drift would act on it" in done.stdout
    assert [node["metadata"]["name"] for node in client.list("nodes")] == ["somebodys"]
    client.delete("nodes", "somebodys")


@pytest.mark.nightly
def test_e2e_that_is_stopped_half_way_leaves_the_cluster_as_it_was(
    control_plane: ControlPlane, client: HttpClient
) -> None:
    env = clean_env(**control_plane.env)
    with subprocess.Popen([*E2E, "-m", "e2e"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as running:
        eventually("VMs are there", lambda: len(client.list("virtualmachineinstances")) > 2)
        running.send_signal(signal.SIGTERM)  # Ctrl-C is what it is translated to
        assert running.wait(LONG) == pytest.ExitCode.INTERRUPTED
    assert _of_runs(client) == []


# Every day `make test` itself shows that `-m "not nightly"` leaves all of tests/e2e out.
@pytest.mark.nightly
def test_a_kubeconfig_alone_starts_nothing(control_plane: ControlPlane, client: HttpClient) -> None:
    done = _e2e(control_plane, "-m", "not nightly")
    assert "deselected" in done.stdout
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert client.list("nodes") == []


def test_make_e2e_without_a_kubeconfig_says_so_in_one_line() -> None:
    done = _run(["make", "--no-print-directory", "e2e"], KUBECONFIG="")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "make e2e: KUBECONFIG is not set; it says which cluster is tested"


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "KUBECONFIG is not set"),
        ({"KUBECONFIG": "there", "ACTORS": "kubelet, scheduler"}, "ACTORS: scheduler cannot be played"),
    ],
)
def test_e2e_needs_to_be_told_a_cluster_and_whom_we_play(env: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Surroundings.of(env)


def _of_runs(client: HttpClient) -> list[Obj]:
    """Whatever still names a run; Events expire by themselves."""
    return [obj for kind in KINDS if kind != "events" for obj in client.list(kind) if PREFIX in json.dumps(obj)]


def _unheard(name: str) -> Obj:
    """A Node that no kubelet has reported on."""
    return {"metadata": {"name": name}, "spec": {}}
