"""`vmdrift status`: whose settings it shows, and what people see first, as JSON."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from reactor.model.drift import Phase
from simulator.apiserver import ApiServer, kubeconfig
from tests.page.site import PageSite
from tests.page.test_headline import lose, vm
from tests.support.commands import vmdrift

Install = Callable[..., Mapping[str, str]]


@pytest.fixture
def installed(site: PageSite, redis_url: str, tmp_path: Path) -> Iterator[Install]:
    """A node is lost; the installation has these settings in its ConfigMap. What a shell needs to ask for it."""
    lose(site, vm("web", Phase.RELEASED, "force-deleted"), vm("old", Phase.REFUSED, "pinned-to-node"))
    with ApiServer(site.world.api) as server:
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(kubeconfig(server.url, "a token")))

        def install(**data: str) -> Mapping[str, str]:
            admin = site.world.api.client("system:admin")
            admin.create("namespaces", {"metadata": {"name": "vm-drift"}})
            admin.create("configmaps", {"metadata": {"name": "settings", "namespace": "vm-drift"}, "data": data})
            return {"KUBECONFIG": str(file), "VMDRIFT_REDIS_URL": redis_url}

        yield install


def health(env: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """By row: level and words."""
    done = vmdrift("status", "-o", "json", env=env)
    assert done.code == 0, done.err
    return {row["name"]: (row["level"], row["words"]) for row in json.loads(done.out)["health"]}


def test_the_first_line_is_the_pages_headline(installed: Install, site: PageSite) -> None:
    env = installed()
    site.now = site.store.time()
    headline = re.search(r'<p class="headline urgent">(.*?)</p>', site.browser("bob").get("/").text)
    assert headline
    first = " ".join(vmdrift("status", env={**env, "COLUMNS": "200"}).out.splitlines()[0].split())
    assert (
        first.partition(" · ")[2] == headline[1].partition(" · ")[2] == "2 VMs: 1 is moving, 1 will stay down: act now"
    )
    assert first.startswith("node-a lost ")


def test_policy_and_fencing_are_the_installations(installed: Install) -> None:
    env = installed(VMDRIFT_POLICY="observe", VMDRIFT_FENCING="redfish")
    rows = health(env)
    assert rows["policy"] == ("warn", "observe: nothing is deleted")
    assert rows["fencing"][1] == "armed: redfish; no node was drilled yet"
    assert "fencing" in rows["workers"][1], "a role that only the installation's settings need"
    assert "policy observe: nothing is deleted ·" in " ".join(vmdrift("status", env=env).out.split())


def test_what_this_shell_sets_wins_and_is_named(installed: Install) -> None:
    env = {**installed(VMDRIFT_POLICY="observe"), "VMDRIFT_POLICY": "auto"}
    assert health(env)["policy"] == ("good", "auto (VMDRIFT_POLICY as set for this shell)")


def test_without_a_cluster_they_are_this_shells_and_that_is_said(installed: Install) -> None:
    env = {"VMDRIFT_REDIS_URL": installed(VMDRIFT_POLICY="observe")["VMDRIFT_REDIS_URL"]}
    assert health(env)["policy"] == ("good", "auto (as set for this shell)")


def test_json_has_what_people_see_first(installed: Install) -> None:
    told = json.loads(vmdrift("status", "-o", "json", env=installed(VMDRIFT_POLICY="auto")).out)
    (outage,) = told["outages"]
    head = outage["headline"]
    assert head["text"].startswith("node-a lost ")
    assert head["text"].endswith("2 VMs: 1 is moving, 1 will stay down: act now")
    assert (head["urgent"], head["vms"], head["counts"]["moving"], head["counts"]["stays"]) == (True, 2, 1, 1)
    assert sum(head["counts"].values()) == head["vms"]
    first, second = outage["groups"]
    assert (first["reason"], first["outlook"], first["urgent"], first["vms"]) == (
        "pinned-to-node",
        "stays",
        True,
        ["shop/old"],
    )
    assert (second["phase"], second["vms"]) == ("released", ["shop/web"])
    assert told["missing"] == "no worker is alive"


def test_people_see_the_headline_on_the_first_line(installed: Install) -> None:
    said = vmdrift("status", env=installed(VMDRIFT_POLICY="auto")).out
    assert said.startswith("node-a lost ")
    assert said.splitlines()[0].endswith("2 VMs: 1 is moving, 1 will stay down: act now")
