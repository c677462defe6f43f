"""`reactor.doors.inbox.Inbox` in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from reactor.doors.inbox import Accepted, post_entry
from reactor.doors.queue import Queue
from reactor.model.event import Event
from reactor.model.receipt import Receipt, Result
from reactor.model.times import Clock


class MemoryInbox:
    """The Inbox under an injected clock, in front of another twin's queue; `keep` in seconds."""

    def __init__(self, queue: Queue, clock: Clock, keep: float) -> None:
        self._queue, self._clock, self._keep = queue, clock, keep
        self._receipts: dict[str, Receipt] = {}
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
        if fresh:
            self._queue.wake(post_entry(fresh), now)
        self._receipts |= {i: told[i].receipt for i in fresh}
        self._waiting |= fresh.keys()
        return list(told.values())

    def receipt(self, receipt_id: str) -> Receipt | None:
        found = self._receipts.get(receipt_id)
        return found if found and self._clock() < found.at + self._keep else None

    def settle(self, receipt_id: str, result: Result) -> None:
        self._waiting.discard(receipt_id)
        if found := self.receipt(receipt_id):
            self._receipts[receipt_id] = replace(found, result=result)

    def unsettled(self, before: float) -> list[Receipt]:
        known = [receipt for receipt_id in self._waiting if (receipt := self.receipt(receipt_id))]
        return sorted((r for r in known if r.at <= before), key=lambda r: r.at)

    def backlog(self) -> int:
        return len(self._waiting)

    def spend(self, sender: str, events: int) -> tuple[int, int]:
        self._minutes[sender, int(self._clock()) // 60] += events
        return self._minutes[sender, int(self._clock()) // 60], self.backlog()

    def count(self, kind: str, result: str, events: int = 1) -> None:
        self._counts[kind, result] += events

    def counts(self) -> dict[tuple[str, str], int]:
        return dict(self._counts)
