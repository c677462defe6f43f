"""Changes of drifts that are yet to be reported as Kubernetes Events, in the order in which they were recorded.

vmdrift:changes           stream, written in the script that saves the record (`store`), capped at about 10,000
vmdrift:changes-told      id of the last one that was reported
vmdrift:similar:<what>    how many of one kind were reported of one node within ten minutes
"""

from typing import Any, Protocol

import orjson
from redis import Redis

from reactor.adapters.redis.contents import after, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import CHANGES, PREFIX
from reactor.model.change import Change
from reactor.model.errors import BadInput

_LAST_REPORTED = f"{PREFIX}changes-told"
WHILE = 600  # seconds in which similar ones are counted; client-go's aggregator has the same


class Changes(Protocol):
    """Both ends of the stream; at least once. Methods raise StoreUnreachable or StoreRefused."""

    def untold(self, most: int) -> list[tuple[str, Change | None]]:
        """The oldest ones: (id, change); None for one that this version cannot read."""

    def told(self, change_id: str) -> None:
        """This one, and all before it, need not be reported again."""

    def similar(self, what: str) -> int:
        """How many of this kind there were in the last ten minutes, with this one."""


class RedisChanges:
    """The Changes in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def untold(self, most: int) -> list[tuple[str, Change | None]]:
        with translated():
            last: Any = self._redis.get(_LAST_REPORTED)
            entries: Any = self._redis.xrange(CHANGES, after(last), "+", count=most)
        return [(entry.decode(), _read(fields.get(b"change", b""))) for entry, fields in entries]

    def told(self, change_id: str) -> None:
        with translated():
            self._redis.set(_LAST_REPORTED, change_id)

    def similar(self, what: str) -> int:
        key = f"{PREFIX}similar:{what}"
        with translated(), self._redis.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, WHILE, nx=True)
            return int(pipe.execute()[0])


def _read(text: bytes) -> Change | None:
    try:
        return Change.of(orjson.loads(text))
    except (BadInput, orjson.JSONDecodeError, AttributeError) as error:
        passed_over("change", error)
        return None
