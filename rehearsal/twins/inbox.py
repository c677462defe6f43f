"""`reactor.adapters.redis.inbox.Inbox` in memory."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from reactor.adapters.redis.inbox import HOUR, Accepted, post_entry, takes
from reactor.adapters.rq import Queue
from reactor.model.errors import SenderQuotaExceeded
from reactor.model.event import Event
from reactor.model.receipt import Receipt, Result
from reactor.model.times import Clock


class MemoryInbox:
    """The Inbox under an injected clock, in front of another twin's queue; `keep` in seconds, `most` in bytes an hour.

    `full` may be set.
    """

    def __init__(self, queue: Queue, clock: Clock, keep: float, most: float = math.inf) -> None:
        self._queue, self._clock, self._keep, self._most, self.full = queue, clock, keep, most, False
        self._hours: Counter[tuple[str, int]] = Counter()
        self.receipts_by_id: dict[str, Receipt] = {}
        self._minutes: Counter[tuple[str, int]] = Counter()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._waiting: set[str] = set()

    def accept(self, events: Sequence[Event], sender: str, *, person: bool = False) -> list[Accepted]:
        now, told, fresh = self._clock(), dict[str, Accepted](), dict[str, Event]()
        for event in events:
            receipt = Receipt.for_event(event, sender, now, person=person)
            known = self.receipt(receipt.id)
            if receipt.id not in told:
                told[receipt.id] = Accepted(known or receipt, known is not None)
                fresh |= {} if known else {receipt.id: event}
        size = sum(takes(told[i].receipt) for i in fresh)
        hour = sender, int(now) // HOUR
        if size and self._hours[hour] + size > self._most and not person:
            raise SenderQuotaExceeded(HOUR - now % HOUR)
        self._hours[hour] += size
        if fresh:
            self._queue.wake(post_entry(fresh), now)
        self.receipts_by_id |= {i: told[i].receipt for i in fresh}
        self._waiting |= fresh.keys()
        return list(told.values())

    def receipt(self, receipt_id: str) -> Receipt | None:
        found = self.receipts_by_id.get(receipt_id)
        return found if found and self._clock() < found.at + self._keep else None

    def settle(self, receipt_id: str, result: Result) -> None:
        self._waiting.discard(receipt_id)
        if found := self.receipt(receipt_id):
            self.receipts_by_id[receipt_id] = replace(found, result=result)

    def unsettled(self, before: float) -> list[Receipt]:
        known = [receipt for receipt_id in self._waiting if (receipt := self.receipt(receipt_id))]
        return sorted((r for r in known if r.at <= before), key=lambda r: r.at)

    def is_full(self) -> bool:
        return self.full

    def backlog(self) -> int:
        return len(self._waiting)

    def ready(self) -> int:
        return self.backlog()

    def spend(self, sender: str, events: int) -> tuple[int, int]:
        self._minutes[sender, int(self._clock()) // 60] += events
        return self._minutes[sender, int(self._clock()) // 60], self.backlog()

    def count(self, kind: str, result: str, events: int = 1) -> None:
        self._counts[kind, result] += events

    def counts(self) -> dict[tuple[str, str], int]:
        return dict(self._counts)
