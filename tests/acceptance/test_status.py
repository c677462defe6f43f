"""`vmdrift status`: what people and machines see while things run."""

import re
from pathlib import Path

import orjson
from redis import Redis

from reactor.adapters.redis.store import RedisStore
from tests.acceptance.story import Stage
from tests.contracts.samples import outage_record, record
from tests.support.commands import vmdrift
from tests.support.redis_users import denied, guarded
from vmdrift.processes import Processes

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


def test_before_the_window_ends_it_is_known_who_will_move_and_who_stays_but_of_one_that_is_held(
    story: Stage,
) -> None:
    early = story.said["lost: status"]

    assert early.code == 0
    will = r"3 will move \(first in \d+ s\), 1 not foreseen yet \(first in \d+ s\)"
    known = rf"{will}, 2 will stay down: act now"  # shop/licence is pinned, shop/scratch has its disk there
    assert re.search(rf"worker-1 lost \d+ s ago · 6 VMs: {known}", early.out)
    assert early.out.index("shop/licence") < early.out.index("3: shop/")
    assert "watcher heard" in early.out
    assert "workers events 1, drifts" in early.out


def test_once_they_are_judged_the_first_line_says_how_many_need_somebody(story: Stage) -> None:
    (line,) = [line for line in story.said["judged: status"].out.splitlines() if line.startswith("worker-1 lost")]
    assert line.endswith(": act now")
    assert "stay down" in line


def test_it_shows_every_check_of_every_drift_with_its_sentence(story: Stage) -> None:
    drifts, table = story.seen["drifts"], story.said["judged: status worker-1"].out

    assert [check["name"] for check in drifts["shop/scratch"]["checks"]] == CHECKS
    assert set(drifts) == set(story.site.demo.expected)
    for vm, drift in drifts.items():
        assert vm in table
        assert drift["checks"] or drift["phase"] == "cancelled", vm  # it may have been checked before, or not
        for check in drift["checks"]:
            assert check["held"] or check["reason"], check
            assert check["sentence"].endswith("."), check
    for check in drifts["shop/scratch"]["checks"]:
        assert check["sentence"] in table
    assert "✗ failed" in table


def test_without_an_outage_it_says_so(redis_url: str, redis: Redis) -> None:
    assert redis.dbsize() == 0

    strip, *said = vmdrift("status", env={"VMDRIFT_REDIS_URL": redis_url, "COLUMNS": "400"}).out.splitlines()
    assert strip.startswith("watcher has never been heard: no lost node is noticed · scheduler missing")
    assert said == ["No node is lost."]
    told = orjson.loads(vmdrift("status", "--json", env={"VMDRIFT_REDIS_URL": redis_url}).out)
    assert (told["version"], told["outages"], told["missing"]) == (1, [], "no worker is alive")
    assert {row["name"] for row in told["health"] if row["level"] == "bad"} == {"watcher", "scheduler", "workers"}


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


def test_what_is_in_no_outage_is_said_with_exit_code_1(redis_url: str, redis: Redis) -> None:
    assert redis.dbsize() == 0
    done = vmdrift("status", "worker-9", env={"VMDRIFT_REDIS_URL": redis_url})
    assert (done.code, done.out) == (1, "")
    assert "worker-9 is in no open outage" in done.err


def test_where_people_run_it_in_a_pod_of_the_drifts_role_it_may_read_all_of_it(folder: Path) -> None:
    with Processes(folder) as processes:
        urls = guarded(processes, folder)
        done = vmdrift("status", env={"VMDRIFT_REDIS_URL": urls["drifts"], "COLUMNS": "400"})
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("watcher has never been heard")
        assert denied(urls["tester"]) == []
        scheduler = vmdrift("status", env={"VMDRIFT_REDIS_URL": urls["scheduler"]})
        assert (scheduler.code, scheduler.out) == (2, "")  # which may not even read outages


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
