"""One POST: who sends it, what is in it, may he, is there room; then all of it is written, or none."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from reactor.adapters.redis.inbox import Accepted, Inbox
from reactor.model.errors import SenderQuotaExceeded, StoreError
from reactor.model.event import NODE_FENCED, Event
from reactor.model.times import Clock
from reactor.settings import Settings
from reactor.web.auth.senders import Sender, Senders
from reactor.web.events.event_types import TYPES
from reactor.web.problem import Problem

log = structlog.get_logger()

_NOBODY = Sender("unknown")
_LATER = 5  # seconds, for a sender that meets a full backlog or no Redis
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows of its sender."""

    authorization: str
    access_token: str


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """What a request holds: events for us, and of each other one a sentence that says why nothing is done about it."""

    events: tuple[Event, ...]
    ignored: tuple[str, ...] = ()


class Reception:
    """Takes requests in. Methods raise Problem; nothing is written then."""

    def __init__(self, inbox: Inbox, senders: Senders, settings: Settings, clock: Clock) -> None:
        self.inbox, self.senders, self._settings, self._clock = inbox, senders, settings, clock

    def post(self, shown: Credentials, read: Callable[[], ParsedRequest]) -> dict[str, Any]:
        """The body of a 202. `read` turns the request into events; it is called once the sender is known."""
        sender = _NOBODY
        try:
            sender = self.senders.identify(shown.authorization, shown.access_token)
            found = self._read(sender, read)
            self._allowed(sender, found.events)
            accepted = self._accepted(sender, found.events)
            self._told(sender, accepted, found.ignored)
        except Problem as problem:
            self.refused(sender.name, problem)
            raise
        except StoreError as error:
            raise away(error) from error
        return {"events": [_answer(one) for one in accepted], "ignored": list(found.ignored)}

    def refused(self, sender: str, problem: Problem) -> None:
        """A POST of this sender's was; it is logged and counted."""
        told = {"result": "refused", "status": problem.status, "why": problem.detail, "attribute": problem.attribute}
        log.warning("event refused", sender=sender, found=problem.found, index=problem.index, **told)
        self._count("other", "refused", 1)

    def status(self, shown: Credentials, receipt_id: str) -> dict[str, Any]:
        """What became of an accepted event, as far as it is known."""
        self.senders.identify(shown.authorization, shown.access_token)
        try:
            receipt = self.inbox.receipt(receipt_id)
        except StoreError as error:
            raise away(error) from error
        if receipt is None:
            raise Problem(404, "There is no such event, or it was accepted longer ago than VMDRIFT_DEDUP_TTL.")
        state = "done" if receipt.result else "queued"
        return {"state": state, "status": f"/events/{receipt.id}", **receipt.as_json()}

    def _allowed(self, sender: Sender, events: Sequence[Event]) -> None:
        for index, event in enumerate(events):
            if not sender.may(event.type, event.source):
                by_name = f" {NODE_FENCED} must be named as it is in his types, by no pattern."
                detail = f"{sender.name} may not send events of this type from this source."
                detail += by_name if event.type == NODE_FENCED else ""
                where = index if len(events) > 1 else None
                raise Problem(403, detail, attribute="type", found=f"{event.type} from {event.source}", index=where)

    def _read(self, sender: Sender, read: Callable[[], ParsedRequest]) -> ParsedRequest:
        """What it sent, if there is room for it. What cannot be read counts as one event of this minute."""
        if self.inbox.is_full():
            raise Problem(503, "What is left of Redis' memory is kept for drifts. Send it again.", retry_after=_LATER)
        try:
            found = read()
        except Problem:
            self._room(sender, 1)
            raise
        self._room(sender, len(found.events) + len(found.ignored))
        return found

    def _accepted(self, sender: Sender, events: Sequence[Event]) -> list[Accepted]:
        try:
            return self.inbox.accept(events, sender.name)
        except SenderQuotaExceeded as enough:
            most = self._settings.sender_bytes
            detail = f"What is kept of {sender.name}'s events may take {most} bytes in an hour (VMDRIFT_SENDER_BYTES)."
            raise Problem(429, detail, retry_after=max(1, math.ceil(enough.seconds))) from None

    def _room(self, sender: Sender, events: int) -> None:
        sent, waiting = self.inbox.spend(sender.name, events)
        if waiting >= self._settings.max_backlog:
            raise Problem(429, "Too many posts wait to be taken in.", retry_after=_LATER)
        if sent > self._settings.sender_rate:
            left = math.ceil(_MINUTE - self._clock() % _MINUTE)
            detail = f"{sender.name} may send {self._settings.sender_rate} events in a minute."
            raise Problem(429, detail, retry_after=max(1, left))

    def _told(self, sender: Sender, accepted: Sequence[Accepted], ignored: Sequence[str]) -> None:
        for one in accepted:
            receipt, result = one.receipt, "duplicate" if one.duplicate else "accepted"
            log.info(
                "event received",
                result=result,
                sender=sender.name,
                type=receipt.type,
                source=receipt.source,
                id=receipt.event,
                receipt=receipt.id,
            )
            self._count(receipt.type, result, 1)
        if ignored:
            self._count("other", "ignored", len(ignored))

    def _count(self, kind: str, result: str, events: int) -> None:
        """A metric is no reason to refuse."""
        try:
            self.inbox.count(kind if kind in TYPES else "other", result, events)
        except StoreError as error:
            log.warning("events not counted", why=str(error))


def away(error: StoreError) -> Problem:
    """Redis does not answer, or takes nothing: nothing was accepted, or it is not known that it was."""
    log.warning("Redis is away", why=str(error))
    return Problem(503, "Redis is away, or takes nothing in; nothing was accepted. Send it again.", retry_after=_LATER)


def _answer(one: Accepted) -> dict[str, str]:
    receipt = one.receipt
    result = "duplicate" if one.duplicate else "accepted"
    told = {"result": result, "source": receipt.source, "id": receipt.event}
    return {**told, "receipt": receipt.id, "status": f"/events/{receipt.id}"}
