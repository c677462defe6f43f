"""What RQ's jobs call, and nothing else: an outcome as RQ understands it.

RQ's `failed` means a bug of ours: every end of the domain is a success with its outcome.
"""

import math
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import structlog
from rq import Retry

from reactor.doors import cluster as cluster_door
from reactor.doors import redis as redis_door
from reactor.doors import store as store_door
from reactor.doors.clock import redis_time
from reactor.doors.cloudevents import decode
from reactor.doors.inbox import RedisInbox
from reactor.doors.outbox import RedisOutbox
from reactor.doors.queue import FOR_EVER, RqQueue
from reactor.doors.reports import Requests
from reactor.doors.sink import HttpSink
from reactor.doors.store import RedisStore
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
from reactor.model.event import worker_source
from reactor.model.identity import VERSION, Drift, Outage, take
from reactor.model.reason import REASONS
from reactor.model.times import clock_time
from reactor.settings import Settings
from reactor.web.senders import Senders
from workers import drift, fencing, hints, intake, outbox
from workers.fence.registry import provider
from workers.fencing import FenceTools
from workers.outbox import PostOffice
from workers.rq_worker import Stopping, Worker
from workers.surroundings import Surroundings
from workers.tools import Tools

log = structlog.get_logger()

_TROUBLE_RETRY = 5  # seconds until a job comes again that could not do its work


def run_drift(*args: Any) -> Any:
    """The job of one drift: (version, Drift as JSON)."""
    return answer(lambda: _shown(drift.run_pass(Drift.of(body(args)), tools())), _woken)


def run_fence(*args: Any) -> Any:
    """The job of one lost node that may be fenced: (version, Outage as JSON)."""
    return answer(lambda: fencing.run_fence(Outage.of(body(args)), fence_tools()), _woken)


def take_event(*args: Any) -> Any:
    """The job of one event: (version, CloudEvent as JSON)."""
    return answer(lambda: intake.take_event(decode(body(args)), tools()), _woken)


def take_post(*args: Any) -> Any:
    """The job of one POST of another system: (version, its events by their receipts)."""
    return answer(lambda: hints.take_post(body(args), inbox(), tools()), _woken)


def deliver(*args: Any) -> Any:
    """The job of one event that leaves: (version, {"letter": its id})."""
    return answer(lambda: outbox.deliver(take(body(args), "letter", str, "job"), post_office()), _told)


@cache
def post_office() -> PostOffice:
    """What delivering needs; no cluster. SettingsError without a sink."""
    settings = Settings.read(os.environ)
    sink = HttpSink(settings, time.time)
    redis = redis_door.connect(settings.redis_url)
    clock = redis_door.shared_clock(redis)
    letters, queue = RedisOutbox(redis, settings.history_ttl), RqQueue(redis, clock, settings.history_ttl)
    return PostOffice(letters, sink, queue, clock, settings.sink_give_up)


@cache
def inbox() -> RedisInbox:
    """Where accepted events wait, and are told what became of them."""
    settings = Settings.read(os.environ)
    redis = redis_door.connect(settings.redis_url)
    return RedisInbox(redis, redis_door.shared_clock(redis), settings.dedup_ttl, fsync_wait=0.0)


@cache
def requests() -> Requests:
    """The API requests of this process."""
    return Requests()


@cache
def tools() -> Tools:
    """What the jobs of this process work with, made from the environment when the first one needs it."""
    settings = Settings.read(os.environ)
    redis = redis_door.connect(settings.redis_url)
    kubeconfig = os.environ.get("KUBECONFIG", "")
    cluster = cluster_door.connect(kubeconfig, settings.api_timeout, Worker.beat_current, requests().count)
    return Tools(
        cluster=cluster,
        store=RedisStore(redis, settings.history_ttl),
        queue=RqQueue(redis, redis_door.shared_clock(redis), settings.history_ttl),
        policy=settings.to_policy(),
        clock=time.time,
        source=worker_source(cluster_door.uid(cluster)),
        around=Surroundings(time.monotonic, namespace=settings.namespace, csi_addons=settings.csi_addons_namespaces),
        claims=cluster,
        may_send=Senders.of(settings).may,
    )


@cache
def fence_tools() -> FenceTools:
    """What fencing works with; each provider is made when it is first asked."""
    settings = Settings.read(os.environ)
    kubeconfig = os.environ.get("KUBECONFIG", "")
    cluster = cluster_door.connect(kubeconfig, settings.api_timeout, Worker.beat_current, requests().count)
    made = cache(lambda name: provider(name, cluster, settings, Worker.beat_current))
    return FenceTools(tools(), cluster, made, settings.namespace)


def body(args: tuple[Any, ...]) -> dict[str, Any]:
    """What a job carries, if this version can read it. Another one's job ends here; the sweep queues it anew."""
    version, carried = args if len(args) == 2 else (None, None)  # noqa: PLR2004 - a version and a body
    if version != VERSION or not isinstance(carried, dict):
        raise BadInput(f"job: expected version {VERSION} and a JSON object, found {str(args)[:80]}")
    return carried


def answer(work: Callable[[], Outcome], woken: Callable[[str], float | None]) -> Any:
    """An outcome as RQ understands it: a JSON result, or Retry for "come again". `woken` is the queue's method."""
    try:
        outcome = work()
    except BadInput as error:
        outcome = Ended("malformed", "bad-input", str(error))
        log.warning(str(error), reason="bad-input")
    except (ClusterError, StoreError) as error:
        if isinstance(error, Forbidden | NotFound | NotServed | Rejected | InvalidName):  # time mends nothing of it
            log.warning(str(error), reason="api-refused", again_after=_TROUBLE_RETRY)
        return Retry(max=FOR_EVER, interval=_TROUBLE_RETRY)  # what woke it meanwhile is read the next time
    except Stopping:
        return Retry(max=FOR_EVER)
    again_at = _again_at(outcome, woken)
    if again_at is None and isinstance(outcome, Ended):
        return {"outcome": outcome.outcome, "reason": outcome.reason, "sentence": outcome.sentence}
    return Retry(max=FOR_EVER, interval=_left(again_at or 0.0))


def _left(at: float) -> int:
    """Seconds until then by Redis' clock, rounded up: RQ stumbles over a float, and cuts due times itself."""
    job = Worker.current_job()
    try:
        with store_door.translated():
            now = redis_time(job.connection) if job else time.time()
    except StoreError:
        return _TROUBLE_RETRY
    return max(0, math.ceil(at - now))


def _shown(outcome: Outcome) -> Outcome:
    """For who looks at the queue (rq-dashboard, `rq info`): where its drift stands, and when it comes again."""
    job = Worker.current_job()
    if job is not None:
        due = clock_time(outcome.at) if isinstance(outcome, Again) else ""
        told = {"reason": outcome.reason, "sentence": outcome.sentence, "due": due}
        known = REASONS.get(outcome.reason)  # "locked" tells of the pass and not of the drift
        job.meta.update({"phase": known.phase.value, **told} if known else {"due": due})
        with store_door.translated():
            job.save_meta()
    return outcome


def _again_at(outcome: Outcome, woken: Callable[[str], float | None]) -> float | None:
    """When to come again: as the job wants it, or earlier if it was woken while it ran."""
    job = Worker.current_job()
    try:
        asked = woken(job.id) if job else None
    except (ClusterError, StoreError):
        asked = None  # the mark stays; the next run of this job, or the sweep, reads it
    wanted = [at for at in (outcome.at if isinstance(outcome, Again) else None, asked) if at is not None]
    return min(wanted, default=None)


def _woken(job_id: str) -> float | None:
    return tools().queue.woken(job_id)


def _told(job_id: str) -> float | None:
    return post_office().queue.woken(job_id)
