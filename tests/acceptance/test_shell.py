"""In a shell: what Tab completes, and vm-drift as a plugin of kubectl's."""

import os
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from redis import Redis

from reactor.adapters.redis.store import RedisStore
from tests.contracts.samples import outage_record, record
from tests.support.commands import clean_env, surroundings, vmdrift
from tests.support.places import ROOT
from vmdrift.cli import main
from vmdrift.cli.kubectl import complete

SCRIPTS: Mapping[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
KUBECTL = shutil.which("kubectl") or ""
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with the executables that an installation makes."""
    for name, place in SCRIPTS.items():
        module, _, function = place.partition(":")
        code = f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        (tmp_path / name).write_text(code)
        (tmp_path / name).chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.fixture
def lost(redis_url: str, redis: Redis) -> Mapping[str, str]:
    """Where to find a Redis that knows a lost node."""
    store = RedisStore(redis, 3600)
    store.save_outage(outage_record(), done=False)
    for vm in ("web", "mail"):
        store.create(record(vm), [])
    return {"VMDRIFT_REDIS_URL": redis_url}


def ran(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    env = clean_env(**{"PYTHONPATH": str(ROOT), **env})
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)


def completed(line: str, path: str, **env: str) -> set[str]:
    """What bash offers at the end of the line, by the very function that it was given."""
    script = (
        'eval "$(vmdrift completion bash)"; COMP_WORDS=($1); [ "${1% }" = "$1" ] || COMP_WORDS+=(""); '
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vmdrift_completion vmdrift; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = ran("bash", "-c", script, "-", line, PATH=path, **env)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_for_the_command(shell: str) -> None:
    done = vmdrift("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_VMDRIFT_COMPLETE={shell}_complete" in done.out


def test_the_script_completes_commands(path: str) -> None:
    assert completed("vmdrift h", path) == {"history", "hold", "holds"}


def offered(line: str, **env: str) -> set[str]:
    """What the script is answered with."""
    asked = {"_VMDRIFT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = vmdrift(env={**asked, **env})
    assert (done.code, done.err) == (0, "")
    return {entry.partition(",")[2] for entry in done.out.split()}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("vmdrift status --", {"--all-namespaces", "--help", "--json", "--namespace", "--output", "--watch"}),
        ("vmdrift status -o ", {"json", "yaml", "wide"}),
        ("vmdrift doctor --role ", {"watcher", "receiver", "intake", "drifts", "fencing", "audit"}),
        ("vmdrift hold ", {"node-a", "shop/web", "shop/mail", "all"}),
        ("vmdrift cancel shop/w", {"shop/web"}),
        ("vmdrift taint ", {"node-a"}),
    ],
)
def test_the_command_offers_options_choices_and_names_of_what_is_lost(
    line: str, names: set[str], lost: Mapping[str, str]
) -> None:
    assert offered(line, **lost) == names


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "no-url", "redis://no.such.host.invalid"])
def test_without_redis_it_completes_no_names_and_complains_of_nothing(url: str) -> None:
    assert offered("vmdrift hold ", VMDRIFT_REDIS_URL=url) == {"all"}


def test_a_redis_that_never_answers_does_not_hang_the_shell(path: str) -> None:
    """Also when the process ends: a thread still waits for the answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        assert completed("vmdrift cancel ", path, VMDRIFT_REDIS_URL=url) == set()


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_kubectl_runs_it_as_a_plugin(path: str, lost: Mapping[str, str], tmp_path: Path) -> None:
    done = ran(KUBECTL, "vmdrift", "status", "--json", PATH=path, HOME=str(tmp_path), **lost)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"shop"' in done.stdout
    assert "kubectl-vmdrift" in ran(KUBECTL, "plugin", "list", PATH=path, HOME=str(tmp_path)).stdout
    mistyped = ran(KUBECTL, "vmdrift", "history", "now", PATH=path, HOME=str(tmp_path), **lost)
    assert mistyped.returncode == 2
    assert "Usage: kubectl vmdrift history" in mistyped.stderr


def by_kubectl(path: str, home: Path, *words: str, **env: str) -> tuple[set[str], str]:
    """What kubectl itself offers after these words, and how the shell goes on."""
    done = ran(KUBECTL, "__complete", "vmdrift", *words, PATH=path, HOME=str(home), **env)
    assert done.returncode == 0
    *lines, directive = done.stdout.splitlines()
    return {line.partition("\t")[0] for line in lines}, directive


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_kubectl_completes_commands_options_and_names(path: str, lost: Mapping[str, str], tmp_path: Path) -> None:
    assert by_kubectl(path, tmp_path, "h") == ({"history", "hold", "holds"}, ":4")
    assert by_kubectl(path, tmp_path, "cancel", "shop/w", **lost) == ({"shop/web"}, ":4")
    assert by_kubectl(path, tmp_path, "status", "--out") == ({"--output"}, ":4")
    assert by_kubectl(path, tmp_path, "audit", "-f", "") == (set(), ":0")  # the shell's own completion of files


def test_the_candidates_say_what_they_are_and_no_name_acts_on_the_terminal(redis: Redis, redis_url: str) -> None:
    RedisStore(redis, 3600).save_outage(outage_record("x\x1b[31m"), done=False)
    assert "hold\t" in complete(main, ["hol"])
    with surroundings(clean_env(VMDRIFT_REDIS_URL=redis_url)):
        offered_names = complete(main, ["taint", ""])
    assert offered_names == ":4\n"
    assert complete(main, []).splitlines()[-1] == ":4"
