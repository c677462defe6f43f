"""Events out: delivered to the sink by jobs of their own, tried again as Web Hooks and Knative have it, or given up.

Nothing here delays a drift: a drift writes its events with its record, and knows no sink.
"""

from dataclasses import dataclass

import structlog

from reactor.adapters.redis.outbox import Delivery, Outbox
from reactor.adapters.rq import Queue, delivery_entry
from reactor.adapters.sink import Answer, Sink
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.times import Clock, clock_time

log = structlog.get_logger()

# What may succeed the next time, besides every 5xx (Knative's rule, and the Web Hook specification's for 429).
_TRANSIENT = {0, 404, 408, 409, 429}
_SERVER_ERROR = 500
_SHORTEST, _LONGEST = 1.0, 300.0  # seconds between two tries
_LOST = 60.0  # seconds after its time, from which on a job that did not run counts as lost
_ROUNDS = 10  # of a hundred events each, in one go


@dataclass(frozen=True, slots=True)
class DeliveryTools:
    """What delivering needs. `give_up` in seconds."""

    outbox: Outbox
    sink: Sink
    queue: Queue
    clock: Clock
    give_up: float


def collect(tools: DeliveryTools) -> None:
    """Queue what was written since the last time, and again what RQ has lost. StoreError."""
    for _ in range(_ROUNDS):
        fresh = tools.outbox.post(tools.clock())
        for delivery_id in fresh:
            tools.queue.wake(delivery_entry(delivery_id), tools.clock())
        if not fresh:
            break
    for delivery_id in tools.outbox.overdue(tools.clock() - _LOST):
        tools.queue.wake(delivery_entry(delivery_id), tools.clock())


def deliver(delivery_id: str, tools: DeliveryTools) -> Outcome:
    """Try once. Delivery is at least once: a sink knows a repeated event by its source and id. StoreError."""
    delivery = tools.outbox.letter(delivery_id)
    if delivery is None:
        return Ended("nothing", "no-letter", "It was delivered, or given up, before.")
    outcome = judged(tools.sink.deliver(delivery.event), delivery, tools.give_up, tools.clock())
    if isinstance(outcome, Again):
        tools.outbox.later(delivery_id, outcome.at)
    elif outcome.outcome == "delivered":
        tools.outbox.delivered(delivery)
    else:
        tools.outbox.bury(delivery, outcome.sentence, tools.clock())
        facts = {"letter": delivery_id, "type": delivery.event.get("type"), "reason": outcome.reason}
        log.warning("event not delivered", sentence=outcome.sentence, **facts)
    return outcome


def judged(answer: Answer, delivery: Delivery, give_up: float, now: float) -> Outcome:
    """What this answer means. Pure. A wait is as long as it was tried already, so that it doubles from try to try."""
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's classes
        return Ended("delivered", "delivered", f"Delivered: {answer.what}.")
    problem = answer.what[:1].upper() + answer.what[1:]
    if answer.status not in _TRANSIENT and answer.status < _SERVER_ERROR:
        return Ended("dead", "refused", f"{problem}, so it is not tried again.")
    last = delivery.since + give_up
    if now >= last:
        return Ended("dead", "given-up", f"{problem}; tried for {give_up:g} s (VMDRIFT_SINK_GIVE_UP).")
    waited = min(_LONGEST, max(_SHORTEST, now - delivery.since))
    due = min(last, now + max(waited, answer.retry_after))
    return Again(due, "sink", f"{problem}; tried again at {clock_time(due)}.")
