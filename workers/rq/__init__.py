"""What RQ's jobs call, and nothing else: an outcome as RQ understands it.

RQ's `failed` means a bug of ours: every end of the domain is a success with its outcome.
"""

import math
from collections.abc import Callable
from typing import Any

import structlog
from rq import Retry

from reactor.adapters.redis.errors import translated
from reactor.adapters.rq import DELIVER, FOR_EVER, RUN_DRIFT, RUN_FENCE, RUN_FORECAST, TAKE_EVENT, TAKE_POST
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import (
    BadInput,
    ClusterError,
    Forbidden,
    InvalidName,
    NotFound,
    NotServed,
    Rejected,
    StoreError,
)
from reactor.model.reason import REASONS
from reactor.model.times import Clock, clock_time
from workers.app import TROUBLE_RETRY
from workers.rq.worker import Stopping, Worker

log = structlog.get_logger()


def run_drift(*args: Any) -> Any:
    """The job of one drift: (version, Drift as JSON)."""
    return _run(RUN_DRIFT, args, _save_to_meta)


def run_forecast(*args: Any) -> Any:
    """The job of one outage whose VMs wait for their window: (version, Outage as JSON)."""
    return _run(RUN_FORECAST, args)


def run_fence(*args: Any) -> Any:
    """The job of one lost node that may be fenced: (version, Outage as JSON)."""
    return _run(RUN_FENCE, args)


def take_event(*args: Any) -> Any:
    """The job of one event: (version, CloudEvent as JSON)."""
    return _run(TAKE_EVENT, args)


def take_post(*args: Any) -> Any:
    """The job of one POST of another system: (version, its events by their receipts)."""
    return _run(TAKE_POST, args)


def deliver(*args: Any) -> Any:
    """The job of one event that leaves: (version, {"letter": its id})."""
    return _run(DELIVER, args)


def _run(function: str, args: tuple[Any, ...], publish: Callable[[Outcome], Outcome] = lambda outcome: outcome) -> Any:
    app = Worker.current_app()
    return answer(lambda: publish(app.run(function, args)), lambda job_id: app.queue().woken(job_id), app.now)


def answer(work: Callable[[], Outcome], woken: Callable[[str], float | None], clock: Clock) -> Any:
    """An outcome as RQ understands it: a JSON result, or Retry for "come again". `woken` is the queue's method.

    `clock` is Redis'.
    """
    try:
        outcome = work()
    except BadInput as error:
        outcome = Ended("malformed", "bad-input", str(error))
        log.warning("job malformed", sentence=str(error), reason="bad-input")
    except (ClusterError, StoreError) as error:
        if isinstance(error, Forbidden | NotFound | NotServed | Rejected | InvalidName):  # waiting does not help
            log.warning("job kept waiting", sentence=str(error), reason="api-refused", again_after=TROUBLE_RETRY)
        return Retry(max=FOR_EVER, interval=TROUBLE_RETRY)  # what woke it meanwhile is read the next time
    except Stopping:
        return Retry(max=FOR_EVER)
    again_at = _again_at(outcome, woken)
    if again_at is None and isinstance(outcome, Ended):
        return {"outcome": outcome.outcome, "reason": outcome.reason, "sentence": outcome.sentence}
    return _retry(again_at or 0.0, clock)


def _retry(at: float, clock: Clock) -> Retry:
    """At once if that has passed by Redis' clock. RQ takes whole seconds only: the job itself remembers the moment."""
    try:
        now = clock()
    except StoreError:
        return Retry(max=FOR_EVER, interval=TROUBLE_RETRY)
    if job := Worker.current_job():
        job.again_at = at
    return Retry(max=FOR_EVER, interval=max(0, math.ceil(at - now)))


def _save_to_meta(outcome: Outcome) -> Outcome:
    """For people who look at the queue (rq-dashboard, `rq info`): the state of its drift, and when it runs next."""
    job = Worker.current_job()
    if job is not None:
        due = clock_time(outcome.at) if isinstance(outcome, Again) else ""
        details = {"reason": outcome.reason, "sentence": outcome.sentence, "due": due}
        reason = REASONS.get(outcome.reason)  # "locked" is about the pass and not the drift
        job.meta.update({"phase": reason.phase.value, **details} if reason else {"due": due})
        if isinstance(outcome, Ended):  # else it is written with the job, which comes again
            with translated():
                job.save_meta()
    return outcome


def _again_at(outcome: Outcome, woken: Callable[[str], float | None]) -> float | None:
    """When to come again: as the job wants it, or earlier if it was woken while it ran."""
    job = Worker.current_job()
    try:
        woken_at = woken(job.id) if job else None
    except (ClusterError, StoreError):
        woken_at = None  # the mark stays; the next run of this job, or the sweep, reads it
    times = [at for at in (outcome.at if isinstance(outcome, Again) else None, woken_at) if at is not None]
    return min(times, default=None)
