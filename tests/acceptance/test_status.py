"""`vmdrift status`: what people and machines see while things run."""

from collections.abc import Callable

from redis import Redis

from tests.acceptance.commands import vmdrift
from tests.acceptance.sites import Site

CHECKS = [
    "node",
    "window",
    "proof",
    "signs of life",
    "quorum",
    "placement",
    "storage",
    "comeback",
    "policy",
    "launcher",
    "no hold",
]


def test_it_shows_every_check_of_every_drift_with_its_sentence(site: Callable[[int], Site]) -> None:
    cluster = site(0)
    cluster.start("reactor watch", "workers events", "workers scheduler", "workers drifts")
    cluster.demo.cut_power()
    cluster.wait_for("waiting", *cluster.demo.expected)

    early = cluster.status()
    assert early.code == 0
    assert "Node worker-1 is lost since" in early.out
    assert "6 VMs: 6 waiting." in early.out
    assert "Window left" in early.out

    cluster.wait_for("refused", "shop/scratch", "shop/licence")
    cluster.wait_for("detaching", "shop/database")
    drifts = cluster.drifts()
    table = cluster.status().out

    assert [check["name"] for check in drifts["shop/scratch"]["checks"]] == CHECKS
    assert set(drifts) == set(cluster.demo.expected)
    for vm, drift in drifts.items():
        assert vm in table
        assert drift["checks"], vm
        for check in drift["checks"]:
            assert check["held"] or check["reason"], check
            assert check["sentence"].endswith("."), check
    for check in drifts["shop/scratch"]["checks"]:
        assert check["sentence"] in table
    assert "does not hold" in table


def test_without_an_outage_it_says_so(redis_url: str, redis: Redis) -> None:
    assert redis.dbsize() == 0

    assert vmdrift("status", env={"VMDRIFT_REDIS_URL": redis_url}).out == "No node is lost.\n"
    assert vmdrift("status", "--json", env={"VMDRIFT_REDIS_URL": redis_url}).out == '{\n  "outages": []\n}\n'


def test_without_redis_it_says_so_in_one_line() -> None:
    done = vmdrift("status", env={"VMDRIFT_REDIS_URL": "redis://:secret@127.0.0.1:1/0"})

    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("vmdrift status: Redis is away: ")
    assert done.err.count("\n") == 1
    assert "secret" not in done.err


def test_a_malformed_setting_is_named_in_one_line() -> None:
    done = vmdrift("status", env={"VMDRIFT_RESYNC": "soon", "VMDRIFT_DETACH_POLICY": "perhaps"})

    assert done.code == 2
    assert "VMDRIFT_RESYNC: 'soon' is not a number of seconds from 1 to 3600" in done.err
    assert "VMDRIFT_DETACH_POLICY" in done.err
    assert done.err.count("\n") == 1
