"""Which plugs were read as on: what reads off proves something only of a plug that has been seen on.

    plug:UID:ID    the plug of this id (model.plug), of the node with this uid: when it was last read as on, in seconds
                   since the epoch; expires after `timing.PLUG_SEEN`

All of it may be lost at any time: then what reads off proves nothing until the plug was read as on once more.
"""

from collections.abc import Collection
from typing import Any, Protocol

from redis import Redis

from reactor import timing
from reactor.adapters.redis.contents import a_number, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.times import Clock


class PlugMemory(Protocol):
    """Of nodes by their uid, and of their plugs by id. All methods raise StoreUnreachable or StoreRefused."""

    def saw_on(self, uid: str, ids: Collection[str]) -> None:
        """They were read as on just now."""

    def seen_on(self, uid: str, ids: Collection[str]) -> dict[str, float]:
        """When each of these was last read as on, in seconds since the epoch; without those that never were."""

    def forget(self, uid: str, ids: Collection[str]) -> None:
        """They belong to another machine: they read off, and the node was heard afterwards."""


class RedisPlugMemory:
    """The PlugMemory on a Redis or Valkey server."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis, self._clock = redis, clock

    def saw_on(self, uid: str, ids: Collection[str]) -> None:
        with translated(), self._redis.pipeline() as pipe:
            for id_ in ids:
                pipe.set(_key(uid, id_), f"{self._clock():.0f}", ex=int(timing.PLUG_SEEN))
            pipe.execute()

    def seen_on(self, uid: str, ids: Collection[str]) -> dict[str, float]:
        if not ids:
            return {}
        with translated():
            found: Any = self._redis.mget([_key(uid, id_) for id_ in ids])
        seen = {id_: _moment(uid, text) for id_, text in zip(ids, found, strict=True) if text is not None}
        return {id_: at for id_, at in seen.items() if at is not None}

    def forget(self, uid: str, ids: Collection[str]) -> None:
        if ids:
            with translated():
                self._redis.delete(*(_key(uid, id_) for id_ in ids))


def _key(uid: str, id_: str) -> str:
    return f"{PREFIX}plug:{uid}:{id_}"


def _moment(uid: str, text: bytes) -> float | None:
    at = a_number(text)
    if at is None:
        passed_over(f"plug of {uid}", "it is not a number")
    return at
