"""Who did what when (model.deed), for the page, `vmdrift history`, and whoever sends it on. It outlives what it set.

    deeds             stream of all deeds, the last 1,000: what is still to be sent, and what concerned no outage then
    deeds:<outage>    stream of the deeds about an outage, the last 200    until HISTORY_TTL after the last of them
    deeds-told        id of the last one that was sent on

All of it may be lost: what is in force stands in the cluster.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import orjson
from redis import Redis

from reactor.adapters.redis.contents import after, an_object, passed_over, text_of
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.deed import Deed
from reactor.model.errors import BadInput, StoreRefused

_ALL, _TOLD = f"{PREFIX}deeds", f"{PREFIX}deeds-told"
MOST, MOST_OF_AN_OUTAGE = 1_000, 200


class Deeds(Protocol):
    """Methods raise StoreUnreachable or StoreRefused. What this version cannot read is passed over."""

    def note(self, deed: Deed) -> None:
        """Somebody has done this."""

    def of(self, outages: Sequence[str]) -> dict[str, list[Deed]]:
        """By outage, oldest first. None where they may not be read: the log is no reason to show nothing else."""

    def elsewhere(self) -> list[Deed]:
        """Those that concerned no outage when they were done, oldest first. None where they may not be read."""

    def untold(self, most: int) -> list[tuple[str, Deed | None]]:
        """The oldest ones that were not sent on: (id, deed); None for one that cannot be read."""

    def told(self, deed_id: str) -> None:
        """This one, and all before it, need not be sent on again."""


class RedisDeeds:
    """The Deeds on a Redis or Valkey server. `keep` in milliseconds."""

    def __init__(self, redis: Redis, keep: int) -> None:
        self._redis, self._keep = redis, keep

    def note(self, deed: Deed) -> None:
        entry: dict[Any, Any] = {"deed": orjson.dumps(deed.as_json())}
        with translated(), self._redis.pipeline() as pipe:
            pipe.xadd(_ALL, entry, maxlen=MOST, approximate=False)
            for outage in deed.outages:
                pipe.xadd(f"{_ALL}:{outage}", entry, maxlen=MOST_OF_AN_OUTAGE, approximate=False)
                pipe.pexpire(f"{_ALL}:{outage}", self._keep)
            pipe.execute()

    def of(self, outages: Sequence[str]) -> dict[str, list[Deed]]:
        streams = self._read([f"{_ALL}:{outage}" for outage in outages])
        return dict(zip(outages, streams, strict=True))

    def elsewhere(self) -> list[Deed]:
        return [deed for stream in self._read([_ALL]) for deed in stream if not deed.outages]

    def _read(self, keys: Sequence[str]) -> list[list[Deed]]:
        try:
            with translated(), self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.xrange(key)
                streams = pipe.execute()
        except StoreRefused as error:  # users.rules of an earlier version
            passed_over("deeds", error)
            return [[] for _ in keys]
        found = [[_parsed(fields) for _, fields in entries] for entries in streams]
        # One that was noted again, by a job that ran again, is one.
        return [[deed for deed in dict.fromkeys(deeds) if deed] for deeds in found]

    def untold(self, most: int) -> list[tuple[str, Deed | None]]:
        with translated():
            last: Any = self._redis.get(_TOLD)
            entries: Any = self._redis.xrange(_ALL, after(last), "+", count=most)
        return [(text_of(entry), _parsed(fields)) for entry, fields in entries]

    def told(self, deed_id: str) -> None:
        with translated():
            self._redis.set(_TOLD, deed_id)


def _parsed(fields: Any) -> Deed | None:
    try:
        return Deed.of(an_object(fields.get(b"deed")))
    except BadInput as error:
        passed_over("deed", error)
        return None
