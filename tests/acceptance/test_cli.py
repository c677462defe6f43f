"""The command line as it reads."""

import os
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

from reactor.__main__ import main as reactor
from tests.support.commands import python, vmdrift
from vmdrift.cli import main
from vmdrift.cli.groups import GROUPS
from workers.__main__ import main as workers

HELP = {
    (): ["run", "watch", "serve", "work", "events", "status", "VMDRIFT_", "KUBECONFIG", "Exit codes"],
    ("run",): ["--act", "--simulate", "--factor", "[default: 20.0]", "only observing unless --act"],
    ("watch",): ["Any number may run side by side"],
    ("work",): ["audit|drifts|fencing|intake|outgoing|scheduler", "At least one of each"],
    ("serve",): ["CloudEvents", "Alertmanager", "VMDRIFT_LISTEN", "--insecure-no-auth"],
    ("events",): ["--follow", "--dead", "--resend", "--json", "10,000"],
    ("hold",): ["NODE|NAMESPACE/VM|all", "--for", "--why", "--force", "ConfigMap"],
    ("resume",): ["NODE|NAMESPACE/VM|all"],
    ("holds",): ["--json"],
    ("cancel",): ["NAMESPACE/VM", "--why"],
    ("retry",): ["NAMESPACE/VM"],
    ("drift",): ["NAMESPACE/VM", "same prerequisites"],
    ("confirm-off",): ["NODE", "--i-checked", "--although-ready", "two machines write", "--json"],
    ("taint",): ["NODE", "--why", "--json"],
    ("untaint",): ["NODE", "--json", "until the node has been rebooted"],
    ("unfence",): ["NODE", "--i-checked", "--json"],
    ("token",): ["new NAME", "--may [look|act]", "--confirm-off", "--file", "VMDRIFT_TOKENS_FILE", "Secret senders"],
    ("probe",): ["VMDRIFT_HEARTBEAT_FILE", "--within"],
    ("status",): ["[NODE|NAMESPACE/VM]", "--json", "--watch", "Asks the cluster only what is held"],
    ("history",): ["--json", "--last", "how long its VM was down", "VMDRIFT_HISTORY_TTL"],
    ("doctor",): [
        "--json",
        "--role",
        "watcher|receiver|intake|drifts|fencing|audit",
        "Changes nothing",
        "Exit codes: 0",
    ],
    ("rehearse",): [
        "[NODE]...",
        "--each",
        "--pairs",
        "--proof",
        "--lose-own-node",
        "vm-drift[rehearse]",
        "Exit codes: 0",
    ],
    ("dump",): ["--anonymous", "--file", "no cloud-init", "vmdrift dump > dump.json"],
    ("completion",): ["bash|zsh|fish", 'eval "$(vmdrift completion bash)"', "vmdrift completion fish >"],
}


def test_every_command_is_listed_with_what_its_help_says() -> None:
    assert {words[0] for words in HELP if words} | {"plan", "audit"} == set(main.commands)


@pytest.mark.parametrize(
    "name", sorted(set(main.commands) - {"run", "watch", "serve", "work", "probe", "completion", "dump"})
)
def test_every_command_that_answers_does_so_in_json_and_yaml(name: str) -> None:
    options = [option for parameter in main.commands[name].params for option in parameter.opts]
    assert {"--json", "-o", "--output"} <= set(options)


@pytest.mark.parametrize("words", HELP)
def test_help_names_what_there_is(words: tuple[str, ...]) -> None:
    done = vmdrift(*words, "--help", env={"COLUMNS": "80"})

    assert done.code == 0
    assert done.err == ""
    for text in HELP[words]:
        assert text in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("move",), "No such command 'move'"),
        (("run", "--force"), "No such option"),
        (("work",), "Missing argument"),
        (("work", "hard"), "'hard' is not one of 'audit', 'drifts', 'fencing', 'intake', 'outgoing', 'scheduler'"),
        (("events", "--follow", "--dead"), "--follow cannot be combined with --dead or --resend"),
        (("events", "--last", "-1"), "is not in the range"),
        (("status", "a/b/c"), "'a/b/c' is not a node's name"),
        (("status", "worker-1", "--watch"), "--watch shows all outages"),
        (("history", "now"), "unexpected extra argument"),
        (("status", "--watch", "--json"), "--watch and --json cannot be combined"),
        (("history", "--last", "0"), "is not in the range"),
        (("doctor", "--role", "operator"), "'operator' is not one of 'watcher', 'receiver', 'intake', 'drifts'"),
        (("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (("hold", "Shop/web"), "'Shop/web' is not a node's name, a VM as NAMESPACE/NAME, or all"),
        (("hold", "all", "--for", "soon"), "'--for': invalid duration 'soon'; use 90s, 30m, 2h or 1d"),
        (("resume", "a/b/c"), "'NODE|NAMESPACE/VM|all': 'a/b/c' is not a node's name"),
        (("cancel", "worker-2"), "'NAMESPACE/VM': 'worker-2' is not a VM as NAMESPACE/NAME"),
        (("retry", "all"), "'all' is not a VM"),
        (("drift", "Shop/web"), "'Shop/web' is not a VM"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_usage(words: tuple[str, ...], said: str) -> None:
    done = vmdrift(*words)

    assert done.code == 2
    assert "Usage: " in done.err
    assert said in done.err


def test_without_a_command_it_shows_the_help() -> None:
    done = vmdrift()

    assert done.code == 2
    assert "Before an outage:" in done.out + done.err


def test_it_is_a_program() -> None:
    done = python("-m", "vmdrift")

    assert (done.code, done.out) == (2, "")
    assert "Before an outage:" in done.err


@pytest.mark.skipif(not list(distributions(name="vm-drift")), reason="the version is the installed package's")
def test_it_tells_its_version() -> None:
    assert vmdrift("--version").code == 0


@pytest.mark.parametrize(
    ("package", "usage"),
    [
        (reactor, "reactor watch|serve [--insecure-no-auth]"),
        (workers, "workers drifts|fencing|intake|outgoing|scheduler"),
    ],
)
@pytest.mark.parametrize("words", [[], ["nothing"], ["watch", "drifts"]])
def test_a_package_without_a_role_tells_its_roles(
    package: Callable[[list[str]], int], usage: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert package(words) == 2
    assert capsys.readouterr() == ("", f"usage: python -m {usage}\n")


def test_the_help_lists_every_command_once_in_a_group() -> None:
    names = [line.split()[0] for line in vmdrift("--help").out.partition("\nLook:")[2].splitlines() if line[:2] == "  "]
    assert sorted(name for name in names if name in main.commands) == sorted(main.commands)
    assert {"retry", "hold", "unfence"} <= set(GROUPS["Act"])


@pytest.mark.parametrize("words", [("--kubeconfig", "{}", "audit"), ("audit", "--kubeconfig", "{}")])
def test_a_kubeconfig_that_is_named_wins_over_the_environment(words: tuple[str, ...], tmp_path: Path) -> None:
    done = vmdrift(*(word.format(tmp_path / "mine") for word in words), env={"KUBECONFIG": "/the/environments"})
    assert (done.code, done.out) == (2, "")
    assert f"KUBECONFIG={tmp_path}/mine: " in done.err
    assert os.environ.get("KUBECONFIG") != str(tmp_path / "mine")


def test_a_context_is_of_the_kubeconfig_and_neither_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("{contexts: [], clusters: [], users: []}")
    done = vmdrift("--context", "outer", "audit", "--context", "prod", "--kubeconfig", str(tmp_path / "mine"))
    assert f"KUBECONFIG={tmp_path}/mine, context prod: " in done.err
    assert "'--context': it is empty" in vmdrift("plan", "n", "--context", "").err
    assert "~/.kube/config is never used silently" in vmdrift("audit", "--context", "prod").err
