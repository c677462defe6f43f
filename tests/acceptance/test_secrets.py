"""Passwords and tokens everywhere, and trouble with all of them: none is in a log, in Redis, or on a page."""

import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from redis import Redis

from tests.acceptance.commands import eventually, python, vmdrift
from tests.acceptance.guarded import guarded, roles
from tests.acceptance.http import ask, free_address
from tests.acceptance.sites import ACCOUNTS, Site
from tests.receivers import receiving
from vmdrift.processes import Processes
from vmdrift.valkey import start

SENDER, SINK, IN_URL, WRONG = (f"{name}-that-nobody-may-see" for name in ("sender", "sink", "in-url", "wrong"))
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/m",
    "type": "io.vmdrift.vm.drift.requested",
    "subject": "shop/database",
}
ROLES = ("reactor watch", "workers events", "workers scheduler", "workers drifts")


def spelt(secret: str) -> set[bytes]:
    """As it might be written."""
    return {secret.encode(), quote(secret, safe="").encode(), b64encode(secret.encode())}


def secrets() -> set[bytes]:
    """All that the processes of this test know."""
    passwords = [f'{role}\'s "pass\\word" $1 %' for role in roles()]  # tests.acceptance.guarded
    accounts = [f"token-{role}" for role in ACCOUNTS]
    return {word for one in (SENDER, SINK, IN_URL, WRONG, *passwords, *accounts) for word in spelt(one)}


def found_in(texts: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Where a secret stands, and which."""
    return [(place, secret) for place, text in texts for secret in secrets() if secret in text]


def held(redis: Any) -> Iterator[tuple[str, bytes]]:
    """Everything that Redis holds; RQ's jobs and results are compressed, some twice wrapped."""
    readers = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": lambda key: [fields for _, fields in redis.xrange(key)],
    }
    for key in redis.scan_iter("*"):
        for value in leaves(readers[redis.type(key)](key)):
            yield key.decode(), key + b" " + unpacked(value)


def leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif value is not None:
        for inner in value:
            yield from leaves(inner)


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


@pytest.mark.timeout(300)
def test_no_secret_is_in_a_log_in_redis_or_on_a_page(folder: Path) -> None:
    with Processes(folder) as processes, receiving() as sink:
        site, address = Site(processes, folder, 0, guarded(processes, folder)), free_address()
        sink.answers = [(503, {}), (400, {}), (302, {"Location": f"http://127.0.0.1:1/?access_token={IN_URL}"})]
        site.start(*ROLES)
        site.start("reactor serve", VMDRIFT_LISTEN=address, VMDRIFT_TOKENS_FILE=str(senders(folder)))
        (folder / "sink-token").write_text(SINK)
        outgoing = {"VMDRIFT_SINK_TOKEN_FILE": str(folder / "sink-token")}
        site.start("workers outgoing", VMDRIFT_SINK=f"{sink.url}?access_token={IN_URL}", **outgoing)
        eventually("it receives", lambda: ask(f"http://{address}/readyz").status == 200)
        site.demo.cut_power()
        site.wait_for("waiting", "shop/database")
        posted(address)
        without_redis_and_api(site)
        for vm, phase in site.demo.expected.items():
            site.wait_for(phase.value, vm)
        eventually("the ends were told", lambda: sum(e["type"].endswith("completed") for e in sink.got) == 4)
        assert f"Bearer {SINK}" in {headers.get("authorization") for headers in sink.headers}
        assert any(IN_URL in path for path in sink.paths)
        pages = [(path, bytes(ask(f"http://{address}{path}").body)) for path in ("/metrics",)]
        with Redis.from_url(site.redis_url) as redis:
            kept = list(held(redis))
        said = list(refused(site, address))
    logs = [(path.name, path.read_bytes()) for path in folder.glob("*.log")]
    assert {name.split("-", 1)[-1].removesuffix(".log") for name, _ in logs} >= {*ROLES, "reactor serve"}
    assert any(b"Redis is away" in text for _, text in logs), "nobody met the trouble"
    assert any(place.startswith("rq:job:") and b"shop" in text for place, text in kept), "no job could be read"
    assert found_in([*logs, *kept, *pages, *said]) == []


def senders(folder: Path) -> Path:
    file = folder / "senders.json"
    file.write_bytes(orjson.dumps({"senders": [{"name": "m", "token": SENDER}]}))
    return file


def posted(address: str) -> None:
    """Rightly and wrongly, in the header, the query and the event itself where nobody should write it."""
    body = orjson.dumps(EVENT)
    assert ask(f"http://{address}/", body, Authorization=f"Bearer {SENDER}").status == 202
    assert ask(f"http://{address}/?access_token={SENDER}", body).status == 202
    assert ask(f"http://{address}/", body, Authorization=f"Bearer {WRONG}").status == 401
    assert ask(f"http://{address}/?access_token={WRONG}", body).status == 401
    assert ask(f"http://{address}/nowhere?access_token={SENDER}", body).status == 404
    assert ask(f"http://{address}/", b"{", Authorization=f"Bearer {SENDER}").status == 400


def without_redis_and_api(site: Site) -> None:
    """Every role runs into both, and goes on afterwards."""
    server = site.processes._children.pop("valkey")
    server.kill()
    server.wait()
    site.demo.ask(do="api_down")
    log = site.processes.logs

    def met() -> bool:
        text = b"".join(path.read_bytes() for path in log.glob("*-*.log"))
        return text.count(b"Redis is away") >= 3

    eventually("they say that Redis is away", met)
    start(site.processes, site.folder, user="tester", aclfile=str(site.folder / "users.acl"))
    site.demo.ask(do="api_up")


def refused(site: Site, address: str) -> Iterator[tuple[str, bytes]]:
    """What processes say that cannot start, or only show something."""
    wrong = site.urls["drifts"].partition("?")[0] + f"?password={WRONG}"
    starts = {
        "workers drifts": {"VMDRIFT_REDIS_URL": wrong},
        "workers scheduler": {"VMDRIFT_REDIS_URL": f"redis://:{WRONG}/x@127.0.0.1:1"},
        "workers outgoing": {"VMDRIFT_SINK": f"ftp://x?access_token={IN_URL}"},
        "reactor serve": {"VMDRIFT_LISTEN": address, "VMDRIFT_REDIS_URL": site.urls["receiver"]},
    }
    for words, env in starts.items():
        done = python("-m", *words.split(), env={**site.env(), **env})
        assert done.code == 2, (words, done)
        yield words, (done.out + done.err).encode()
    for command in ("status", "events"):
        done = vmdrift(command, env={**site.env(), "VMDRIFT_REDIS_URL": site.urls["drifts"]})
        yield command, (done.out + done.err).encode()


def test_the_net_catches_each_spelling_in_plain_text_and_in_a_job(redis: Redis) -> None:
    redis.hset("rq:job:x", "data", zlib.compress(f'["f", ["{WRONG}"]]'.encode()))
    redis.xadd("vmdrift:events", {"event": quote('drifts\'s "pass\\word" $1 %', safe="")})
    assert len(found_in(held(redis))) == 2
