"""Outgoing events until they have arrived: a delivery for each event of the stream, made by a job of its own.

The keyspace (prefix `vmdrift:`):

    posted              id of the last entry of the stream that has a delivery
    letters             hash: delivery id -> JSON Delivery   until it has arrived, or HISTORY_TTL after it died
    leaving             sorted set of delivery ids, by when they are tried next
    dead                sorted set of dead letters: ids that are not tried any more, by when they died
    told                hash: "type result" -> events        since Redis was emptied last

A delivery's id is that of its entry. Its job carries nothing else, so one that RQ loses is created again from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

import orjson
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from reactor.adapters.redis.contents import ENTRY, after, events_of, passed_over, tally
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX, STREAM
from reactor.model.checked_json import checked
from reactor.model.errors import BadInput

_POSTED, _LETTERS, _LEAVING = f"{PREFIX}posted", f"{PREFIX}letters", f"{PREFIX}leaving"
_DEAD, _COUNTS = f"{PREFIX}dead", f"{PREFIX}told"
_BATCH = 100  # deliveries that are handled at once


@dataclass(frozen=True, slots=True)
class Delivery:
    """`event` as JSON; `since` when it was first to be delivered, seconds since the epoch; `why` it died, else ""."""

    id: str
    event: Mapping[str, Any]
    since: float
    why: str = ""
    died_at: float | None = None

    @classmethod
    def of(cls, value: bytes | str) -> Self:
        """From JSON; BadInput."""
        try:
            return checked(cls(**orjson.loads(value)), "letter")
        except (TypeError, orjson.JSONDecodeError) as error:
            raise BadInput(f"letter: {error}") from error

    def as_json(self) -> bytes:
        """What `of` reads."""
        return orjson.dumps(asdict(self))


class Outbox(Protocol):
    """Every method raises StoreUnreachable or StoreRefused. Moments in seconds since the epoch."""

    def post(self, now: float) -> list[str]:
        """Create deliveries of the events since the last time; their ids, at most a hundred: call it until none."""

    def letter(self, letter_id: str) -> Delivery | None:
        """One that is to be delivered; None if it was, or is dead."""

    def later(self, letter_id: str, due: float) -> None:
        """It is tried again then."""

    def delivered(self, letter: Delivery) -> None:
        """It has arrived."""

    def bury(self, letter: Delivery, why: str, now: float) -> None:
        """It is not tried any more: a dead letter."""

    def dead(self, now: float) -> list[Delivery]:
        """Dead letters, oldest first, as long as they are kept."""

    def revive(self, letter_ids: Sequence[str], now: float) -> list[str]:
        """Deliver dead letters again, with their whole time; returns the ids of those that were dead."""

    def overdue(self, before: float) -> list[str]:
        """Those that should have been tried before then: their jobs may be lost. At most a hundred."""

    def counts(self) -> dict[tuple[str, str], int]:
        """By type and result (`delivered`, `dead`)."""


def numbered(entry: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its position among all events of its source: the extension `sequence`, ordered as text.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md
    """
    moment, _, number = entry.partition("-")
    return {**event, "sequence": f"{int(moment):015d}-{int(number or 0):06d}"}


def _deliveries(values: Sequence[bytes | None]) -> list[Delivery]:
    """Those that can be read; any other one does not stop them."""
    deliveries = []
    for value in values:
        try:
            deliveries += [Delivery.of(value)] if value is not None else []
        except BadInput as error:
            passed_over("letter", error)
    return deliveries


class RedisOutbox:
    """The Outbox on Redis. `keep` in seconds: how long dead letters are kept."""

    def __init__(self, redis: Redis, keep: float) -> None:
        self._redis, self._keep = redis, keep

    def post(self, now: float) -> list[str]:
        with translated(), self._redis.pipeline() as pipe:
            try:
                return self._post(pipe, now)
            except WatchError:  # another process is at it
                return []

    def _post(self, pipe: Any, now: float) -> list[str]:
        pipe.watch(_POSTED)
        last = pipe.get(_POSTED)
        entries = pipe.xrange(STREAM, after(last), "+", _BATCH)
        if not entries:
            return []
        events = events_of(entries)
        pipe.multi()
        for entry, event in events:
            pipe.hset(_LETTERS, entry, Delivery(entry, numbered(entry, event), now).as_json())
            pipe.zadd(_LEAVING, {entry: now})
        pipe.set(_POSTED, entries[-1][0])
        pipe.execute()
        return [entry for entry, _ in events]

    def letter(self, letter_id: str) -> Delivery | None:
        with translated(), self._redis.pipeline() as pipe:
            pipe.zscore(_LEAVING, letter_id)
            pipe.hget(_LETTERS, letter_id)
            leaving, value = pipe.execute()
        return next(iter(_deliveries([value])), None) if leaving is not None else None

    def later(self, letter_id: str, due: float) -> None:
        with translated():
            self._redis.zadd(_LEAVING, {letter_id: due}, xx=True)

    def delivered(self, letter: Delivery) -> None:
        with translated(), self._redis.pipeline() as pipe:
            pipe.hdel(_LETTERS, letter.id)
            self._ended(pipe, letter, "delivered")
            pipe.execute()

    def bury(self, letter: Delivery, why: str, now: float) -> None:
        with translated(), self._redis.pipeline() as pipe:
            pipe.hset(_LETTERS, letter.id, replace(letter, why=why, died_at=now).as_json())
            pipe.zadd(_DEAD, {letter.id: now})
            self._ended(pipe, letter, "dead")
            pipe.execute()
        self._forget(now)

    def _ended(self, pipe: Pipeline, letter: Delivery, result: str) -> None:
        pipe.zrem(_LEAVING, letter.id)
        pipe.hincrby(_COUNTS, f"{letter.event.get('type')} {result}", 1)

    def dead(self, now: float) -> list[Delivery]:
        with translated():
            ids: Any = self._redis.zrangebyscore(_DEAD, f"({now - self._keep}", "+inf")
            values: Any = self._redis.hmget(_LETTERS, ids) if ids else []
        return _deliveries(values)

    def _forget(self, now: float) -> None:
        """Those that died too long ago."""
        with translated():
            old: Any = self._redis.zrangebyscore(_DEAD, "-inf", now - self._keep)
            if old:
                with self._redis.pipeline() as pipe:
                    pipe.zrem(_DEAD, *old)
                    pipe.hdel(_LETTERS, *old)
                    pipe.execute()

    def revive(self, letter_ids: Sequence[str], now: float) -> list[str]:
        revived = [letter for letter in self.dead(now) if letter.id in set(letter_ids)]
        with translated(), self._redis.pipeline() as pipe:
            for letter in revived:
                pipe.hset(_LETTERS, letter.id, Delivery(letter.id, letter.event, now).as_json())
                pipe.zrem(_DEAD, letter.id)
                pipe.zadd(_LEAVING, {letter.id: now})
            pipe.execute()
        return [letter.id for letter in revived]

    def overdue(self, before: float) -> list[str]:
        with translated():
            ids: Any = self._redis.zrangebyscore(_LEAVING, "-inf", f"({before}", 0, _BATCH)
        return [letter_id.decode() for letter_id in ids if ENTRY.fullmatch(letter_id)]

    def counts(self) -> dict[tuple[str, str], int]:
        return tally(self._redis, _COUNTS)
