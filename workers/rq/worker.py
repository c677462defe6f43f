"""RQ's worker as we need it: a dead one is noticed within seconds, and one that is asked to stop leaves nothing behind.

RQ's defaults notice a dead worker after minutes, so the times here are short; a pass keeps its job's heartbeat young by
a beat before each API call.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from threading import get_ident
from typing import Any, ClassVar, cast
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.executions import Execution
from rq.job import Job, Retry
from rq.utils import now
from rq.worker import WorkerStatus

from reactor import timing
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.process_reports import Reporter
from reactor.adapters.rq import RUNS, SERIALIZER
from reactor.model.errors import VmDriftError
from reactor.process import Stop
from workers.app import App
from workers.rq.job import OurJob
from workers.rq.queue import UNREADABLE, WorkedQueue
from workers.rq.stop import Stoppable


class Stopping(VmDriftError):
    """This process was asked to stop, and its job takes too long: another process goes on with it."""


class Worker(Stoppable, SimpleWorker):
    """One queue, one job at a time, in this very process."""

    HEARTBEAT_TTL = int(timing.WORKER_SILENT)
    BEAT_EVERY = timing.BEAT_EVERY
    WORKER_TTL = 16  # seconds; RQ blocks for new jobs 15 s less than this, and so long an idle worker takes to stop
    MAINTENANCE = 3  # seconds between two looks for jobs whose worker died
    BETWEEN = 1.0  # seconds from one heartbeat to the next between jobs, of which there may be a hundred in a second
    STOP_WITHIN = timing.JOB_STOPS_WITHIN  # a pass of many calls to a slow API server lasts minutes
    RUNS: ClassVar[Mapping[str, Collection[str]]] = RUNS  # queue -> dotted names of all that its jobs may call
    log_result_lifespan = False

    _current: tuple["Worker", OurJob, Any] | None = None
    _thread, _beat_at = 0, 0.0
    _rested_at = -math.inf

    def __init__(  # noqa: PLR0913 - what only some need is named
        self,
        queue: str,
        redis: Redis,
        stopping: Stop,
        chore: Callable[[], object] = lambda: None,
        reporter: Reporter | None = None,
        *,
        app: App | None = None,
    ) -> None:
        """`chore` is done at each maintenance, by one of the queue's workers at a time.

        `reporter` sends what this process did: between two jobs, while it waits, and when it ends. `app` runs the jobs
        of the product's own functions.
        """
        super().__init__(
            [queue],
            name=f"{queue}-{uuid4().hex}",  # its keys in Redis are its queue's alone (k8s/base/users.rules)
            connection=redis,
            job_class=OurJob,
            queue_class=WorkedQueue,
            serializer=SERIALIZER,
            worker_ttl=self.WORKER_TTL,
            maintenance_interval=self.MAINTENANCE,
            log_job_description=False,
        )
        self.stopping, self._chore, self._reporter, self.app = stopping, chore, reporter, app

    def subscribe(self) -> None:
        """Not to RQ's commands: nobody sends any, and the thread that waits for them ends up to a second late."""

    def dequeue_job_and_maintain_ttl(
        self,
        timeout: int | None,
        max_idle_time: int | None = None,  # noqa: ARG002 - RQ's signature
    ) -> tuple[Job, Any] | None:
        """As RQ does, but it checks whether to stop between two waits; errors of Redis are left to its owner."""
        self.set_state(WorkerStatus.IDLE)
        try:
            while not self.stopping.asked():
                self.heartbeat()
                if self._reporter:
                    self._reporter.now_and_then()  # after the heartbeat, so that it hardly ever waits for a dead Redis
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()
                with suppress(DequeueTimeout, *UNREADABLE):  # what was in the queue under no job's id is gone from it
                    return self._dequeue(timeout)
        except RedisError as error:
            raise StopRequested(str(error)) from error
        if self._reporter:
            self._reporter.report()
        return None

    def _dequeue(self, timeout: int | None) -> tuple[Job, Any] | None:
        job_and_queue: tuple[Job, Any] | None = self.queue_class.dequeue_any(
            self.queues,
            timeout,
            connection=self.connection,
            job_class=self.job_class,
            serializer=self.serializer,
            death_penalty_class=self.death_penalty_class,
        )
        return job_and_queue

    def clean_registries(self) -> None:
        """As RQ does, once what it would fail at is removed, now and at each later time."""
        for queue in self.queues:
            cast(WorkedQueue, queue).forget_unreadable()
        super().clean_registries()
        self._chore()

    def check_for_suspension(self, burst: bool) -> None:
        """As RQ does, with a heartbeat, but not between any two jobs."""
        if self._has_rested():
            super().check_for_suspension(burst)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As RQ does, for a shorter time, with the state; between jobs not each time, and in one round trip."""
        if pipeline is not None:
            super().heartbeat(self.WORKER_TTL, pipeline)
            super().set_state(self.get_state(), pipeline)
        elif self._has_rested():
            with self.connection.pipeline() as pipe:
                self.heartbeat(timeout, pipe)
                pipe.execute()

    def set_state(self, state: str, pipeline: Any = None) -> None:  # noqa: ARG002 - RQ's signature
        """It is written with the next heartbeat."""
        self._state = state

    def _has_rested(self) -> bool:
        """It is some time since this was true."""
        if time.monotonic() - self._rested_at < self.BETWEEN:
            return False
        self._rested_at = time.monotonic()
        return True

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 - RQ's signature
        """Seconds; RQ's own is a minute more than the job's time-out."""
        return self.HEARTBEAT_TTL

    def execute_job(self, job: Job, queue: Any) -> None:
        """As RQ does, of a job that its queue is for."""
        cast(OurJob, job).belongs_to(queue.name, self.RUNS[queue.name])
        super().execute_job(job, queue)

    def prepare_execution(self, job: Job) -> Execution:
        """As RQ does, with what it does in `prepare_job_execution`: all of it in one transaction."""
        self.set_state(WorkerStatus.BUSY)
        with self.connection.pipeline() as pipe:
            execution = Execution.create(job, self.HEARTBEAT_TTL, pipeline=pipe, worker_name=self.name)
            self.executions[execution.id] = execution
            job.prepare_for_execution(self.name, pipeline=pipe)
            pipe.persist(job.key)
            pipe.lrem(self.queues[0].intermediate_queue_key, 1, job.id)
            pipe.execute()
        return execution

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """It is done."""

    def perform_job(self, job: Job, queue: Any, execution: Any) -> bool:
        """As RQ does; other code in this process can find out which one runs."""
        Worker._current, Worker._beat_at = (self, cast(OurJob, job), execution), time.monotonic()
        Worker._thread = get_ident()
        try:
            return bool(super().perform_job(job, queue, execution))
        finally:
            Worker._current = None

    def handle_job_failure(self, job: Job, *args: Any, **more: Any) -> None:
        """A job that raised has a bug: it must be seen as failed, and not be retried as one whose worker died."""
        if more.get("execution") is not None:
            job.retries_left = None
        super().handle_job_failure(job, *args, **more)

    def handle_execution_ended(self, job: Job, queue: Any, heartbeat_ttl: int) -> None:  # noqa: ARG002 - RQ's
        """As RQ does, but it is written with what became of the job."""
        job.ended_at = job.last_heartbeat = now()

    def handle_job_retry(
        self,
        job: Job,
        queue: Any,
        retry: Retry,
        started_job_registry: Any,  # noqa: ARG002 - the same
        execution: Execution,
    ) -> None:
        """A job that comes again, in one transaction. Without RQ's result: 4 kB, which say less than the job's meta."""
        job.number_of_retries = (job.number_of_retries or 0) + 1
        seconds = Retry.get_interval(0, retry.intervals)
        with self.connection.pipeline() as pipe:
            pipe.multi()  # as in adapters.rq
            self.increment_total_working_time(now() - (job.started_at or now()), pipe)
            if seconds:
                queue.schedule_job(job, now() + timedelta(seconds=seconds), pipe)
            else:
                queue.enqueue_job(job, pipe)
            self.cleanup_execution(job, pipe, execution)
            pipe.execute()

    @classmethod
    def current_job(cls) -> OurJob | None:
        """The job that runs in this process."""
        return cls._current[1] if cls._current else None

    @classmethod
    def current_app(cls) -> App:
        """What runs it. LookupError where no job runs, or its worker has none."""
        app = cls._current[0].app if cls._current else None
        if app is None:
            raise LookupError("only a job asks for it, of a worker that has one")
        return app

    @classmethod
    def beat_current(cls) -> None:
        """Tell Redis that the running job is alive. Called before every API call; does something every 2 s.

        Only in the job's own thread: another one may still hang when its job has ended.
        Raises Stopping when the process was asked to stop and should have ended by now; StoreError.
        """
        if cls._current is None or get_ident() != cls._thread:
            return
        worker, job, execution = cls._current
        if worker.stopping.is_older_than(cls.STOP_WITHIN):
            raise Stopping("The worker was asked to stop; another one continues.")
        if time.monotonic() - cls._beat_at < cls.BEAT_EVERY:
            return
        cls._beat_at = time.monotonic()
        with translated():
            worker.maintain_heartbeats(job, execution)
