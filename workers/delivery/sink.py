"""Events out: delivered to the sink by jobs of their own, tried again as Web Hooks and Knative have it, or given up.

Nothing here is in the way of a drift: a drift writes its events with its record, and knows no sink.
"""

from dataclasses import dataclass

import structlog

from reactor.adapters.redis.outbox import Delivery, Outbox
from reactor.adapters.rq import Queue, letter_entry
from reactor.adapters.sink import Answer, Sink
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.times import Clock, clock_time

log = structlog.get_logger()

# What may be better the next time, besides every 5xx (Knative's rule, and the Web Hook specification's for 429).
_TRANSIENT = {0, 404, 408, 409, 429}
_SERVER_ERROR = 500
_SHORTEST, _LONGEST = 1.0, 300.0  # seconds between two tries
_LOST = 60.0  # seconds after which a job that did not come when it should is taken for lost
_ROUNDS = 10  # of a hundred letters each, in one go


@dataclass(frozen=True, slots=True)
class DeliveryTools:
    """What delivering needs. `give_up` in seconds."""

    outbox: Outbox
    sink: Sink
    queue: Queue
    clock: Clock
    give_up: float


def collect(office: DeliveryTools) -> None:
    """Queue what was told since the last time, and anew what RQ has lost. StoreError."""
    for _ in range(_ROUNDS):
        fresh = office.outbox.post(office.clock())
        for letter_id in fresh:
            office.queue.wake(letter_entry(letter_id), office.clock())
        if not fresh:
            break
    for letter_id in office.outbox.overdue(office.clock() - _LOST):
        office.queue.wake(letter_entry(letter_id), office.clock())


def deliver(letter_id: str, office: DeliveryTools) -> Outcome:
    """Try once. At least once in all: a sink tells one that comes twice by its source and id. StoreError."""
    letter = office.outbox.letter(letter_id)
    if letter is None:
        return Ended("nothing", "no-letter", "It was delivered, or given up, before.")
    outcome = judged(office.sink.deliver(letter.event), letter, office.give_up, office.clock())
    if isinstance(outcome, Again):
        office.outbox.later(letter_id, outcome.at)
    elif outcome.outcome == "delivered":
        office.outbox.delivered(letter)
    else:
        office.outbox.bury(letter, outcome.sentence, office.clock())
        facts = {"letter": letter_id, "type": letter.event.get("type"), "reason": outcome.reason}
        log.warning("event not delivered", sentence=outcome.sentence, **facts)
    return outcome


def judged(answer: Answer, letter: Delivery, give_up: float, now: float) -> Outcome:
    """What this answer means. Pure. A wait is as long as it was tried already, so that it doubles from try to try."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's classes
        return Ended("delivered", "delivered", f"Delivered: {answer.what}.")
    told = answer.what[:1].upper() + answer.what[1:]
    if answer.status not in _TRANSIENT and answer.status < _SERVER_ERROR:
        return Ended("dead", "refused", f"{told}, so it is not tried again.")
    last = letter.since + give_up
    if now >= last:
        return Ended("dead", "given-up", f"{told}; tried for {give_up:g} s (VMDRIFT_SINK_GIVE_UP).")
    waited = min(_LONGEST, max(_SHORTEST, now - letter.since))
    due = min(last, now + max(waited, answer.retry_after))
    return Again(due, "sink", f"{told}; tried again at {clock_time(due)}.")
