"""A person intervenes, by the command line, against real processes."""

from collections.abc import Callable

import orjson
import pytest
from redis import Redis

from tests.acceptance.commands import Done, eventually, vmdrift
from tests.acceptance.sites import Site

ROLES = ("reactor watch", "workers events", "workers scheduler", "workers drifts")


@pytest.fixture
def cluster(site: Callable[[int], Site]) -> Site:
    return site(0)


def run(cluster: Site, *words: str) -> Done:
    return vmdrift(*words, env=cluster.env("operator"))


@pytest.mark.timeout(200)
def test_hold_cancel_retry_and_resume_in_a_real_outage(cluster: Site) -> None:
    cluster.start(*ROLES)
    assert run(cluster, "holds").out == "Nobody asked for anything to be left alone.\n"
    held = run(cluster, "hold", "shop/web", "--for", "1h", "--why", "the backup runs")
    assert (held.code, held.err) == (0, "")
    assert held.out.startswith("shop/web is held until 2")
    cluster.demo.cut_power()
    cluster.wait_for("waiting", *cluster.demo.expected)
    assert run(cluster, "cancel", "shop/queue", "--why", "a new one is there").code == 0
    cluster.wait_for("cancelled", "shop/queue")
    cluster.wait_for("blocked", "shop/web")
    cluster.wait_for("completed", "shop/files")
    drifts = cluster.drifts()
    assert drifts["shop/web"]["reason"] == "held"
    assert drifts["shop/web"]["sentence"].endswith(": the backup runs.")
    assert drifts["shop/queue"]["reason"] == "cancelled-by-hand"
    deleted = {entry["name"] for entry in cluster.deletes("pods")}
    assert not any("-web-" in name or "-queue-" in name for name in deleted)

    told = orjson.loads(run(cluster, "holds", "--json").out)
    assert {(one["kind"], one["target"], one["why"]) for one in told} == {
        ("hold", "vm/shop/web", "the backup runs"),
        ("cancel", "vm/shop/queue", "a new one is there"),
    }
    assert "the backup runs" in run(cluster, "holds").out
    with Redis.from_url(cluster.redis_url) as redis:
        assert redis.ping()
    assert run(cluster, "resume", "shop/web").code == 0
    assert run(cluster, "retry", "shop/queue").code == 0
    cluster.wait_for("completed", "shop/web", "shop/queue")
    assert cluster.truth()["twice"] == []
    assert run(cluster, "holds").out == "Nobody asked for anything to be left alone.\n"


def test_a_drift_that_is_asked_for_is_answered_with_what_was_found(cluster: Site) -> None:
    cluster.start("workers events")
    with Redis.from_url(cluster.redis_url) as redis:
        eventually("a worker is there", lambda: redis.scard("rq:workers") == 1)
    assert "The API server calls node worker-1 Ready" in run(cluster, "drift", "shop/web").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold", "Shop/web"), "'Shop/web' is neither a node's name, nor a VM as NAMESPACE/NAME, nor all"),
        (("hold", "all", "--for", "soon"), "--for: 'soon' is no time such as 30m, 2h or 1d"),
        (("resume", "worker-2"), "worker-2 is not held"),
        (("cancel", "worker-2"), "'worker-2' is no VM as NAMESPACE/NAME"),
        (("cancel", "shop/web"), "shop/web: no drift in any open outage"),
        (("retry", "shop/web"), "shop/web: no drift in any open outage"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(cluster: Site, words: tuple[str, ...], said: str) -> None:
    done = run(cluster, *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_a_slip_of_the_pen_is_held_all_the_same_and_told(cluster: Site) -> None:
    assert "There is no node wroker-1 now." in run(cluster, "hold", "wroker-1").out
    assert "There is no VM shop/wbe now." in run(cluster, "hold", "shop/wbe").out
