"""`vmdrift status`: what people and machines see while things run."""

import orjson
from redis import Redis

from reactor.adapters.redis.store import RedisStore
from tests.acceptance.story import Stage
from tests.contracts.samples import outage_record, record
from tests.support.commands import vmdrift

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


def test_before_the_window_ends_every_vm_waits(story: Stage) -> None:
    early = story.said["lost: status"]

    assert early.code == 0
    assert "Node worker-1 is lost since" in early.out
    assert "6 VMs: 6 waiting." in early.out
    assert "Window left" in early.out


def test_it_shows_every_check_of_every_drift_with_its_sentence(story: Stage) -> None:
    drifts, table = story.seen["drifts"], story.said["judged: status"].out

    assert [check["name"] for check in drifts["shop/scratch"]["checks"]] == CHECKS
    assert set(drifts) == set(story.site.demo.expected)
    for vm, drift in drifts.items():
        assert vm in table
        assert bool(drift["checks"]) == (drift["phase"] != "cancelled"), vm
        for check in drift["checks"]:
            assert check["held"] or check["reason"], check
            assert check["sentence"].endswith("."), check
    for check in drifts["shop/scratch"]["checks"]:
        assert check["sentence"] in table
    assert "✗ failed" in table


def test_without_an_outage_it_says_so(redis_url: str, redis: Redis) -> None:
    assert redis.dbsize() == 0

    assert vmdrift("status", env={"VMDRIFT_REDIS_URL": redis_url}).out == "No node is lost.\n"
    assert (
        vmdrift("status", "--json", env={"VMDRIFT_REDIS_URL": redis_url}).out
        == '{\n  "version": 1,\n  "outages": []\n}\n'
    )


def test_a_namespace_shows_its_own_vms_and_says_where_there_are_none(redis_url: str, redis: Redis) -> None:
    store, env = RedisStore(redis, 3600), {"VMDRIFT_REDIS_URL": redis_url}
    store.save_outage(outage_record(), done=False)
    for vm in ("web", "mail"):
        store.create(record(vm), [])

    here = vmdrift("status", "-n", "shop", "-o", "json", env=env)
    assert len(orjson.loads(here.out)["outages"][0]["drifts"]) == 2
    assert orjson.loads(here.out)["selected"] == "namespace shop"
    assert vmdrift("status", "-A", "-o", "json", env=env).out == vmdrift("status", "--json", env=env).out
    assert "No VM of namespace bank is on a lost node." in vmdrift("status", "-n", "bank", env=env).out
    assert orjson.loads(vmdrift("history", "-n", "bank", "--json", env=env).out)["outages"] == []


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
