"""Redis with one user a role, as k8s/base makes them: everything works, and nobody reads or writes what is not his."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from reactor.adapters.redis.audits import RedisAudits
from reactor.adapters.redis.deeds import RedisDeeds
from reactor.adapters.redis.plug_memory import RedisPlugMemory
from reactor.adapters.redis.sessions import OpenSessions
from reactor.adapters.redis.store import RedisStore
from reactor.model.audit import Audit, Loss
from reactor.model.deed import Deed
from reactor.model.errors import StoreRefused
from reactor.model.suspicion import Suspects
from tests.acceptance.examined import checks
from tests.acceptance.story import Stage
from tests.contracts.samples import SUSPICION
from tests.support.commands import vmdrift
from tests.support.redis_users import BASE, MADE, TESTER, guarded, roles, users_made
from vmdrift.processes import Processes
from vmdrift.valkey import start

AUDIT = Audit(1000.0, 4600.0, 2.5, "auto", 12, 340, 4, (Loss("any-1", 12, 12, 7),))
OVERLAYS = BASE.parent / "overlays"


@pytest.fixture(scope="module")
def urls() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, Processes(Path(name)) as processes:
        yield guarded(processes, Path(name))


def test_in_a_whole_story_no_role_lacks_a_right_in_redis_or_in_the_cluster(story: Stage) -> None:
    denied = [one for one in story.seen["denied before"] + story.seen["denied"] if one["reason"] != "auth"]
    assert denied == []  # but for a wrong password
    assert {entry["user"].rpartition(":")[2] for entry in story.seen["requests"]} >= {"watcher", "intake", "drifts"}
    assert [entry for entry in story.seen["requests"] if entry["code"] == 403] == []


def test_every_vm_runs_once_and_each_pod_was_deleted_once_by_its_uid(story: Stage) -> None:
    """Though a worker was killed, and Redis and the API server were away."""
    truth, deletes = story.seen["truth"], story.seen["deletes"]
    assert truth["twice"] == []
    assert {vm: len(truth["running"][vm]) for vm in story.site.demo.expected} == dict.fromkeys(
        story.site.demo.expected, 1
    )
    assert len({entry["name"] for entry in deletes}) == len(deletes) == 4
    assert all(entry["uid_precondition"] for entry in deletes)


def test_every_page_opens_and_shows_what_a_drifts_job_is(story: Stage) -> None:
    assert {path: answer.status for path, answer in story.seen["pages"].items() if answer.status != 200} == {}
    job = story.seen["job"]
    assert job["description"] == "drift shop/database from worker-1"
    assert orjson.loads(job["metadata"])["phase"] == "completed"


def test_metrics_tell_the_recoveries_the_workers_the_deliveries_and_when_the_watcher_was_seen(story: Stage) -> None:
    told = story.seen["pages"]["/metrics"].body.decode()
    assert "vmdrift_recovery_duration_seconds_count 4.0" in told
    assert "\nvmdrift_watcher_last_seen_timestamp_seconds " in told
    assert re.search(r'vmdrift_queue_workers{queue="outgoing"} [1-9]', told)
    assert 'vmdrift_events_told_total{result="delivered",type="io.vmdrift.vm.drift.completed"}' in told


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("receiver", ("SET", "vmdrift:drift:x", "1")),
        ("receiver", ("LPUSH", "rq:queue:drifts", "x")),
        ("receiver", ("SET", "vmdrift:outage:x", "1")),
        ("receiver", ("HSET", "rq:job:drift", "data", "x")),
        ("watcher", ("GET", "vmdrift:receipt:x")),
        ("receiver", ("SET", "vmdrift:receipt:person-0a1b", "x")),
        ("watcher", ("LPUSH", "rq:queue:fencing", "x")),
        ("receiver", ("HSET", "vmdrift:took", "ended failed", "1")),
        ("receiver", ("HSET", "rq:worker:x", "state", "idle")),
        ("watcher", ("HGETALL", "vmdrift:took")),
        ("watcher", ("SET", "vmdrift:read:x", "1")),
        ("drifts", ("SET", "vmdrift:summary", "x")),
        ("receiver", ("SET", "vmdrift:suspects", "x")),
        ("drifts", ("SET", "vmdrift:plug:u1:x", "1")),
        ("watcher", ("SET", "vmdrift:plug:u1:x", "1")),
        ("intake", ("SET", "vmdrift:plug:u1:x", "1")),
        ("watcher", ("HSET", "vmdrift:suspicions", "x", "x")),
        ("receiver", ("HSET", "vmdrift:suspicions:ended", "life", "1")),
        ("fencing", ("SET", "vmdrift:summary:x", "x")),
        ("receiver", ("SET", "vmdrift:summary", "x")),
        ("drifts", ("SET", "vmdrift:watcher", "1")),
        ("receiver", ("SET", "vmdrift:deeds-told", "1-1")),
        ("drifts", ("XADD", "vmdrift:deeds", "*", "deed", "x")),
        # A worker's queue is its own, and so are its jobs, whatever their keys are called.
        ("drifts", ("RPUSH", "rq:queue:events", "x")),
        ("drifts", ("RPUSH", "rq:queue:fencing", "x")),
        ("drifts", ("HSET", "rq:job:event_x", "data", "x")),
        ("drifts", ("HSET", "rq:job:fence_x", "data", "x")),
        ("outgoing", ("RPUSH", "rq:queue:drifts", "x")),
        ("outgoing", ("HSET", "rq:job:0a1b2c", "data", "x")),
        ("outgoing", ("SADD", "rq:job:0a1b2c:dependents", "x")),
        ("fencing", ("RPUSH", "rq:queue:outgoing", "x")),
        ("fencing", ("HSET", "rq:worker:drifts-x", "state", "idle")),
        ("intake", ("RPUSH", "rq:queue:outgoing", "x")),
        ("intake", ("ZADD", "rq:scheduled:outgoing", "1", "x")),
        ("scheduler", ("ZADD", "rq:failed:drifts", "1", "x")),
        ("scheduler", ("GET", "vmdrift:drift:x")),
        ("outgoing", ("SET", "vmdrift:drift:x", "1")),
        ("drifts", ("GET", "vmdrift:receipt:x")),
        ("intake", ("ZADD", "vmdrift:sessions:ann", "1", "x")),
        ("outgoing", ("GET", "vmdrift:page-key")),
        *[(role, ("FLUSHALL",)) for role in ("watcher", "receiver", "intake", "drifts", "outgoing", "scheduler")],
        ("audit", ("GET", "vmdrift:drift:x")),
        ("audit", ("RPUSH", "rq:queue:drifts", "x")),
        ("audit", ("HSET", "vmdrift:deeds", "x", "1")),
        ("audit", ("FLUSHALL",)),
        ("receiver", ("SET", "vmdrift:audit", "x")),
        ("drifts", ("DEL", "vmdrift:audit")),
        ("watcher", ("GET", "vmdrift:audit")),
        ("intake", ("CONFIG", "GET", "*")),
        ("drifts", ("KEYS", "*")),
        ("drifts", ("SHUTDOWN",)),
        ("intake", ("ACL", "LIST")),
    ],
)
def test_what_is_not_a_roles_own_is_refused(urls: Mapping[str, str], role: str, command: tuple[str, ...]) -> None:
    with Redis.from_url(urls[role]) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*command)


def test_the_receiver_opens_and_ends_sessions(urls: Mapping[str, str]) -> None:
    with Redis.from_url(urls["receiver"]) as redis:
        sessions = OpenSessions(redis)
        one = sessions.open("ann", 1000.0, 2000.0)
        assert (sessions.is_open("ann", one, 1999.9), sessions.is_open("ann", one, 2000.0)) == (True, False)
        sessions.close("ann", one)
        assert not sessions.is_open("ann", one, 1000.0)


def test_which_plugs_were_read_as_on_is_the_fencing_roles_own_memory(urls: Mapping[str, str]) -> None:
    with Redis.from_url(urls["fencing"]) as redis:
        memory = RedisPlugMemory(redis, lambda: 1000.0)
        memory.saw_on("u1", ["one", "two"])
        memory.forget("u1", ["two"])
        assert memory.seen_on("u1", ["one", "two"]) == {"one": 1000.0}


def test_what_an_audit_found_is_written_by_its_role_and_read_by_whoever_shows_it(urls: Mapping[str, str]) -> None:
    with ExitStack() as open_ones:
        redis = {role: open_ones.enter_context(Redis.from_url(urls[role])) for role in ("audit", "receiver", "drifts")}
        RedisAudits(redis["audit"]).write(AUDIT)
        assert {role: RedisAudits(one).last() for role, one in redis.items()} == dict.fromkeys(redis, AUDIT)
        with pytest.raises(StoreRefused):
            RedisAudits(redis["receiver"]).write(AUDIT)
    with Redis.from_url(urls["watcher"]) as watcher:
        assert RedisAudits(watcher).last() is None  # who may not read it is no worse off than without


def test_a_suspicion_is_shown_by_watchers_written_by_intake_and_read_by_whoever_shows_it(
    urls: Mapping[str, str],
) -> None:
    stores = {
        role: RedisStore(Redis.from_url(urls[role]), 3600) for role in ("watcher", "intake", "receiver", "drifts")
    }
    stores["watcher"].suspicions.show(Suspects((SUSPICION,)))
    stores["intake"].suspicions.begin(SUSPICION, [{"id": "1"}])
    assert stores["intake"].suspicions.open() == [SUSPICION]
    stores["intake"].suspicions.end(SUSPICION, "life", [])
    assert stores["intake"].suspicions.too_many()
    assert (stores["receiver"].suspicions.ended(), stores["drifts"].suspicions.ended()) == ({"life": 1}, {})
    assert {stores[role].suspicions.shown().suspicions for role in ("receiver", "drifts")} == {(SUSPICION,)}


def test_without_a_user_nobody_gets_in(urls: Mapping[str, str]) -> None:
    anybody = urls["tester"].replace("tester@", "")
    with Redis.from_url(anybody) as redis, pytest.raises(RedisError, match="authenticated"):
        redis.ping()


def test_a_user_of_redis_who_may_not_see_the_queues_is_told_so_by_doctor(urls: Mapping[str, str]) -> None:
    done, drifts = (vmdrift("doctor", "--json", env={"VMDRIFT_REDIS_URL": urls[who]}) for who in ("watcher", "drifts"))
    assert checks(done)["queues", ""]["status"] == "unknown"
    assert checks(drifts)["scheduler", "drifts"]["status"] == "failed"
    assert "pass" not in done.out + drifts.out


@pytest.mark.parametrize("password", ["", None])
def test_a_user_without_a_password_stops_the_start_and_is_named(
    folder: Path, password: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    given = {role: role for role in roles() if role != "drifts"} | ({} if password is None else {"drifts": password})
    with pytest.raises(subprocess.CalledProcessError):
        users_made(folder, given)
    assert capfd.readouterr().err == "Secret redis: no password for drifts\n"


def test_keda_may_ask_for_the_length_of_its_list_and_for_nothing_else(folder: Path) -> None:
    """By a script, as its Redis scaler does: https://keda.sh/docs/latest/scalers/redis-lists/."""
    script = (
        "local t = redis.call('type', KEYS[1]).ok; if t == 'list' then return redis.call('llen', KEYS[1]) end return 0"
    )
    made = {**MADE, "keda.rules": (OVERLAYS / "keda" / "keda.rules").read_text()}
    acl = users_made(folder, {role: role for role in [*roles(), "keda"]}, made)
    with Processes(folder) as processes:
        acl.write_text(acl.read_text() + TESTER)
        socket = start(processes, folder, user="tester", aclfile=str(acl)).removeprefix("unix://tester@")
        with Redis.from_url(f"unix://keda@{socket}?password=keda") as redis:
            assert redis.eval(script, 1, "rq:queue:drifts") == 0
            for key in ("rq:queue:events", "vmdrift:outages"):
                with pytest.raises((NoPermissionError, ResponseError)):
                    redis.eval(script, 1, key)
            with pytest.raises(NoPermissionError):
                redis.rpush("rq:queue:drifts", "x")


def test_who_did_what_is_noted_by_those_who_do_it_and_shown_by_those_who_show_outages(urls: Mapping[str, str]) -> None:
    deed = Deed("hold", "node/node-a", "ann", "page", "firmware", 1795500000.0, None, ("o-1",))
    with ExitStack() as open_ones:
        redis = {role: open_ones.enter_context(Redis.from_url(urls[role])) for role in ("receiver", "intake", "drifts")}
        logs = {role: RedisDeeds(connection, 60_000) for role, connection in redis.items()}
        logs["receiver"].note(deed)
        logs["intake"].note(deed)
        assert {role: log.of(["o-1"]) for role, log in logs.items()} == {role: {"o-1": [deed]} for role in logs}
        logs["intake"].told(logs["intake"].untold(9)[-1][0])
        with pytest.raises(StoreRefused):
            logs["drifts"].note(deed)
        with pytest.raises(StoreRefused):
            logs["receiver"].told("1-1")
