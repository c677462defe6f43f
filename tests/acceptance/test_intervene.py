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
    cancelled = run(cluster, "cancel", "shop/queue", "--why", "a new one is there", "--json")
    assert cancelled.code == 0
    assert orjson.loads(cancelled.out)["node"] == "worker-1"
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
    assert run(cluster, "cancel", "shop/queue").code == 1
    retried = orjson.loads(run(cluster, "retry", "shop/queue", "--json").out)
    assert (retried["began_anew"], [one["why"] for one in retried["lifted"]]) == (True, ["a new one is there"])
    cluster.wait_for("completed", "shop/web", "shop/queue")
    assert cluster.truth()["twice"] == []
    assert run(cluster, "holds").out == "Nobody asked for anything to be left alone.\n"


def test_a_drift_that_is_asked_for_is_answered_with_what_was_found(cluster: Site) -> None:
    cluster.start("workers events")
    with Redis.from_url(cluster.redis_url) as redis:
        eventually("a worker is there", lambda: redis.scard("rq:workers") == 1)
    done = run(cluster, "drift", "shop/web")
    assert (done.code, done.err) == (1, "")
    assert "The API server calls node worker-1 Ready" in done.out
    told = orjson.loads(run(cluster, "drift", "shop/web", "--json").out)
    assert (told["vm"], told["result"]["outcome"], told["result"]["reason"]) == ("shop/web", "nothing", "node-ready")
    assert told["sentence"] in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resume", "worker-2"), "vmdrift resume: worker-2 is not held; `vmdrift holds` shows what is"),
        (("cancel", "shop/web"), "vmdrift cancel: shop/web: no drift in any open outage"),
        (("retry", "shop/web", "--json"), "vmdrift retry: shop/web: no drift in any open outage"),
    ],
)
def test_what_is_not_so_is_told_in_one_line(cluster: Site, words: tuple[str, ...], said: str) -> None:
    done = run(cluster, *words)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith(said)


def test_what_was_done_is_told_in_json(cluster: Site) -> None:
    held = orjson.loads(run(cluster, "hold", "worker-1", "--for", "30m", "--why", "firmware", "--json").out)
    assert (held["command"], held["kind"], held["target"], held["why"]) == ("hold", "hold", "node/worker-1", "firmware")
    assert held["exists"] is True
    assert held["until"] > held["at"]
    lifted = orjson.loads(run(cluster, "resume", "worker-1", "--json").out)
    assert [one["target"] for one in lifted["lifted"]] == ["node/worker-1"]
    assert lifted["sentence"].startswith("worker-1 is not held any more.")


def test_a_slip_of_the_pen_is_held_all_the_same_and_told(cluster: Site) -> None:
    assert "There is no node wroker-1 now." in run(cluster, "hold", "wroker-1").out
    assert "There is no VM shop/wbe now." in run(cluster, "hold", "shop/wbe").out
