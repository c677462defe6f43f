"""One POST: who sends it, what is in it, may they, is there room; then all of it is written, or none."""

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
_RETRY = 5  # seconds, for a sender that meets a full backlog or no Redis
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Credentials:
    """A request's credentials, as they are."""

    authorization: str
    access_token: str


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """What a request contains: events for us, and for each other one a sentence why nothing is done about it."""

    events: tuple[Event, ...]
    ignored: tuple[str, ...] = ()


class Reception:
    """Accepts requests. Methods raise Problem; nothing is written then."""

    def __init__(self, inbox: Inbox, senders: Senders, settings: Settings, clock: Clock) -> None:
        self.inbox, self.senders, self._settings, self._clock = inbox, senders, settings, clock

    def post(self, credentials: Credentials, read: Callable[[], ParsedRequest]) -> dict[str, Any]:
        """The body of a 202. `read` turns the request into events; it is called once the sender is identified."""
        sender = _NOBODY
        try:
            sender = self.senders.identify(credentials.authorization, credentials.access_token)
            parsed = self._read(sender, read)
            self._check_allowed(sender, parsed.events)
            accepted = self._accept(sender, parsed.events)
            self._log_accepted(sender, accepted, parsed.ignored)
        except Problem as problem:
            self.refused(sender.name, problem)
            raise
        except StoreError as error:
            raise redis_unavailable(error) from error
        return {"events": [_answer(entry) for entry in accepted], "ignored": list(parsed.ignored)}

    def refused(self, sender: str, problem: Problem) -> None:
        """Log and count a refused POST of this sender."""
        fields = {"result": "refused", "status": problem.status, "why": problem.detail, "attribute": problem.attribute}
        log.warning("event refused", sender=sender, found=problem.found, index=problem.index, **fields)
        self._count("other", "refused", 1)

    def status(self, credentials: Credentials, receipt_id: str) -> dict[str, Any]:
        """What became of an accepted event, as far as it is known."""
        self.senders.identify(credentials.authorization, credentials.access_token)
        try:
            receipt = self.inbox.receipt(receipt_id)
        except StoreError as error:
            raise redis_unavailable(error) from error
        if receipt is None:
            raise Problem(404, "There is no such event, or it was accepted longer ago than VMDRIFT_DEDUP_TTL.")
        state = "done" if receipt.result else "queued"
        return {"state": state, "status": f"/events/{receipt.id}", **receipt.as_json()}

    def _check_allowed(self, sender: Sender, events: Sequence[Event]) -> None:
        for index, event in enumerate(events):
            if not sender.may(event.type, event.source):
                by_name = f" {NODE_FENCED} must be listed by its full name in their types, not by a pattern."
                detail = f"{sender.name} may not send events of this type from this source."
                detail += by_name if event.type == NODE_FENCED else ""
                where = index if len(events) > 1 else None
                raise Problem(403, detail, attribute="type", found=f"{event.type} from {event.source}", index=where)

    def _read(self, sender: Sender, read: Callable[[], ParsedRequest]) -> ParsedRequest:
        """What it sent, if there is room for it. What cannot be read counts as one event of this minute."""
        if self.inbox.is_full():
            detail = "Redis is nearly full, and the rest is reserved for recoveries. Send it again later."
            raise Problem(503, detail, retry_after=_RETRY)
        try:
            parsed = read()
        except Problem:
            self._check_room(sender, 1)
            raise
        self._check_room(sender, len(parsed.events) + len(parsed.ignored))
        return parsed

    def _accept(self, sender: Sender, events: Sequence[Event]) -> list[Accepted]:
        try:
            return self.inbox.accept(events, sender.name)
        except SenderQuotaExceeded as error:
            most = self._settings.sender_bytes
            detail = f"Stored events of {sender.name} may take at most {most} bytes per hour (VMDRIFT_SENDER_BYTES)."
            raise Problem(429, detail, retry_after=max(1, math.ceil(error.seconds))) from None

    def _check_room(self, sender: Sender, events: int) -> None:
        sent, waiting = self.inbox.spend(sender.name, events)
        if waiting >= self._settings.max_backlog:
            raise Problem(429, "Too many posts are waiting to be processed.", retry_after=_RETRY)
        if sent > self._settings.sender_rate:
            remaining = math.ceil(_MINUTE - self._clock() % _MINUTE)
            detail = f"{sender.name} may send at most {self._settings.sender_rate} events per minute."
            raise Problem(429, detail, retry_after=max(1, remaining))

    def _log_accepted(self, sender: Sender, accepted: Sequence[Accepted], ignored: Sequence[str]) -> None:
        for entry in accepted:
            receipt, result = entry.receipt, "duplicate" if entry.duplicate else "accepted"
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
        """A metric that cannot be written is no reason to refuse."""
        try:
            self.inbox.count(kind if kind in TYPES else "other", result, events)
        except StoreError as error:
            log.warning("events not counted", why=str(error))


def redis_unavailable(error: StoreError) -> Problem:
    """Redis does not answer, or refuses writes: nothing was accepted, or it is not known that it was."""
    log.warning("Redis is away", why=str(error))
    return Problem(
        503, "Redis is away or refuses writes; nothing was accepted. Send it again later.", retry_after=_RETRY
    )


def _answer(entry: Accepted) -> dict[str, str]:
    receipt = entry.receipt
    result = "duplicate" if entry.duplicate else "accepted"
    summary = {"result": result, "source": receipt.source, "id": receipt.event}
    return {**summary, "receipt": receipt.id, "status": f"/events/{receipt.id}"}
