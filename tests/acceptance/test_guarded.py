"""Redis with one user a role, as k8s/base makes them: everything works, and nobody reads or writes what is not his."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from tests.acceptance.commands import eventually
from tests.acceptance.guarded import BASE, RULES, TESTER, denied, guarded, roles, users_made
from tests.acceptance.http import ask, free_address
from tests.acceptance.kubevents import assert_told
from tests.acceptance.sites import Site
from tests.receivers import receiving
from vmdrift.processes import Processes
from vmdrift.valkey import start

OVERLAYS = BASE.parent / "overlays"
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/m",
    "type": "io.vmdrift.vm.drift.requested",
    "subject": "shop/database",
}


@pytest.fixture
def urls(folder: Path) -> Iterator[tuple[Processes, Mapping[str, str]]]:
    with Processes(folder) as processes:
        yield processes, guarded(processes, folder)


@pytest.mark.timeout(200)
def test_a_whole_story_with_each_roles_own_rights(folder: Path, urls: tuple[Processes, Mapping[str, str]]) -> None:
    processes, users = urls
    site, address = Site(processes, folder, 0, users), free_address()
    with receiving() as sink:
        sink.answers = [(503, {}), (400, {})]
        site.start("reactor watch", "workers events", "workers scheduler", "workers drifts", "workers drifts")
        site.start("reactor serve", VMDRIFT_LISTEN=address)
        site.start("workers outgoing", VMDRIFT_SINK=sink.url)
        eventually("it receives", lambda: ask(f"http://{address}/readyz").status == 200)
        site.demo.cut_power()
        site.wait_for("waiting", "shop/database")
        assert ask(f"http://{address}/", orjson.dumps(EVENT)).status == 202
        (victim, *_) = [name for name in processes._children if "drifts" in name]
        processes._children[victim].kill()
        processes._children.pop(victim).wait()
        for vm, phase in site.demo.expected.items():
            site.wait_for(phase.value, vm)
        eventually("the ends were told", lambda: sum(e["type"].endswith("completed") for e in sink.got) == 4)
        for path in ("/metrics", "/", "/history", "/vm/shop/database", "/rq/", "/rq/0/data/workers.json"):
            assert ask(f"http://{address}{path}").status == 200, path
        drift = site.records()["shop/database"].drift.id
        job = ask(f"http://{address}/rq/0/data/job/{drift}.json").body
        assert job["description"] == "drift shop/database off worker-1"
        assert orjson.loads(job["metadata"])["phase"] == "completed"
        for registry in ("queued", "started", "failed", "finished", "scheduled"):
            assert ask(f"http://{address}/rq/0/data/jobs/drifts/{registry}/8/asc/1.json").status == 200, registry
        for role, verb in {"watcher": "watch", "intake": "list", "drifts": "delete"}.items():
            sent = f'vmdrift_api_requests_total{{code="200",role="{role}",verb="{verb}"}}'
            eventually(f"{role} has reported", lambda sent=sent: sent in metrics(address))  # type: ignore[misc]
        told = metrics(address)
        assert "vmdrift_recovery_duration_seconds_count 4.0" in told
        assert "\nvmdrift_watcher_last_seen_timestamp_seconds " in told
        assert 'vmdrift_queue_workers{queue="outgoing"} 1.0' in told
    assert_told(site)
    assert denied(users["tester"]) == []
    assert [entry for entry in site.audit() if entry["code"] == 403] == []


def metrics(address: str) -> str:
    answer = ask(f"http://{address}/metrics")
    assert answer.status == 200
    return str(answer.body.decode())


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("receiver", ("SET", "vmdrift:drift:x", "1")),
        ("receiver", ("LPUSH", "rq:queue:drifts", "x")),
        ("receiver", ("SET", "vmdrift:outage:x", "1")),
        ("receiver", ("HSET", "rq:job:drift", "data", "x")),
        ("watcher", ("GET", "vmdrift:receipt:x")),
        ("watcher", ("LPUSH", "rq:queue:drifts", "x")),
        ("receiver", ("HSET", "vmdrift:took", "ended failed", "1")),
        ("receiver", ("HSET", "rq:worker:x", "state", "idle")),
        ("watcher", ("HGETALL", "vmdrift:took")),
        ("scheduler", ("GET", "vmdrift:drift:x")),
        ("outgoing", ("SET", "vmdrift:drift:x", "1")),
        ("drifts", ("GET", "vmdrift:receipt:x")),
        *[(role, ("FLUSHALL",)) for role in ("watcher", "receiver", "intake", "drifts", "outgoing", "scheduler")],
        ("intake", ("CONFIG", "GET", "*")),
        ("drifts", ("KEYS", "*")),
        ("drifts", ("SHUTDOWN",)),
        ("intake", ("ACL", "LIST")),
    ],
)
def test_what_is_not_a_roles_own_is_refused(
    urls: tuple[Processes, Mapping[str, str]], role: str, command: tuple[str, ...]
) -> None:
    with Redis.from_url(urls[1][role]) as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*command)


def test_without_a_user_nobody_gets_in(urls: tuple[Processes, Mapping[str, str]]) -> None:
    anybody = urls[1]["tester"].replace("tester@", "")
    with Redis.from_url(anybody) as redis, pytest.raises(RedisError, match="authenticated"):
        redis.ping()


@pytest.mark.parametrize("password", ["", None])
def test_a_user_without_a_password_stops_the_start_and_is_named(
    folder: Path, password: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    given = {role: role for role in roles() if role != "drifts"} | ({} if password is None else {"drifts": password})
    with pytest.raises(subprocess.CalledProcessError):
        users_made(folder, given, [RULES])
    assert capfd.readouterr().err == "Secret redis: no password for drifts\n"


def test_keda_may_ask_for_the_length_of_its_list_and_for_nothing_else(folder: Path) -> None:
    """By a script, as its Redis scaler does: https://keda.sh/docs/latest/scalers/redis-lists/."""
    script = (
        "local t = redis.call('type', KEYS[1]).ok; if t == 'list' then return redis.call('llen', KEYS[1]) end return 0"
    )
    acl = users_made(folder, {role: role for role in [*roles(), "keda"]}, [RULES, OVERLAYS / "keda" / "keda.rules"])
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
