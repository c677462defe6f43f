"""Events from others, accepted: each once by its identity, with the job that looks at them, in one transaction.

The keyspace (prefix `vmdrift:`):

    receipt:<receipt>   JSON Receipt                         for DEDUP_TTL after it was accepted
    unsettled           sorted set of receipts that nobody has looked at yet, by when they were accepted
    rate:<sender>       events in this minute                expires with the minute
    rate:<sender>:bytes what this hour's receipts take       expires with the hour
    sure                written last, to wait until all before it is on disk
    counts              hash: "type result" -> events        since Redis was emptied last
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson
from redis import Redis
from redis.exceptions import ResponseError, WatchError
from rq import Queue as RedisQueue

from reactor.adapters.cloudevents import encode
from reactor.adapters.redis.contents import a_number, passed_over, tally
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.memory import RoomInRedis
from reactor.adapters.rq import EVENTS, SERIALIZER, TAKE_POST, JobEntry, new_job
from reactor.model.errors import BadInput, SenderQuotaExceeded, StoreUnreachable
from reactor.model.event import Event
from reactor.model.identity import VERSION
from reactor.model.receipt import Receipt, Result
from reactor.model.times import Clock

FSYNC_WAIT = 2.0  # seconds until an accepted event must be on Redis' disk; the sender is told 503 else
_MINUTE, HOUR = 60, 3600  # seconds
_UNSETTLED, _SURE = f"{PREFIX}unsettled", f"{PREFIX}sure"
_BESIDES = 300  # bytes of a receipt's key, and of what will be written down of its fate (measured)
_AT_MOST = 100  # receipts that are looked after at once


@dataclass(frozen=True, slots=True)
class Accepted:
    """One event's receipt; `duplicate`: it was accepted before, and nothing was written now."""

    receipt: Receipt
    duplicate: bool


class Inbox(Protocol):
    """Every method raises StoreUnreachable or StoreRefused."""

    def is_full(self) -> bool:
        """Is what is left of the memory kept for drifts?"""

    def accept(self, events: Sequence[Event], sender: str, *, person: bool = False) -> list[Accepted]:
        """All of them at once, or none; those that were accepted before are told as duplicates.

        `person`: as in Receipt. Raises KeptEnough where a sender's receipts of this hour would take too much.
        """

    def receipt(self, receipt_id: str) -> Receipt | None:
        """One receipt, None when there is none (any more), or what stands there is another's."""

    def settle(self, receipt_id: str, result: Result) -> None:
        """What became of an accepted event."""

    def unsettled(self, before: float) -> list[Receipt]:
        """Those accepted before then that nobody has looked at: their jobs may be lost. At most a hundred."""

    def backlog(self) -> int:
        """How many jobs wait to be taken in."""

    def ready(self) -> int:
        """The same, once it is sure that something can be written."""

    def spend(self, sender: str, events: int) -> tuple[int, int]:
        """Count these events against the sender's minute: how many he has sent in it, and the backlog."""

    def count(self, kind: str, result: str, events: int = 1) -> None:
        """For the metrics: so many events of a type had this result."""

    def counts(self) -> dict[tuple[str, str], int]:
        """By type and result."""


class RedisInbox:
    """The Inbox on Redis and RQ. `keep` and `fsync_wait` in seconds; `most`: bytes of one sender's receipts an hour."""

    def __init__(self, redis: Redis, clock: Clock, keep: float, fsync_wait: float, most: float = math.inf) -> None:
        self._redis, self._clock, self._keep, self._fsync_wait = redis, clock, int(keep), fsync_wait
        self._most, self._room = most, RoomInRedis(redis)
        self._queue = RedisQueue(EVENTS, connection=redis, serializer=SERIALIZER)

    def is_full(self) -> bool:
        return self._room.is_full()

    def accept(self, events: Sequence[Event], sender: str, *, person: bool = False) -> list[Accepted]:
        with translated(), self._redis.pipeline() as pipe:
            while True:
                try:
                    return self._accept(pipe, events, sender, person=person)
                except WatchError:  # the same event came in at the same moment, by another process
                    continue

    def _accept(self, pipe: Any, events: Sequence[Event], sender: str, *, person: bool) -> list[Accepted]:
        now = self._clock()
        wanted: dict[str, Event] = {}
        for event in events:  # twice in one batch is once
            wanted.setdefault(Receipt.for_event(event, sender, now, person=person).id, event)
        keys = [_key(receipt_id) for receipt_id in wanted]
        if not keys:
            return []
        pipe.watch(*keys)
        hour = f"{PREFIX}rate:{sender}:bytes:{int(now) // HOUR}"
        *found, spent = pipe.mget([*keys, hour])
        read = zip(wanted, map(_read, found), strict=True)
        old = {receipt_id: receipt for receipt_id, receipt in read if receipt is not None}
        fresh = {i: Receipt.for_event(event, sender, now, person=person) for i, event in wanted.items() if i not in old}
        size = sum(map(takes, fresh.values()))
        if fresh and not person and (a_number(spent) or 0) + size > self._most:
            raise SenderQuotaExceeded(HOUR - now % HOUR)
        pipe.multi()
        self._write(pipe, fresh)
        if fresh:
            pipe.incrby(hour, size)
            pipe.expire(hour, HOUR)
            entry = post_entry({i: wanted[i] for i in fresh})
            self._queue.enqueue_job(new_job(entry, self._queue, self._redis, self._keep), pipeline=pipe)
        pipe.execute()
        self._sure()
        return [Accepted(fresh.get(i) or old[i], i in old) for i in wanted]

    def _write(self, pipe: Any, receipts: Mapping[str, Receipt]) -> None:
        for receipt_id, receipt in receipts.items():
            pipe.set(_key(receipt_id), _text(receipt), ex=self._keep)
            pipe.zadd(_UNSETTLED, {receipt_id: receipt.at})

    def _sure(self) -> None:
        """Wait until it is on disk, where the server can tell (WAITAOF, Redis 7.2) and writes to disk at all."""
        if not self._fsync_wait:
            return
        pipe: Any = self._redis.pipeline(transaction=False)
        # WAITAOF waits for nothing but what its own connection has written: hence this, after all else.
        pipe.set(_SURE, "")
        pipe.execute_command("WAITAOF", 1, 0, int(self._fsync_wait * 1000))
        written, synced = pipe.execute(raise_on_error=False)
        if isinstance(written, Exception):
            raise written
        # An error: no such command, no right to it, or appendonly no. What is promised then is documented.
        if not isinstance(synced, ResponseError) and not synced[0] and not self._never_synced():
            raise StoreUnreachable(f"Redis has not written it to disk within {self._fsync_wait:g} s")

    def _never_synced(self) -> bool:
        """Whether the server leaves it to the operating system when to write; then there is nothing to wait for."""
        try:
            found: Any = self._redis.config_get("appendfsync")
        except ResponseError:  # not our right
            return False
        return bool(found.get("appendfsync") == "no")

    def receipt(self, receipt_id: str) -> Receipt | None:
        with translated():
            value: Any = self._redis.get(_key(receipt_id))
        found = _read(value)
        return found if found and found.id == receipt_id else None

    def settle(self, receipt_id: str, result: Result) -> None:
        known = self.receipt(receipt_id)
        with translated(), self._redis.pipeline() as pipe:
            if known is not None:
                value = orjson.dumps(replace(known, result=result).as_json())
                pipe.set(_key(receipt_id), value, keepttl=True, xx=True)
            pipe.zrem(_UNSETTLED, receipt_id)
            pipe.execute()

    def unsettled(self, before: float) -> list[Receipt]:
        with translated():
            ids: Any = self._redis.zrangebyscore(_UNSETTLED, "-inf", before, 0, _AT_MOST)
        found = {receipt_id: self.receipt(receipt_id.decode(errors="replace")) for receipt_id in ids}
        if gone := [receipt_id for receipt_id, receipt in found.items() if receipt is None]:
            with translated():
                self._redis.zrem(_UNSETTLED, *gone)
        return [receipt for receipt in found.values() if receipt is not None]

    def backlog(self) -> int:
        with translated():
            waiting: Any = self._redis.llen(self._queue.key)
        return int(waiting)

    def ready(self) -> int:
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.set(_SURE, "")  # refused: OOM, READONLY, MISCONF
        pipe.llen(self._queue.key)
        with translated():
            return int(pipe.execute()[1])

    def spend(self, sender: str, events: int) -> tuple[int, int]:
        key = f"{PREFIX}rate:{sender}:{int(self._clock()) // _MINUTE}"
        with translated(), self._redis.pipeline() as pipe:
            pipe.incrby(key, events)
            pipe.expire(key, 2 * _MINUTE)
            pipe.llen(self._queue.key)
            sent, _, waiting = pipe.execute()
        return int(sent), int(waiting)

    def count(self, kind: str, result: str, events: int = 1) -> None:
        with translated():
            self._redis.hincrby(f"{PREFIX}counts", f"{kind} {result}", events)

    def counts(self) -> dict[tuple[str, str], int]:
        return tally(self._redis, f"{PREFIX}counts")


def _text(receipt: Receipt) -> bytes:
    return orjson.dumps(receipt.as_json())


def takes(receipt: Receipt) -> int:
    """About so many bytes of Redis', for as long as it is kept."""
    return len(_text(receipt)) + _BESIDES


def _read(value: bytes | None) -> Receipt | None:
    """None where nothing stands, or nothing that can be read: then it was never accepted."""
    try:
        return Receipt.of(orjson.loads(value)) if value is not None else None
    except (BadInput, orjson.JSONDecodeError) as error:
        passed_over("receipt", error)
        return None


def _key(receipt_id: str) -> str:
    return f"{PREFIX}receipt:{receipt_id}"


def post_entry(events: Mapping[str, Event]) -> JobEntry:
    """The job of one POST: its events by their receipts."""
    first = next(iter(events))
    what = [f"{event.type.removeprefix('io.vmdrift.')} {event.subject}" for event in events.values()]
    described = what[0] + (f" and {len(what) - 1} more" if len(what) > 1 else "")
    carried = {receipt_id: encode(event) for receipt_id, event in events.items()}
    return JobEntry(EVENTS, f"post_{first}", TAKE_POST, (VERSION, carried), described)
