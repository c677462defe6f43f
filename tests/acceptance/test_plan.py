"""`vmdrift plan` and `vmdrift audit` as people run them: on a cluster, and on what kubectl writes of it."""

import json
import re

import pytest

from tests.acceptance.calm import KUBECTL
from tests.acceptance.story import Stage
from tests.support.commands import Done, vmdrift
from tests.support.places import DOCS, REPORTS
from vmdrift.snapshot import DUMP_COMMAND

MOVE = {"shop/web", "shop/database", "shop/queue", "shop/files"}
STAY = {"shop/scratch": "node-local-volume", "shop/licence": "pinned-to-node"}


def _told(done: Done) -> dict[str, dict[str, object]]:
    return {f"{vm['namespace']}/{vm['name']}": vm for vm in json.loads(done.out)["vms"]}


@pytest.mark.parametrize("moment", ["calm", "lost"])
def test_it_tells_the_same_of_a_healthy_node_and_of_the_same_node_when_it_is_lost(story: Stage, moment: str) -> None:
    done = story.said[f"{moment}: plan worker-1 --json"]
    told = _told(done)
    assert (done.code, done.err) == (1, "")
    assert (json.loads(done.out)["lost_since"] is None) == (moment == "calm")
    assert {vm for vm, one in told.items() if one["outcome"] == "moves"} == MOVE
    assert {vm: one["reason"] for vm, one in told.items() if one["outcome"] == "stays"} == STAY


def test_the_audit_names_who_would_stay_and_only_lists_and_the_settings_are_asked_for(story: Stage) -> None:
    assert story.said["calm: audit"].code == 1
    assert "pinned-to-node: shop/licence" in story.said["calm: audit"].out
    assert story.said["calm: plan worker-4"].code == 0
    asked = [entry for entry in story.seen["plan asked"] if entry["resource"] != "configmaps"]
    assert {entry["verb"] for entry in asked} == {"list"}
    assert {(entry["verb"], entry["name"]) for entry in story.seen["plan asked"] if entry not in asked} == {
        ("get", "settings")
    }


def test_a_dump_of_ours_tells_the_same(story: Stage) -> None:
    assert _told(story.seen["own dump"]) == _told(story.said["calm: plan worker-1 --json"])


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_the_documented_command_writes_a_dump_that_tells_the_same(story: Stage) -> None:
    assert _told(story.seen["dump"]) == _told(story.said["calm: plan worker-1 --json"])
    assert story.seen["dump's audit"].code == 1


def test_a_dump_is_read_from_standard_input_too() -> None:
    done = vmdrift("audit", "-f", "-", stdin='{"items": []}')
    assert done.code == 2
    assert "standard input holds no nodes" in done.err


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (("audit",), {}, "Set KUBECONFIG to a kubeconfig file, or give a dump with -f"),
        (("plan", "a"), {"KUBECONFIG": "/nowhere/kubeconfig"}, "KUBECONFIG=/nowhere/kubeconfig"),
        (("plan", "a", "-f", "/nowhere/dump.json"), {}, "/nowhere/dump.json: No such file or directory"),
        (("dump",), {}, "Set KUBECONFIG to a kubeconfig file, or give a dump with -f"),
        (("dump", "-f", "/dev/null"), {}, "/dev/null is not JSON"),
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


def test_a_dump_is_made_of_what_kubectl_wrote_and_read_again_with_and_without_names() -> None:
    kubectl = (REPORTS / "r20-harvester-migrated.json").read_text()
    for words in ((), ("--anonymous",)):
        done = vmdrift("dump", *words, "-f", "-", stdin=kubectl)
        assert (done.code, done.err) == (0, "")
        assert ("test-migration" in done.out) == (not words)
        assert vmdrift("audit", "-f", "-", stdin=done.out).code == 1


@pytest.mark.parametrize("command", ["plan", "audit", "dump"])
def test_the_help_holds_the_very_command_that_makes_a_dump(command: str) -> None:
    done = vmdrift(command, "--help", env={"COLUMNS": "80"})
    assert max(map(len, done.out.splitlines())) <= 80
    (kinds,) = re.findall(r"kinds=(\S+)", done.out)
    assert DUMP_COMMAND in done.out.replace("$kinds", kinds)


def test_the_page_holds_that_command_too() -> None:
    page = DOCS / "plan.md"
    assert DUMP_COMMAND in page.read_text()
