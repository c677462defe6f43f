"""Events from others, accepted: each once by its identity, with the job that processes them, in one transaction.

The keyspace (prefix `vmdrift:`):

    receipt:<receipt>   JSON Receipt                         for DEDUP_TTL after it was accepted
    unsettled           sorted set of receipts that were not processed yet, by when they were accepted
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

FSYNC_WAIT = 2.0  # seconds until an accepted event must be on Redis' disk; else the sender gets 503
_MINUTE, HOUR = 60, 3600  # seconds
_UNSETTLED, _FSYNC_PROBE = f"{PREFIX}unsettled", f"{PREFIX}sure"
_OVERHEAD = 300  # bytes of a receipt's key, and of the result that is added later (measured)
_BATCH = 100  # receipts that are checked at once


@dataclass(frozen=True, slots=True)
class Accepted:
    """One event's receipt; `duplicate`: it was accepted before, and nothing was written now."""

    receipt: Receipt
    duplicate: bool


class Inbox(Protocol):
    """Every method raises StoreUnreachable or StoreRefused."""

    def is_full(self) -> bool:
        """Is the rest of the memory reserved for drifts?"""

    def accept(self, events: Sequence[Event], sender: str, *, person: bool = False) -> list[Accepted]:
        """All of them at once, or none; those that were accepted before are reported as duplicates.

        `person`: as in Receipt. Raises SenderQuotaExceeded where a sender's receipts of this hour would take too much.
        """

    def receipt(self, receipt_id: str) -> Receipt | None:
        """One receipt, None when there is none (any more), or the one that is stored there has another id."""

    def settle(self, receipt_id: str, result: Result) -> None:
        """Record the result of an accepted event."""

    def unsettled(self, before: float) -> list[Receipt]:
        """Those accepted before then that were not processed: their jobs may be lost. At most a hundred."""

    def backlog(self) -> int:
        """How many jobs wait to be processed."""

    def ready(self) -> int:
        """The same, after checking that something can be written."""

    def spend(self, sender: str, events: int) -> tuple[int, int]:
        """Count these events against the sender's minute: how many they have sent in it, and the backlog."""

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
        by_receipt: dict[str, Event] = {}
        for event in events:  # twice in one batch is once
            by_receipt.setdefault(Receipt.for_event(event, sender, now, person=person).id, event)
        keys = [_key(receipt_id) for receipt_id in by_receipt]
        if not keys:
            return []
        pipe.watch(*keys)
        hour = f"{PREFIX}rate:{sender}:bytes:{int(now) // HOUR}"
        *values, spent = pipe.mget([*keys, hour])
        stored = zip(by_receipt, map(_read, values), strict=True)
        old = {receipt_id: receipt for receipt_id, receipt in stored if receipt is not None}
        new = {
            i: Receipt.for_event(event, sender, now, person=person) for i, event in by_receipt.items() if i not in old
        }
        size = sum(map(takes, new.values()))
        if new and not person and (a_number(spent) or 0) + size > self._most:
            raise SenderQuotaExceeded(HOUR - now % HOUR)
        pipe.multi()
        self._write(pipe, new)
        if new:
            pipe.incrby(hour, size)
            pipe.expire(hour, HOUR)
            entry = post_entry({i: by_receipt[i] for i in new})
            self._queue.enqueue_job(new_job(entry, self._queue, self._redis, self._keep), pipeline=pipe)
        pipe.execute()
        self._wait_for_fsync()
        return [Accepted(new.get(i) or old[i], i in old) for i in by_receipt]

    def _write(self, pipe: Any, receipts: Mapping[str, Receipt]) -> None:
        for receipt_id, receipt in receipts.items():
            pipe.set(_key(receipt_id), _text(receipt), ex=self._keep)
            pipe.zadd(_UNSETTLED, {receipt_id: receipt.at})

    def _wait_for_fsync(self) -> None:
        """Wait until it is on disk, where the server can tell (WAITAOF, Redis 7.2) and writes to disk at all."""
        if not self._fsync_wait:
            return
        pipe: Any = self._redis.pipeline(transaction=False)
        # WAITAOF waits for nothing but what its own connection has written: hence this, after all else.
        pipe.set(_FSYNC_PROBE, "")
        pipe.execute_command("WAITAOF", 1, 0, int(self._fsync_wait * 1000))
        written, synced = pipe.execute(raise_on_error=False)
        if isinstance(written, Exception):
            raise written
        # An error: no such command, no right to it, or appendonly no. What is guaranteed then is documented.
        if not isinstance(synced, ResponseError) and not synced[0] and not self._never_synced():
            raise StoreUnreachable(f"Redis has not written it to disk within {self._fsync_wait:g} s")

    def _never_synced(self) -> bool:
        """Whether the server leaves it to the operating system when to write; then there is nothing to wait for."""
        try:
            config: Any = self._redis.config_get("appendfsync")
        except ResponseError:  # not permitted
            return False
        return bool(config.get("appendfsync") == "no")

    def receipt(self, receipt_id: str) -> Receipt | None:
        with translated():
            value: Any = self._redis.get(_key(receipt_id))
        receipt = _read(value)
        return receipt if receipt and receipt.id == receipt_id else None

    def settle(self, receipt_id: str, result: Result) -> None:
        receipt = self.receipt(receipt_id)
        with translated(), self._redis.pipeline() as pipe:
            if receipt is not None:
                value = orjson.dumps(replace(receipt, result=result).as_json())
                pipe.set(_key(receipt_id), value, keepttl=True, xx=True)
            pipe.zrem(_UNSETTLED, receipt_id)
            pipe.execute()

    def unsettled(self, before: float) -> list[Receipt]:
        with translated():
            ids: Any = self._redis.zrangebyscore(_UNSETTLED, "-inf", before, 0, _BATCH)
        receipts = {receipt_id: self.receipt(receipt_id.decode(errors="replace")) for receipt_id in ids}
        if missing := [receipt_id for receipt_id, receipt in receipts.items() if receipt is None]:
            with translated():
                self._redis.zrem(_UNSETTLED, *missing)
        return [receipt for receipt in receipts.values() if receipt is not None]

    def backlog(self) -> int:
        with translated():
            waiting: Any = self._redis.llen(self._queue.key)
        return int(waiting)

    def ready(self) -> int:
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.set(_FSYNC_PROBE, "")  # refused: OOM, READONLY, MISCONF
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
    """About how many bytes of Redis it takes, for as long as it is kept."""
    return len(_text(receipt)) + _OVERHEAD


def _read(value: bytes | None) -> Receipt | None:
    """None where nothing is stored, or nothing that can be read: then it counts as never accepted."""
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
    summaries = [f"{event.type.removeprefix('io.vmdrift.')} {event.subject}" for event in events.values()]
    description = summaries[0] + (f" and {len(summaries) - 1} more" if len(summaries) > 1 else "")
    bodies = {receipt_id: encode(event) for receipt_id, event in events.items()}
    return JobEntry(EVENTS, f"post_{first}", TAKE_POST, (VERSION, bodies), description)
