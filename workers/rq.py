"""RQ's side, and nothing else: what the jobs call, the worker, the scheduler.

RQ's defaults notice a dead worker after minutes, so the times here are short; a pass keeps its job's heartbeat young by
a beat before each API call. RQ's `failed` means a bug of ours: every end of the domain is a success with its outcome.
"""

import math
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import structlog
from redis import Redis
from rq import Retry, SimpleWorker
from rq.job import Job
from rq.scheduler import RQScheduler

from reactor.doors import cluster as cluster_door
from reactor.doors import store as store_door
from reactor.doors.cloudevents import decode
from reactor.doors.queue import FOR_EVER, SERIALIZER, RqQueue
from reactor.doors.store import RedisStore
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import BadInput, ClusterError, StoreError
from reactor.model.event import worker_source
from reactor.model.identity import VERSION, Drift
from reactor.settings import Settings
from workers import drift, intake
from workers.rq_queue import WorkedQueue
from workers.tools import Tools

log = structlog.get_logger()

_TROUBLE_RETRY = 5.0  # seconds until a job comes again that could not do its work


def run_drift(*args: Any) -> Any:
    """The job of one drift: (version, Drift as JSON)."""
    return answer(lambda: drift.run_pass(Drift.of(body(args)), tools()), _woken)


def take_event(*args: Any) -> Any:
    """The job of one event: (version, CloudEvent as JSON)."""
    return answer(lambda: intake.take_event(decode(body(args)), tools()), _woken)


@cache
def tools() -> Tools:
    """What the jobs of this process work with, made from the environment when the first one needs it."""
    settings = Settings.read(os.environ)
    redis = store_door.connect(settings.redis_url)
    cluster = cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout, Worker.beat_current)
    return Tools(
        cluster=cluster,
        store=RedisStore(redis, settings.history_ttl),
        queue=RqQueue(redis, time.time, settings.history_ttl),
        policy=settings.to_policy(),
        clock=time.time,
        source=worker_source(cluster_door.uid(cluster)),
    )


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
        outcome = Again(time.time() + _TROUBLE_RETRY, "unavailable", str(error))
    again_at = _again_at(outcome, woken)
    if again_at is None and isinstance(outcome, Ended):
        return {"outcome": outcome.outcome, "reason": outcome.reason, "sentence": outcome.sentence}
    # Whole seconds, rounded up: RQ stumbles over a float, and cuts due times itself.
    return Retry(max=FOR_EVER, interval=max(0, math.ceil((again_at or 0) - time.time())))


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


class Worker(SimpleWorker):
    """One queue, one job at a time, in this very process; dead ones are noticed within seconds."""

    HEARTBEAT_TTL = 8  # seconds without a beat after which another worker takes the job over
    BEAT_EVERY = 2.0  # seconds
    WORKER_TTL = 18  # seconds; RQ blocks for new jobs 15 s less than this
    MAINTENANCE = 3  # seconds between two looks for jobs whose worker died
    max_connection_wait_time = 5.0
    log_result_lifespan = False

    _current: tuple["Worker", Job, Any] | None = None
    _beaten = 0.0

    def __init__(self, queue: str, redis: Redis) -> None:
        super().__init__(
            [queue],
            connection=redis,
            queue_class=WorkedQueue,
            serializer=SERIALIZER,
            worker_ttl=self.WORKER_TTL,
            maintenance_interval=self.MAINTENANCE,
            log_job_description=False,
        )
        self.stopping = False

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 - RQ's signature
        """Seconds; RQ's own is a minute more than the job's time-out."""
        return self.HEARTBEAT_TTL

    def perform_job(self, job: Job, queue: Any, execution: Any) -> bool:
        """As RQ does, while others in this process can find out which job runs."""
        Worker._current, Worker._beaten = (self, job, execution), time.monotonic()
        try:
            return bool(super().perform_job(job, queue, execution))
        finally:
            Worker._current = None

    def handle_job_failure(self, job: Job, *args: Any, **more: Any) -> None:
        """A job that raised has a bug: it must be seen as failed, and not be retried as one whose worker died."""
        if more.get("execution") is not None:
            job.retries_left = None
        super().handle_job_failure(job, *args, **more)

    def request_stop(self, signum: Any, frame: Any) -> None:
        """SIGTERM, SIGINT: finish the job, take no other."""
        self.stopping = True
        super().request_stop(signum, frame)

    @classmethod
    def current_job(cls) -> Job | None:
        """The job that runs in this process."""
        return cls._current[1] if cls._current else None

    @classmethod
    def beat_current(cls) -> None:
        """Tell Redis that the running job is alive. Called before every API call; does something every 2 s."""
        if cls._current is None or time.monotonic() - cls._beaten < cls.BEAT_EVERY:
            return
        worker, job, execution = cls._current
        cls._beaten = time.monotonic()
        with store_door.translated():
            worker.maintain_heartbeats(job, execution)


class Scheduler(RQScheduler):
    """Moves due jobs into their queues. Any number may run; a dead one's lock is taken over within seconds."""

    LOCK_TTL = 8  # seconds; RQ's own is 61
    ACQUIRE_EVERY = 2.0  # seconds between two tries for the locks that another one holds; RQ's own are 600

    _tried = 0.0

    @property
    def should_reacquire_locks(self) -> bool:
        """While some lock is another's: try again soon."""
        if self._queue_names == self.acquired_locks or time.monotonic() - self._tried < self.ACQUIRE_EVERY:
            return False
        self._tried = time.monotonic()
        return True

    def acquire_locks(self, auto_start: bool = False) -> set[str]:
        """As RQ does, for a shorter time."""
        acquired: set[str] = super().acquire_locks(auto_start)
        self._shorten()
        return acquired

    def heartbeat(self) -> None:
        """As RQ does, for a shorter time."""
        super().heartbeat()
        self._shorten()

    def _shorten(self) -> None:
        for name in self.acquired_locks:
            self.connection.expire(self.get_locking_key(name), self.LOCK_TTL)
