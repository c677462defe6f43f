"""`vmdrift plan` and `vmdrift audit` as people run them: on a cluster, and on what kubectl writes of it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.commands import Done, clean_env, eventually, vmdrift
from tests.acceptance.sites import Site
from vmdrift.snapshot import DUMP_COMMAND

KUBECTL = shutil.which("kubectl") or ""
MOVE = {"shop/web", "shop/database", "shop/queue", "shop/files"}
STAY = {"shop/scratch": "node-local-volume", "shop/licence": "pinned-to-node"}


def _told(done: Done) -> dict[str, dict[str, object]]:
    return {f"{vm['namespace']}/{vm['name']}": vm for vm in json.loads(done.out)["vms"]}


def test_it_tells_of_a_healthy_node_and_of_the_same_node_when_it_is_lost(site: Callable[[int], Site]) -> None:
    cluster = site(0)
    env, built = dict(cluster.env("admin")), len(cluster.demo.ask(do="audit"))
    before = vmdrift("plan", cluster.demo.lost, "--json", env=env)
    cluster.demo.cut_power()

    def lost() -> bool:
        return json.loads(vmdrift("plan", cluster.demo.lost, "--json", env=env).out)["lost_since"] is not None

    eventually("the node is lost", lost)
    for done in (before, vmdrift("plan", cluster.demo.lost, "--json", env=env)):
        told = _told(done)
        assert (done.code, done.err) == (1, "")
        assert {vm for vm, one in told.items() if one["outcome"] == "moves"} == MOVE
        assert {vm: one["reason"] for vm, one in told.items() if one["outcome"] == "stays"} == STAY
    audit = vmdrift("audit", env=env | {"COLUMNS": "80"})
    assert audit.code == 1
    assert "pinned-to-node: shop/licence" in audit.out
    assert vmdrift("plan", "worker-4", env=env).code == 0
    ours = [entry for entry in cluster.demo.ask(do="audit")[built:] if entry["user"] == "system:admin"]
    assert {entry["verb"] for entry in ours} == {"list"}


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_the_documented_command_writes_a_dump_that_tells_the_same(site: Callable[[int], Site]) -> None:
    cluster = site(0)
    env = clean_env(KUBECONFIG=str(cluster.demo.kubeconfig("admin")))
    subprocess.run(["/bin/sh", "-c", DUMP_COMMAND], cwd=cluster.folder, env=env, check=True, timeout=60)
    dump = str(cluster.folder / "dump.json")
    told = _told(vmdrift("plan", cluster.demo.lost, "--json", "-f", dump, env=cluster.demo.env))
    live = _told(vmdrift("plan", cluster.demo.lost, "--json", env=cluster.env("admin")))
    assert {name: one["outcome"] for name, one in told.items()} == {name: one["outcome"] for name, one in live.items()}
    assert told == live
    assert vmdrift("audit", "-f", dump).code == 1


def test_a_dump_is_read_from_standard_input_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"items": []}')
    with path.open() as stdin:
        command = [sys.executable, "-m", "vmdrift", "audit", "-f", "-"]
        done = subprocess.run(command, stdin=stdin, env=clean_env(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert b"standard input holds no nodes" in done.stderr


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (("audit",), {}, "Set KUBECONFIG to a kubeconfig file, or give a dump with -f"),
        (("plan", "a"), {"KUBECONFIG": "/nowhere/kubeconfig"}, "KUBECONFIG=/nowhere/kubeconfig"),
        (("plan", "a", "-f", "/nowhere/dump.json"), {}, "/nowhere/dump.json: No such file or directory"),
        (("audit", "-f", "/dev/null"), {"VMDRIFT_POLICY": "maybe"}, "VMDRIFT_POLICY: 'maybe' is not one of"),
    ],
)
def test_what_cannot_be_told_is_one_line_and_exit_code_2(
    words: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    done = vmdrift(*words, env=env)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["plan", "audit"])
def test_the_help_holds_the_very_command_that_makes_a_dump(command: str) -> None:
    done = vmdrift(command, "--help", env={"COLUMNS": "80"})
    assert max(map(len, done.out.splitlines())) <= 80
    (kinds,) = re.findall(r"kinds=(\S+)", done.out)
    assert DUMP_COMMAND in done.out.replace("$kinds", kinds)


def test_the_page_holds_that_command_too() -> None:
    page = Path(__file__).parents[2] / "docs" / "plan.md"
    assert DUMP_COMMAND in page.read_text()
