"""The one table of roles, held against what says the same in its own words: manifests, commands, docs, simulator."""

import re
from typing import Any

import pytest
import yaml

import reactor.__main__
import workers.__main__
from reactor.adapters.rq import RUNS
from reactor.roles import ALIASES, AUDIT, BY_QUEUE, ON_CLUSTER, ROLES, Role, used
from reactor.settings import Settings
from simulator.documents import documents
from simulator.process import USERS
from tests.support.places import K8S
from vmdrift.cli import main

BASE = K8S / "base"
DOCUMENTS = [one for file in sorted(BASE.glob("*.yaml")) for one in documents(file.read_text())]
BASE_RULES, AUDIT_RULES = ((K8S / file).read_text() for file in ("base/users.rules", "components/audit/audit.rules"))
RULES = dict(line.split(maxsplit=1) for line in f"{BASE_RULES}{AUDIT_RULES}".splitlines() if line[0] != "#")
OPERATIONS = (K8S.parent / "docs" / "operations.md").read_text()
EACH = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def of_kind(kind: str) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == kind}


@EACH
def test_the_deployment_of_a_role_runs_its_command_as_itself(role: Role) -> None:
    deployment = of_kind("Deployment")[role.name]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["metadata"]["labels"] == {"vm-drift.io/role": role.name}
    assert container["args"] == role.command.split()
    assert pod["serviceAccountName"] == role.name
    (password,) = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if one["name"] == "REDIS_PASSWORD"]
    assert password == {"name": "redis", "key": role.name}


@EACH
def test_who_needs_no_cluster_is_given_no_token(role: Role) -> None:
    account = of_kind("ServiceAccount")[role.name]
    assert (account.get("automountServiceAccountToken", True) is False) == (not role.rights)
    assert f"system:serviceaccount:vm-drift:{role.name}" in USERS.values() or not role.rights


@EACH
def test_a_role_is_a_worker_of_its_own_queue_alone_in_redis(role: Role) -> None:
    worked = set(re.findall(r" ~rq:workers:(\w+)", f" {RULES[role.name]}"))
    assert worked == ({role.queue} if role.queue else set())
    assert re.findall(r"~rq:worker:(\w+)-\*", RULES[role.name]) == ([role.queue] if role.queue else [])


def test_nobody_else_has_a_place_in_the_manifests() -> None:
    names = {role.name for role in ROLES}
    assert {name for name, one in of_kind("Deployment").items() if "labels" in one["metadata"]} == names
    assert set(of_kind("ServiceAccount")) == names
    assert set(of_kind("NetworkPolicy")) - {"redis", "nothing"} == names
    assert set(RULES) == names
    sentinel = yaml.safe_load((K8S / "overlays" / "redis-sentinel" / "kustomization.yaml").read_text())
    assert {"|".join(sorted(names))} <= {"|".join(sorted(_targets(patch))) for patch in sentinel["patches"]}


def _targets(patch: Any) -> list[str]:
    return str(patch.get("target", {}).get("name", "")).split("|")


def test_who_is_opted_in_to_has_no_user_in_redis_before() -> None:
    """A user whose password an older Secret does not have would keep Redis from starting."""
    assert re.findall(r"(?m)^audit ", BASE_RULES) == []
    assert re.findall(r"(?m)^(\w+) ", AUDIT_RULES) == [AUDIT.name]


@EACH
def test_the_docs_say_how_each_is_started(role: Role) -> None:
    (row,) = re.findall(rf"^\| `{role.name}`.*\|$", OPERATIONS, re.MULTILINE)
    assert f"`vmdrift {role.command}`" in row


def test_every_role_has_a_function_and_every_queue_its_jobs() -> None:
    started = {f"reactor {word}" for word in reactor.__main__.ROLES}
    started |= {f"workers {word}" for word in workers.__main__.ROLES}
    started |= {f"vmdrift work {AUDIT.word}"}  # the command itself: tests/integration/test_audit_role.py starts it
    assert started == {role.module for role in ROLES}
    assert BY_QUEUE.keys() == RUNS.keys()


@pytest.mark.parametrize(("old", "word"), ALIASES.items())
def test_an_older_name_is_still_understood_and_nowhere_offered(old: str, word: str) -> None:
    (argument,) = [one for one in main.commands["work"].params if one.param_type_name == "argument"]
    assert argument.type.convert(old, argument, None) == word
    assert old not in argument.make_metavar(main.make_context("vmdrift", ["work", word]))
    assert old not in workers.__main__.ROLES


def test_who_has_nothing_to_do_is_not_used() -> None:
    least = [role.name for role in used(Settings())]
    assert least == ["watcher", "receiver", "intake", "drifts", "scheduler"]
    assert used(Settings(sink="http://sink", fencing=("event",), audit_every=3600.0)) == ROLES
    assert [role.name for role in ROLES if role not in ON_CLUSTER] == ["outgoing", "scheduler"]
