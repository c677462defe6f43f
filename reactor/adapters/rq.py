"""The job queue: RQ, with JSON jobs and never pickle.

The contract is small, because RQ promises little: a job that was woken runs at least once, sometimes twice, even twice
at the same time, and can be killed anywhere. Due times are exact, by Redis' clock, but no proof: a job may be woken, or
queued by hand, before its time. What RQ loses for good, the next `wake` restores: the sweep calls it for every job that
ought to exist. So `wake` never postpones and may be called at any time, for a job in any state.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from redis import Redis
from rq import Queue as RedisQueue
from rq import Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import ScheduledJobRegistry
from rq.utils import utcformat

from reactor import roles, timing
from reactor.adapters.cloudevents import encode
from reactor.adapters.redis.contents import text_of
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.lua import script
from reactor.model.event import Event
from reactor.model.identity import VERSION, Drift, Outage
from reactor.model.times import Clock

EVENTS = roles.INTAKE.queue  # CloudEvents to be processed
DRIFTS = roles.DRIFTS.queue  # one job per VM and outage
FENCING = roles.FENCING.queue  # one job per outage whose node may be fenced
OUTGOING = roles.OUTGOING.queue  # one job per event that is delivered to others
# What the jobs call. Dotted names, because the reactor does not import the workers; a contract test resolves them.
TAKE_EVENT = "workers.rq.take_event"
TAKE_POST = "workers.rq.take_post"
RUN_DRIFT = "workers.rq.run_drift"
RUN_FORECAST = "workers.rq.run_forecast"
RUN_FENCE = "workers.rq.run_fence"
DELIVER = "workers.rq.deliver"
# All that a worker of each queue runs.
RUNS = {
    EVENTS: (TAKE_EVENT, TAKE_POST),
    DRIFTS: (RUN_DRIFT, RUN_FORECAST),
    FENCING: (RUN_FENCE,),
    OUTGOING: (DELIVER,),
}
SERIALIZER = "json"
# Is there while a scheduler is, which looks after every queue. Under RQ's prefix, which every role may read.
SCHEDULER_ALIVE = "rq:scheduler:alive"

# Neither number is a limit that we want: RQ counts every further pass as a retry, for the life of the job.
FOR_EVER = 10**9
JOB_TIMEOUT = 120  # seconds; a pass is a few calls with time-outs of their own
# RQ's worker keeps a running job's heartbeat younger than this; an older one means that nobody runs it.
ORPHANED_AFTER = timing.JOB_ORPHANED
_MARK_TTL = 3600  # seconds
_FORECAST = "forecast_"  # its jobs give way to all others of their queue
_HEAD = 100  # jobs of a queue that are looked at
_SCHEDULED = JobStatus.SCHEDULED.value.encode()


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One job: its identity, what it calls (a dotted name) with which JSON arguments, and a description for people."""

    queue: str
    id: str
    function: str
    args: tuple[Any, ...]
    description: str


def event_entry(event: Event) -> JobEntry:
    """The job that processes this event; the same event reported again is the same job."""
    description = f"{event.type.removeprefix('io.vmdrift.')} {event.subject}"
    return JobEntry(EVENTS, f"event_{event.id}", TAKE_EVENT, (VERSION, encode(event)), description)


def drift_entry(drift: Drift) -> JobEntry:
    """The job that makes this drift's passes."""
    return JobEntry(DRIFTS, drift.id, RUN_DRIFT, (VERSION, drift.as_json()), f"drift {drift}")


def forecast_entry(outage: Outage) -> JobEntry:
    """The job that foresees what becomes of this outage's VMs."""
    description = f"forecast {outage.node.name}"
    return JobEntry(DRIFTS, f"{_FORECAST}{outage.id}", RUN_FORECAST, (VERSION, outage.as_json()), description)


def fence_entry(outage: Outage) -> JobEntry:
    """The job that fences this outage's node, or checks that somebody did."""
    return JobEntry(FENCING, f"fence_{outage.id}", RUN_FENCE, (VERSION, outage.as_json()), f"fence {outage.node.name}")


def delivery_entry(letter_id: str) -> JobEntry:
    """The job that makes this delivery (`adapters.redis.outbox`)."""
    return JobEntry(
        OUTGOING, f"out_{letter_id}", DELIVER, (VERSION, {"letter": letter_id}), f"deliver event {letter_id}"
    )


def is_drift(job_id: str) -> bool:
    """Of a job in the queue `drifts`."""
    return not job_id.startswith(_FORECAST)


class Queue(Protocol):
    """Every method raises StoreUnreachable or StoreRefused."""

    def wake(self, entry: JobEntry, due: float) -> None:
        """Make sure that this job runs at `due` (seconds since the epoch) or earlier, whatever state it is in now.

        A waiting job is moved forward, never back, and where `due` has passed into its queue at once; an ended, failed
        or lost one is queued again; one that is running is asked to run again.
        """

    def wake_all(self, wanted: Sequence[tuple[JobEntry, float]]) -> None:
        """Wake each at its due time. A sweep does this for thousands, nearly all of which are scheduled already."""

    def woken(self, job_id: str) -> float | None:
        """When this job, while it ran, was asked to run again: read once, then forgotten."""

    def drift_waits(self) -> bool:
        """Does a drift's job wait for a worker, as far as the first hundred of its queue show?"""


class _State(Enum):
    QUEUED = "it will run"
    SCHEDULED = "it has a due time"
    RUNNING = "somebody runs it"
    OVER = "nobody will run it"


class RqQueue:
    """The Queue on RQ. `clock` is Redis' (`redis.clock`). `keep` in seconds: how long ended jobs stay readable."""

    def __init__(self, redis: Redis, clock: Clock, keep: float) -> None:
        self._redis, self._clock, self._keep = redis, clock, int(keep)

    def wake(self, entry: JobEntry, due: float) -> None:
        with translated():
            queue = RedisQueue(entry.queue, connection=self._redis, serializer=SERIALIZER)
            state = self._state(queue, entry.id)
            if state is _State.SCHEDULED:
                self._bring_forward(queue, entry.id, due)
            elif state is _State.RUNNING:
                self._mark(entry.id, due)
            elif state is _State.OVER:
                self._put(queue, entry, due)

    def _bring_forward(self, queue: RedisQueue, job_id: str, due: float) -> None:
        """Only if it still waits, and only if it comes earlier by this: a scheduler may be taking it right now."""
        if due <= self._clock():
            enqueue_waiting(self._redis, queue.name, [job_id], self._clock())
        else:
            self._redis.zadd(_scheduled(queue).key, {job_id: due}, xx=True, lt=True)

    def wake_all(self, wanted: Sequence[tuple[JobEntry, float]]) -> None:
        with translated():
            due_at, now = self._brought_forward(wanted), self._clock()
            due: dict[str, list[str]] = {}
            for (entry, _), at in zip(wanted, due_at, strict=True):
                if at is not None and at <= now:
                    due.setdefault(entry.queue, []).append(entry.id)
            for queue, job_ids in due.items():
                enqueue_waiting(self._redis, queue, job_ids, now)
        for (entry, when), at in zip(wanted, due_at, strict=True):
            if at is None:
                self.wake(entry, when)

    def _brought_forward(self, wanted: Sequence[tuple[JobEntry, float]]) -> list[float | None]:
        """When each is due that waits, no later than wanted, and None for all others; in one round trip."""
        with self._redis.pipeline(transaction=False) as pipe:
            for entry, due in wanted:
                scheduled = ScheduledJobRegistry.key_template.format(entry.queue)
                pipe.hget(Job.key_for(entry.id), "status")
                pipe.zadd(scheduled, {entry.id: due}, xx=True, lt=True)
                pipe.zscore(scheduled, entry.id)
            replies = pipe.execute()
        rows = zip(replies[::3], replies[2::3], strict=True)
        return [at if status == _SCHEDULED else None for status, at in rows]

    def woken(self, job_id: str) -> float | None:
        with translated():
            marks: Any = self._redis.zpopmin(_mark_key(job_id))
        return marks[0][1] if marks else None

    def drift_waits(self) -> bool:
        key = f"{RedisQueue.redis_queue_namespace_prefix}{DRIFTS}"
        with translated():
            waiting: Any = self._redis.lrange(key, 0, _HEAD - 1)
        return any(is_drift(text_of(job_id)) for job_id in waiting)

    def _mark(self, job_id: str, due: float) -> None:
        """A sorted set with one member, because Redis can be asked to make its score only earlier (ZADD LT)."""
        with self._redis.pipeline() as pipe:
            pipe.zadd(_mark_key(job_id), {"due": due}, lt=True)
            pipe.expire(_mark_key(job_id), _MARK_TTL)
            pipe.execute()

    def _state(self, queue: RedisQueue, job_id: str) -> _State:
        try:
            job = Job.fetch(job_id, connection=self._redis, serializer=SERIALIZER)
        except (NoSuchJobError, ValueError, AssertionError):  # the last for a malformed time-out
            return _State.OVER  # a hash that RQ cannot read is as good as none
        status = job.get_status(refresh=False)
        if status == JobStatus.QUEUED and self._listed(queue, job_id):
            return _State.QUEUED
        if status == JobStatus.SCHEDULED and self._redis.zscore(_scheduled(queue).key, job_id) is not None:
            return _State.SCHEDULED
        if status == JobStatus.STARTED and self._beats(job):
            return _State.RUNNING
        return _State.OVER

    def _listed(self, queue: RedisQueue, job_id: str) -> bool:
        """In the queue, or just taken by a worker. A job in neither list was lost between two writes."""
        keys = (queue.key, queue.intermediate_queue_key)
        return any(self._redis.lpos(key, job_id) is not None for key in keys)

    def _beats(self, job: Job) -> bool:
        """Stamped by the worker's clock: a heartbeat from far in the future does not count either."""
        heartbeat = job.last_heartbeat
        return heartbeat is not None and abs(self._clock() - heartbeat.timestamp()) < ORPHANED_AFTER

    def _put(self, queue: RedisQueue, entry: JobEntry, due: float) -> None:
        job = new_job(entry, queue, self._redis, self._keep)
        with self._redis.pipeline() as pipe:
            # Called here, because RQ begins a transaction of its own on a pipeline without one, and only an empty one.
            pipe.multi()
            # The traces of an earlier run would make RQ see the new one as failed or finished.
            pipe.delete(job.key)
            for registry in (queue.failed_job_registry, queue.finished_job_registry, _scheduled(queue)):
                pipe.zrem(registry.key, job.id)
            if due <= self._clock():
                queue.enqueue_job(job, pipeline=pipe)
            else:
                queue.schedule_job(job, datetime.fromtimestamp(due, UTC), pipeline=pipe)
                pipe.zadd(_scheduled(queue).key, {job.id: due})  # RQ cuts it to whole seconds
            pipe.execute()


def new_job(entry: JobEntry, queue: RedisQueue, redis: Redis, keep: int) -> Job:
    """RQ's job for an entry, not written yet. `keep` in seconds: how long it stays readable after its end."""
    return Job.create(
        entry.function,
        args=list(entry.args),
        id=entry.id,
        origin=queue.name,
        connection=redis,
        serializer=SERIALIZER,
        description=entry.description,
        timeout=JOB_TIMEOUT,
        result_ttl=keep,
        failure_ttl=keep,
        # Only for a job whose worker died (RQ's "abandoned"); a job says itself, when it ends, whether it runs again.
        retry=Retry(max=FOR_EVER),
    )


def enqueue_waiting(
    redis: Redis, queue: str, job_ids: Sequence[str | bytes], now: float, until: float = math.inf
) -> None:
    """Move those of these jobs that wait, and are due by `until`, into their queue. `now` is Redis' time.

    Raises the library's errors.
    """
    keys = (ScheduledJobRegistry.key_template.format(queue), f"{RedisQueue.redis_queue_namespace_prefix}{queue}")
    more = (until, utcformat(datetime.fromtimestamp(now, UTC)), Job.redis_job_namespace_prefix)
    redis.register_script(script("enqueue"))(keys, [*more, *job_ids])


def _scheduled(queue: RedisQueue) -> ScheduledJobRegistry:
    return ScheduledJobRegistry(queue=queue)


def _mark_key(job_id: str) -> str:
    return f"{PREFIX}again:{job_id}"
