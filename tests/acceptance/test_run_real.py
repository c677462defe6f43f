"""`vmdrift run` on a cluster that KUBECONFIG names: only observing, unless told to act."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from simulator.apiserver import kubeconfig
from tests.acceptance.conftest import Start
from tests.support import schemas
from tests.support.commands import eventually, gone, vmdrift
from tests.support.http import ask, free_address
from tests.support.receivers import receiving
from tests.support.sites import Site

DRIFTING = {"shop/web", "shop/database", "shop/queue", "shop/files"}


@pytest.mark.long(60)
@pytest.mark.timeout(400)
def test_it_observes_by_default_and_acts_receives_and_delivers_when_told_to(
    site: Callable[[int], Site], start: Start
) -> None:
    cluster = site(0)
    observer = start("run", quick=True, **{**cluster.env("operator"), "VMDRIFT_POLICY": "auto"})
    observer.says(f"Cluster: {cluster.demo.url} (only observing; --act lets it act).")
    observer.says("vmdrift status")
    cluster.demo.cut_power()
    eventually("every drift is judged", lambda: _observed(cluster) == DRIFTING)

    cluster.wait_for("refused", "shop/scratch")
    assert all(check["held"] for check in cluster.drifts()["shop/web"]["checks"])
    assert cluster.deletes("pods") == cluster.deletes("volumeattachments") == []
    assert {entry["verb"] for entry in cluster.audit()} <= {"get", "list", "watch"}
    assert not list(observer.left()[0].glob("valkey*")), "a Redis was given"
    assert cluster.redis_url not in observer.said, "a URL may hold a password"
    children = observer.descendants()
    assert observer.ends(signal.SIGTERM) == 0
    assert observer.left() == []
    gone(children)

    address = free_address()
    settings = {name: value for name, value in cluster.env("operator").items() if name != "VMDRIFT_REDIS_URL"}
    with receiving() as sink:
        more = {"VMDRIFT_POLICY": "observe", "VMDRIFT_LISTEN": address, "VMDRIFT_SINK": sink.url}
        actor = start("run", "--act", quick=True, **{**settings, **more})
        actor.says(f"Cluster: {cluster.demo.url} (acting on it).")
        actor.says("shop/web: completed")
        actor.says("shop/queue: completed")
        ended = {("shop/web", "io.vmdrift.vm.drift.completed"), ("shop/queue", "io.vmdrift.vm.drift.completed")}
        eventually("both ends are delivered", lambda: {(e["subject"], e["type"]) for e in sink.got} >= ended)
        assert ask(f"http://{address}/readyz").status == 200
        for event in sink.got:
            schemas.check(event)

        names = [entry["name"] for entry in cluster.deletes("pods")]
        assert len(names) == len(set(names)) == len(DRIFTING)
        hint = re.search(r"VMDRIFT_REDIS_URL=(\S+) vmdrift status", actor.said)
        assert hint, "how to see more of a Redis of its own"
        assert "shop/web" in vmdrift("status", "shop/web", env={"VMDRIFT_REDIS_URL": hint[1]}).out
        children = actor.descendants()
        assert actor.ends(signal.SIGINT) == 0
    assert actor.left() == []
    gone(children)
    assert cluster.truth()["twice"] == []


def test_a_cluster_that_is_away_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:1", "token")))

    done = vmdrift("run", env={"KUBECONFIG": str(tmp_path / "kubeconfig")})

    assert done.code == 2
    assert "cannot start: the API server gave no answer" in done.err
    assert done.err.count("\n") == 1


def _observed(cluster: Site) -> set[str]:
    return {vm for vm, drift in cluster.drifts().items() if drift["reason"] == "observe-only"}
