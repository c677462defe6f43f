"""A connection to Redis: one server, or the primary that Sentinels name. The URL may hold passwords: none is shown."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.sentinel import Sentinel

from reactor.adapters.redis.clock import CachedClock, redis_time
from reactor.adapters.redis.errors import translated
from reactor.model.errors import SettingsError
from reactor.model.times import Clock

_SENTINEL_PORT = 26379
_TIMES: Mapping[str, float] = {"socket_timeout": 5, "socket_connect_timeout": 3, "health_check_interval": 15}  # seconds
_MALFORMED = "VMDRIFT_REDIS_URL: not a valid URL (special characters in a password must be percent-encoded)"
_SENTINEL_FORM = (
    "VMDRIFT_REDIS_URL: expected redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/NAME[/DATABASE]"
    "[?sentinel_username=...&sentinel_password=...&ssl_ca_certs=FILE], with special characters percent-encoded"
)
_SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password", "ssl_ca_certs"})


def connect(url: str, retry: Retry | None = None, within: float | None = None) -> Redis:
    """A connection that has answered once. Raises StoreUnreachable, StoreRefused, or SettingsError for a bad URL.

    `retry`: how failed commands are tried again; None is the library's default, some seconds for each Sentinel.
    `within`: seconds for each answer, after which nothing is tried again: a Redis that hangs is soon known to.
    """
    more: Mapping[str, Any] = {"retry": retry} if retry else {}
    if within is not None:
        # Once more only where a connection was closed meanwhile: it may be an old one, and Redis well.
        more = {
            "retry": Retry(NoBackoff(), 1, (RedisConnectionError,)),
            "socket_timeout": within,
            "socket_connect_timeout": within,
        }
    common = {**_TIMES, **more}
    try:
        redis = _primary(url, common) if "+sentinel://" in url else Redis.from_url(url, **common)
        with translated():
            redis.ping()
    except (ValueError, TypeError):  # TypeError: an unknown parameter after "?" is found when it connects
        # Not the library's message: of a password with a "/" or "#" in it, it would show the beginning.
        raise SettingsError(_MALFORMED) from None
    return redis


def shared_clock(redis: Redis) -> Clock:
    """Redis' own, for all that processes share: read at most once a second. Raises StoreError."""

    def read() -> float:
        with translated():
            return redis_time(redis)

    return CachedClock(read)


def _primary(url: str, common: Mapping[str, Any]) -> Redis:
    """The primary as the Sentinels name it, looked up again for each new connection."""
    scheme, _, rest = url.partition("+sentinel://")
    try:
        # urlsplit knows one host only, so all of them are passed to it as the part that it does not parse.
        parts = urlsplit(f"x://{rest}")
        userinfo, _, hosts = parts.netloc.rpartition("@")
        name, _, database = parts.path.strip("/").partition("/")
        options = {key: values[0] for key, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        sentinels = [_host(host) for host in hosts.split(",")]
        db = int(database or 0)
    except ValueError:
        raise SettingsError(_SENTINEL_FORM) from None
    if not name or not options.keys() <= _SENTINEL_OPTIONS or parts.fragment:
        raise SettingsError(_SENTINEL_FORM)
    common = {**common, "ssl": scheme == "rediss"}
    if authority := options.pop("ssl_ca_certs", ""):
        common["ssl_ca_certs"] = authority
    sentinel_options = {key.removeprefix("sentinel_"): value for key, value in options.items()}
    sentinel = Sentinel(sentinels, sentinel_kwargs={**common, **sentinel_options}, **common)
    primary: Redis = sentinel.master_for(name, db=db, **_credentials(userinfo))
    return primary


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, "", str(_SENTINEL_PORT))
    if not host:
        raise ValueError(text)
    return host.strip("[]"), int(port)


def _credentials(userinfo: str) -> dict[str, str]:
    user, _, password = (unquote(part) for part in userinfo.partition(":"))
    return {name: value for name, value in {"username": user, "password": password}.items() if value}
