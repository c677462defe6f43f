"""What became of each node's last fence drill (model.fence_drill), by provider: for the page, metrics, the next drill.

    drills    hash: NODE/PROVIDER -> FenceDrill as JSON; expires a day after the last drill

All of it may be lost: then every node is drilled again.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import orjson
from redis import Redis

from reactor.adapters.redis.contents import an_object, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.errors import BadInput
from reactor.model.fence_drill import FenceDrill

_KEY, _KEPT = f"{PREFIX}drills", 86400


class FenceDrills(Protocol):
    """Both methods raise StoreUnreachable or StoreRefused."""

    def write(self, drills: Iterable[FenceDrill], gone: Iterable[FenceDrill] = ()) -> None:
        """In place of the last ones; without those of nodes or providers that are `gone`."""

    def all(self) -> list[FenceDrill]:
        """By node and provider; without those that this version cannot read."""


class RedisFenceDrills:
    """The FenceDrills on a Redis or Valkey server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self, drills: Iterable[FenceDrill], gone: Iterable[FenceDrill] = ()) -> None:
        rows: dict[Any, Any] = {_field(drill): orjson.dumps(drill.as_json()) for drill in drills}
        removed = [_field(drill) for drill in gone]
        with translated(), self._redis.pipeline() as pipe:
            if removed:
                pipe.hdel(_KEY, *removed)
            if rows:
                pipe.hset(_KEY, mapping=rows)
            pipe.expire(_KEY, _KEPT)
            pipe.execute()

    def all(self) -> list[FenceDrill]:
        with translated():
            found: Any = self._redis.hgetall(_KEY)
        drills = []
        for field, text in sorted(found.items()):
            try:
                drills.append(FenceDrill.of(an_object(text)))
            except BadInput as error:
                passed_over(f"drill {field!r}", error)
        return drills


def _field(drill: FenceDrill) -> str:
    return f"{drill.node}/{drill.provider}"
