"""`vmdrift status` says what people asked for, on each row that it concerns, or that it is not known."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.interventions import Interventions, Person
from reactor.model.drift import OutageRecord, Phase
from rehearsal.twins.cluster import ApiCluster
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.samples import outage, record
from tests.page.site import NOW, PageSite
from tests.support.commands import vmdrift


@pytest.fixture
def env(site: PageSite, redis_url: str, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """A node is lost with two VMs; ann holds one of them, and has cancelled it before."""
    site.store.save_outage(OutageRecord(outage(), NOW), done=False)
    for vm in ("web", "db"):
        site.store.create(record(vm), [])
    cluster = ApiCluster(site.world.api, "kubectl")
    wishes = InterventionsConfigMap(cluster, "vm-drift", served_clock(cluster))
    ann = Interventions(Person("ann", "cli"), wishes, lambda: site.store, site.inbox)
    ann.hold("shop/web", 2 * 86400.0, "firmware")
    ann.cancel("shop/web", "a new one is there")
    ann.hold("node-z", None, "it is yet to come", force=True)
    with ApiServer(site.world.api) as server:
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(kubeconfig(server.url, "a token")))
        yield {"KUBECONFIG": str(file), "VMDRIFT_REDIS_URL": redis_url}


def test_each_row_says_what_is_in_force_for_it_and_no_other(env: Mapping[str, str]) -> None:
    done = vmdrift("status", outage().node.name, env={**env, "COLUMNS": "400"})
    assert done.code == 0, done.err
    text = done.out
    row = next(line for line in text.splitlines() if "shop/web" in line and "waiting" in line)
    other = next(line for line in text.splitlines() if "shop/db" in line and "waiting" in line)
    assert ("firmware." in row, "Cancelled by ann" in row, "Held until 20" in row) == (True, True, True)
    assert "ann" not in other
    assert "node-z: Held by ann" in text


def test_a_line_of_a_group_says_it_too_with_the_vms_name_and_what_has_come_first_stays_first(
    env: Mapping[str, str],
) -> None:
    lines = vmdrift("status", env={**env, "COLUMNS": "400"}).out.splitlines()
    (row,) = [line for line in lines if line.strip().startswith("2: shop/db, shop/web")]
    assert "  It waits. shop/web: " in row, "what all of them say stays"
    assert "shop/web: Held until 20" in row
    assert "shop/web: Cancelled by ann" in row
    assert "shop/db: " not in row
    assert lines[0].startswith("node-a lost")
    assert [line for line in lines if line.startswith("node-z: Held by ann")]


def test_lifted_shows_at_once(env: Mapping[str, str], site: PageSite) -> None:
    held = replace(record("db"), reason="held", phase=Phase.BLOCKED, sentence="Held by ann: firmware.")
    lock = site.store.acquire("x", 60)
    assert lock
    site.store.save(held, lock, [])
    assert (
        "Its hold was lifted: it is checked again within 30 s." in vmdrift("status", env={**env, "COLUMNS": "400"}).out
    )


def test_wide_names_all_vms_reasons_and_what_to_do(env: Mapping[str, str]) -> None:
    lines = vmdrift("status", "-o", "wide", env=env).out.splitlines()
    (head,) = [line for line in lines if "VMs" in line and "Why" in line]
    assert [name in head for name in ("Reason", "Down for", "To do")] == [True] * 3
    (row,) = [line for line in lines if "shop/db, shop/web" in line]
    assert "unreachable-window" in row
    assert 'vmdrift confirm-off node-a --i-checked "how you know"' in row


def test_it_is_in_the_json_too(env: Mapping[str, str]) -> None:
    told = json.loads(vmdrift("status", "--json", env=env).out)
    assert {(entry["kind"], entry["target"]) for entry in told["interventions"]} == {
        ("hold", "vm/shop/web"),
        ("cancel", "vm/shop/web"),
        ("hold", "node/node-z"),
    }
    assert {drift["sentence"] for drift in told["outages"][0]["drifts"]} == {"It waits."}, "as it is recorded"


def test_without_a_cluster_it_is_said_that_it_is_not_known(env: Mapping[str, str]) -> None:
    apart = {"VMDRIFT_REDIS_URL": env["VMDRIFT_REDIS_URL"]}
    done = vmdrift("status", env=apart)
    assert (done.code, "Holds are not shown: " in done.out) == (0, True)
    assert "interventions" not in json.loads(vmdrift("status", "--json", env=apart).out)
