"""`vmdrift run` on a cluster that KUBECONFIG names: only observing, unless told to act."""

import re
import signal
from collections.abc import Callable

from tests.acceptance.commands import eventually, vmdrift
from tests.acceptance.conftest import Start
from tests.acceptance.sites import Site

DRIFTING = {"shop/web", "shop/database", "shop/queue", "shop/files"}


def test_it_observes_by_default_and_acts_when_told_to(site: Callable[[int], Site], start: Start) -> None:
    cluster = site(0)
    observer = start("run", **{**cluster.env("operator"), "VMDRIFT_POLICY": "auto"})
    observer.says(f"Cluster: {cluster.demo.url} (only observing; --act lets it act).")
    observer.says("vmdrift status")
    cluster.demo.cut_power()
    eventually("every drift is judged", lambda: _observed(cluster) == DRIFTING)

    assert cluster.drifts()["shop/scratch"]["phase"] == "refused"
    assert all(check["held"] for check in cluster.drifts()["shop/web"]["checks"])
    assert cluster.deletes("pods") == cluster.deletes("volumeattachments") == []
    assert {entry["verb"] for entry in cluster.audit()} <= {"get", "list", "watch"}
    assert observer.ends(signal.SIGTERM) == 0
    assert observer.left() == []

    settings = {name: value for name, value in cluster.env("operator").items() if name != "VMDRIFT_REDIS_URL"}
    actor = start("run", "--act", **{**settings, "VMDRIFT_POLICY": "observe"})
    actor.says(f"Cluster: {cluster.demo.url} (acting on it).")
    actor.says("shop/web: completed")
    actor.says("shop/queue: completed")

    names = [entry["name"] for entry in cluster.deletes("pods")]
    assert len(names) == len(set(names)) == len(DRIFTING)
    hint = re.search(r"VMDRIFT_REDIS_URL=(\S+) vmdrift status", actor.said)
    assert hint, "how to see more of a Redis of its own"
    assert "shop/web" in vmdrift("status", env={"VMDRIFT_REDIS_URL": hint[1]}).out
    assert actor.ends(signal.SIGINT) == 0
    assert actor.left() == []
    assert cluster.truth()["twice"] == []


def test_a_cluster_that_is_away_is_told_at_once(site: Callable[[int], Site]) -> None:
    cluster = site(0)
    config = cluster.demo.kubeconfig("operator")
    config.write_text(config.read_text().replace(cluster.demo.url, "http://127.0.0.1:1"))

    done = vmdrift("run", env=cluster.env("operator"))

    assert done.code == 2
    assert "cannot start: the API server gave no answer" in done.err
    assert done.err.count("\n") == 1


def _observed(cluster: Site) -> set[str]:
    return {vm for vm, drift in cluster.drifts().items() if drift["reason"] == "observe-only"}
