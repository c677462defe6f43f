"""`vmdrift doctor` and `vmdrift history` against real processes, with the rights that the manifests give."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis import Redis

from tests.acceptance.commands import Done, eventually, vmdrift
from tests.acceptance.guarded import guarded
from tests.acceptance.sites import Site
from vmdrift.processes import Processes

ROLES = ("reactor watch", "workers events", "workers scheduler", "workers drifts")


@pytest.fixture
def cluster(site: Callable[[int], Site]) -> Site:
    return site(0)


def doctor(cluster: Site, *words: str, role: str = "operator", **more: str) -> Done:
    return vmdrift("doctor", *words, env={**cluster.env(role), **more})


def checks(done: Done) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By check and what it is about."""
    return {(one["check"], one["about"]): one for one in orjson.loads(done.out)["checks"]}


def working(cluster: Site) -> None:
    """Every role is there."""
    cluster.start(*ROLES)
    with Redis.from_url(cluster.redis_url) as redis:
        eventually("workers are there", lambda: redis.scard("rq:workers") == 2)
        eventually("a scheduler is there", lambda: redis.exists("rq:scheduler-lock:drifts") == 1)


def test_where_all_is_well_it_says_so_and_what_breaks_it_names(cluster: Site) -> None:
    working(cluster)
    well = doctor(cluster, "--json")
    assert (well.code, well.err) == (0, "")
    assert orjson.loads(well.out)["summary"] == {"ok": len(checks(well)), "warning": 0, "failed": 0, "unknown": 0}
    assert checks(well)["KubeVirt", ""]["sentence"] == "v1.8.0-simulated is deployed."
    assert checks(well)["workers", "drifts"]["sentence"] == "1 alive."
    changed = [entry for entry in cluster.demo.ask(do="audit") if entry["user"].endswith("ops:vm-drift")]
    assert {entry["verb"] for entry in changed if entry["resource"] != "selfsubjectaccessreviews"} <= {"get", "list"}

    for name in [name for name in cluster.processes._children if "scheduler" in name]:
        cluster.processes._children[name].kill()
        cluster.processes._children.pop(name).wait()
    with Redis.from_url(cluster.redis_url) as redis:
        eventually("its lock is gone", lambda: redis.exists("rq:scheduler-lock:drifts") == 0)
    done = doctor(cluster, "--json", VMDRIFT_RESYNC="soon")
    assert done.code == 1
    wrong = {name: one for name, one in checks(done).items() if one["status"] != "ok"}
    assert {name for name, _ in wrong} == {"scheduler", "settings"}
    assert all(one["status"] == "failed" and one["fix"] for one in wrong.values())

    cluster.demo.ask(do="api_down")
    told = doctor(cluster)
    assert told.code == 1
    assert "The API server gave no answer" in told.out
    assert "-> Set KUBECONFIG to a kubeconfig file" in told.out


@pytest.mark.parametrize("role", ["watcher", "intake", "drifts"])
def test_each_role_has_by_the_manifest_what_it_needs(cluster: Site, role: str) -> None:
    found = checks(doctor(cluster, "--role", role, "--json", role=role))
    access = [one for (name, _), one in found.items() if name == "access"]
    assert access
    assert {one["status"] for one in access} == {"ok"}


def test_a_role_that_may_not_delete_is_told_so_verb_by_verb(cluster: Site) -> None:
    done = doctor(cluster, "--role", "drifts", "--json", role="intake")
    assert done.code == 1
    told = checks(done)["access", "pods"]
    assert told["sentence"] == "get and delete not allowed, and needed by drifts; list allowed."
    assert "ClusterRole vm-drift-drifts" in told["fix"]
    assert "get and delete not allowed" in " ".join(doctor(cluster, "--role", "drifts", role="intake").out.split())


def test_a_user_of_redis_who_may_not_see_the_queues_is_told_so(folder: Path) -> None:
    with Processes(folder) as processes:
        urls = guarded(processes, folder)
        done = vmdrift("doctor", "--json", env={"VMDRIFT_REDIS_URL": urls["watcher"]})
        drifts = vmdrift("doctor", "--json", env={"VMDRIFT_REDIS_URL": urls["drifts"]})
    assert checks(done)["queues", ""]["status"] == "unknown"
    assert checks(drifts)["scheduler", "drifts"]["status"] == "failed"
    assert "pass" not in done.out + drifts.out


def test_without_anything_it_tells_what_to_set() -> None:
    done = vmdrift("doctor", env={"VMDRIFT_REDIS_URL": "redis://:secret@127.0.0.1:1/0", "COLUMNS": "80"})
    assert (done.code, done.err) == (1, "")
    assert "secret" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    for text in ("VMDRIFT_REDIS_URL", "KUBECONFIG"):
        assert text in done.out


@pytest.mark.timeout(200)
@pytest.mark.nightly
def test_an_outage_that_is_over_is_history(cluster: Site) -> None:
    env = cluster.env("operator")
    assert vmdrift("history", env=env).out.startswith("No outage is remembered")
    working(cluster)
    cluster.demo.cut_power()
    for vm, phase in cluster.demo.expected.items():
        cluster.wait_for(phase.value, vm)
    (before,) = orjson.loads(vmdrift("history", "--json", env=env).out)["outages"]
    assert (before["done"], before["recovered_at"]) == (False, None)
    cluster.demo.ask(do="power_on", node=cluster.demo.lost)
    eventually("it is over", lambda: not cluster.store.outages())

    (past,) = orjson.loads(vmdrift("history", "--json", env=env).out)["outages"]
    assert (past["node"], past["done"], past["going_on"]) == (cluster.demo.lost, True, 0)
    assert past["recovered_at"] > past["lost_at"]
    assert {drift["vm"]: drift["phase"] for drift in past["drifts"]} == cluster.demo.expected
    times = [drift["recovery"] for drift in past["drifts"] if drift["phase"] == "completed"]
    assert past["recovery"]["longest"] == max(times) > min(times) > 0
    table = vmdrift("history", env=env).out
    assert "4 completed, 2 refused. Recovery: median" in table
    for vm in cluster.demo.expected:
        assert vm in table
