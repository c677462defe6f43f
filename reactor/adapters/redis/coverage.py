"""What the waker (`reactor.wake`) has seen of an open outage, for the passes over its drifts.

vmdrift:watched:<outage>   since when all that its drifts wait for is watched without a gap     expires in seconds
vmdrift:stirred:<drift>    when something happened to it last                                   an hour
vmdrift:awaited:<outage>   hash: an object that a drift waits to see the end of -> the drift    a day

All of it may be lost: then every drift is looked at as often as without a waker.
"""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from redis import Redis

from reactor import timing
from reactor.adapters.redis.contents import a_number, text_of
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.lua import script
from reactor.model.drift import Watched
from reactor.model.identity import Drift

_STIRRED_TTL, _AWAITED_TTL = 3600, 86400  # seconds


class Coverage(Protocol):
    """Every method raises StoreUnreachable or StoreRefused. Times are of Redis' clock, seconds since the epoch."""

    def cover(self, watched: Mapping[str, float]) -> None:
        """These outages, by id, are watched without a gap since then. It holds for timing.COVERED."""

    def stir(self, drift_ids: Collection[str]) -> None:
        """Something has just happened to these drifts: they are to be looked at."""

    def watched(self, drift: Drift) -> Watched | None:
        """None where nobody watches it."""

    def wait_for(self, drift: Drift, objects: Collection[str], before: Collection[str] = ()) -> None:
        """This drift waits to see the end of these objects (RESOURCE/NAME), and no longer of those before."""

    def waiting_for(self, outage_id: str, obj: str) -> str:
        """The id of the drift that waits to see the end of this object, "" where none does."""

    def waits(self, outage_id: str) -> bool:
        """Does any drift of this outage wait to see the end of some object?"""


class RedisCoverage:
    """The Coverage on a Redis or Valkey server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._stir = redis.register_script(script("stir"))

    def cover(self, watched: Mapping[str, float]) -> None:
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for outage_id, since in watched.items():
                pipe.set(f"{PREFIX}watched:{outage_id}", f"{since:.6f}", px=int(timing.COVERED * 1000))
            pipe.execute()

    def stir(self, drift_ids: Collection[str]) -> None:
        with translated():
            self._stir([f"{PREFIX}stirred:{drift_id}" for drift_id in drift_ids], [_STIRRED_TTL])

    def watched(self, drift: Drift) -> Watched | None:
        with translated():
            keys = [f"{PREFIX}watched:{drift.outage.id}", f"{PREFIX}stirred:{drift.id}"]
            found: Any = self._redis.mget(keys)
        since, stirred = (a_number(value) for value in found)
        return None if since is None else Watched(since, stirred or 0.0)

    def wait_for(self, drift: Drift, objects: Collection[str], before: Collection[str] = ()) -> None:
        key, gone = f"{PREFIX}awaited:{drift.outage.id}", set(before).difference(objects)
        with translated(), self._redis.pipeline() as pipe:
            if gone:
                pipe.hdel(key, *gone)
            if objects:
                pipe.hset(key, mapping=dict.fromkeys(objects, drift.id))
            pipe.expire(key, _AWAITED_TTL)
            pipe.execute()

    def waiting_for(self, outage_id: str, obj: str) -> str:
        with translated():
            found: Any = self._redis.hget(f"{PREFIX}awaited:{outage_id}", obj)
        return text_of(found) if found else ""

    def waits(self, outage_id: str) -> bool:
        with translated():
            return bool(self._redis.exists(f"{PREFIX}awaited:{outage_id}"))
