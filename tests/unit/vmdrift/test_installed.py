"""`plan` and `audit` judge by the installation's settings, with what this shell sets on top, and say so."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.model.drift import Policy
from reactor.model.errors import Forbidden, SettingsError
from reactor.settings import Settings, env_name
from rehearsal.twins.cluster import ApiCluster
from simulator.apiserver import ApiServer, kubeconfig
from simulator.scene import Storage, Vm
from simulator.world import World
from tests.support.commands import Done, vmdrift
from tests.unit.vmdrift.plans import LOST, listed, world_of
from vmdrift.snapshot.installed import JUDGING, InstalledSettings, JudgedBy

DATA = {
    "VMDRIFT_POLICY": "auto",
    "VMDRIFT_DETACH_POLICY": "delete",
    "VMDRIFT_SAME_STORAGE": "a=b",
    "VMDRIFT_REDIS_URL": "redis://:hunter2@redis",
    "VMDRIFT_SINK": "https://sink/hunter2",
    "PASSWORD": "hunter2",
}


def installed(world: World, data: Mapping[str, Any] | None = None) -> World:
    config_map = {"metadata": {"name": "settings", "namespace": "vm-drift"}, "data": data or DATA}
    world.api.client("admin").create("configmaps", config_map)
    return world


def judged(world: World, env: Mapping[str, str] | None = None) -> JudgedBy:
    return JudgedBy.of(InstalledSettings.of_cluster(ApiCluster(world.api, "admin"), "vm-drift"), env or {}, "here")


def test_the_variables_that_judge_are_those_of_the_policy_and_none_is_secret() -> None:
    secret = {env_name(row) for row in fields(Settings) if row.metadata.get("secret")}
    assert secret
    assert not JUDGING & secret
    assert len(JUDGING) == len(fields(Policy))


def test_the_installation_judges_and_secrets_of_it_are_not_even_read() -> None:
    found = judged(installed(world_of()))
    assert found.policy == Policy(mode="auto", detach="delete", same_storage=(("a", "b"),))
    assert found.sentence == "Judged by the settings of vm-drift/settings (here)."
    assert "hunter2" not in json.dumps(found.as_object()) + repr(found)


def test_what_this_shell_sets_wins_and_is_named() -> None:
    found = judged(
        installed(world_of()), {"VMDRIFT_DETACH_POLICY": "wait", "VMDRIFT_REDIS_URL": "redis://x", "HOME": "/"}
    )
    assert (found.policy.detach, found.policy.same_storage) == ("wait", (("a", "b"),))
    assert (
        found.sentence
        == "Judged by the settings of vm-drift/settings (here), except VMDRIFT_DETACH_POLICY of this shell."
    )
    assert found.as_object()["shell"] == ("VMDRIFT_DETACH_POLICY",)


def test_without_a_config_map_it_is_this_shell_or_the_defaults() -> None:
    assert judged(world_of()).sentence == (
        "Judged by the default settings: there is no ConfigMap vm-drift/settings (VMDRIFT_NAMESPACE)."
    )
    mine = judged(world_of(), {"VMDRIFT_POLICY": "never"})
    assert mine.policy.mode == "never"
    assert mine.sentence.startswith("Judged by VMDRIFT_POLICY of this shell, else the defaults: there is no ConfigMap")


def test_a_malformed_setting_of_the_installation_is_not_passed_over() -> None:
    world = installed(world_of(), {"VMDRIFT_DETACH_POLICY": "soon", "VMDRIFT_MAX_FENCES": "2"})
    with pytest.raises(SettingsError, match=r"vm-drift/settings \(here\): VMDRIFT_DETACH_POLICY: 'soon' is not one of"):
        judged(world)
    assert judged(world, {"VMDRIFT_DETACH_POLICY": "wait"}).policy.max_fences == 2  # it is not asked


@pytest.mark.parametrize("header", [{}, {"settings": 5}, {"settings": {"data": {"VMDRIFT_POLICY": "never"}}}])
def test_a_header_of_a_dump_that_says_nothing_of_settings_gives_none(header: dict[str, Any]) -> None:
    assert InstalledSettings.of_dump(header) == InstalledSettings()


def test_a_header_of_a_dump_is_others_words() -> None:
    header = {
        "settings": {
            "config_map": "x/settings",
            "data": {"VMDRIFT_POLICY": ["never"], "PATH": "/", "VMDRIFT_DETACH_POLICY": "delete"},
        }
    }
    assert InstalledSettings.of_dump(header).data == {"VMDRIFT_DETACH_POLICY": "delete"}


def run_on(world: World, tmp_path: Path, *words: str, **env: str) -> Done:
    with ApiServer(world.api) as server:
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(server.url, "t")))
        return vmdrift(*words, "--kubeconfig", str(tmp_path / "kubeconfig"), env=env)


def test_plan_audit_and_dump_over_http(tmp_path: Path) -> None:
    world = installed(world_of(Vm("web", Storage.RBD_BLOCK, node=LOST)))
    plan = run_on(world, tmp_path, "plan", LOST)
    assert plan.out.startswith(f"Judged by the settings of vm-drift/settings (KUBECONFIG={tmp_path}/kubeconfig).\n")
    told = orjson.loads(run_on(world, tmp_path, "audit", "-o", "json", VMDRIFT_DETACH_POLICY="wait").out)
    assert told["settings"]["detach"] == "wait"
    assert told["settings_from"]["config_map"] == "vm-drift/settings"
    assert told["settings_from"]["shell"] == ["VMDRIFT_DETACH_POLICY"]

    for words, name, left in (((), "vm-drift/settings", []), (("--anonymous",), "settings", ["VMDRIFT_SAME_STORAGE"])):
        dump = run_on(world, tmp_path, "dump", *words)
        assert "hunter2" not in dump.out
        (tmp_path / "dump.json").write_text(dump.out)
        node = LOST if not words else orjson.loads(dump.out)["items"][0]["metadata"]["name"]
        told = orjson.loads(vmdrift("plan", node, "-o", "json", "-f", str(tmp_path / "dump.json")).out)
        assert told["settings"]["detach"] == "delete"
        assert (told["settings_from"]["config_map"], told["settings_from"]["left_out"]) == (name, left)


class _Refusing(ApiCluster):
    def find(self, resource: str, name: str, namespace: str = "") -> None:
        raise Forbidden(f"{resource} {namespace}/{name}")


def test_who_may_not_read_it_is_told_so() -> None:
    found = InstalledSettings.of_cluster(_Refusing(world_of().api, "guest"), "vm-drift")
    assert JudgedBy.of(found, {}, "here").sentence == (
        "Judged by the default settings: to get ConfigMap vm-drift/settings is forbidden."
    )


def test_a_dump_by_kubectl_holds_no_settings(tmp_path: Path) -> None:
    (tmp_path / "dump.json").write_bytes(orjson.dumps(listed(world_of(Vm("web", node=LOST)))))
    done = vmdrift("plan", LOST, "-f", str(tmp_path / "dump.json"))
    assert done.out.startswith("Judged by the default settings: the dump holds none of the installation.\n")
