"""What a Redis or Valkey server reports of itself: whether it keeps what is written, and what its clock shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from reactor.adapters.redis.errors import translated


@dataclass(frozen=True, slots=True)
class Server:
    """`name` with its version; `time` in seconds since the epoch, None where it reports none; memory in bytes.

    `appends`: each write goes to a file (appendonly). `writes`: the last write to its disk went well. `policy`: what it
    evicts when `used` reaches `memory` (0: no limit).
    """

    name: str
    primary: bool
    appends: bool
    writes: bool
    policy: str
    memory: int
    used: int
    time: float | None


def server(redis: Redis) -> Server:
    """Raises StoreError."""
    with translated():
        info: Any = redis.info()
    return of(info)


def of(info: Mapping[str, Any]) -> Server:
    """From INFO; what an older server does not report counts as its default."""
    valkey = info.get("valkey_version")
    now = info.get("server_time_usec")
    went_well = (info.get(name, "ok") == "ok" for name in ("aof_last_write_status", "rdb_last_bgsave_status"))
    return Server(
        name=f"Valkey {valkey}" if valkey else f"Redis {info.get('redis_version', '?')}",
        primary=info.get("role", "master") == "master",
        appends=bool(info.get("aof_enabled")),
        writes=all(went_well),
        policy=str(info.get("maxmemory_policy", "noeviction")),
        memory=int(info.get("maxmemory", 0)),
        used=int(info.get("used_memory", 0)),
        time=float(now) / 1e6 if now else None,
    )
