"""What RQ does to jobs when its processes are killed or somebody meddles, made to happen on real RQ, and its repair."""

import signal
from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry

from reactor.adapters.rq import DRIFTS, SERIALIZER
from reactor.in_thread import begun
from reactor.model.drift import Again, Outcome
from reactor.process import Stop
from tests.contracts import dying_worker
from tests.contracts.queue_jobs import JobsWorker
from tests.contracts.queue_worlds import DONE, BrokenError, Jobs, RqWorld, entry
from tests.support.copies import copied

QUEUE, DUE, RUNNING = f"rq:queue:{DRIFTS}", f"rq:scheduled:{DRIFTS}", f"rq:wip:{DRIFTS}"
TAKEN = f"{QUEUE}:intermediate"
HASH, FAILED, FINISHED = "rq:job:job", f"rq:failed:{DRIFTS}", f"rq:finished:{DRIFTS}"
DEAD = JobsWorker.HEARTBEAT_TTL + 1  # seconds until a worker counts as dead


def job(redis: Redis) -> Job:
    return Job.fetch("job", connection=redis, serializer=SERIALIZER)


def rq_queue(redis: Redis) -> Queue:
    return Queue(DRIFTS, connection=redis, serializer=SERIALIZER)


def kill_a_worker(url: str, where: str) -> None:
    """One takes the job and is killed at it."""
    assert copied(lambda: dying_worker.main(url, where)).code == -signal.SIGKILL


def nothing_is_left_over(redis: Redis) -> bool:
    """The job has ended well, and is noted nowhere else."""
    others = [redis.llen(QUEUE), redis.llen(TAKEN), *(redis.zcard(key) for key in (DUE, RUNNING, FAILED))]
    ended = job(redis).get_status() == JobStatus.FINISHED and redis.zscore(FINISHED, "job") is not None
    return ended and not any(others)


def test_a_job_whose_worker_is_killed_before_it_starts_is_taken_up_by_another(
    rq_world: RqWorld, jobs: Jobs, redis_url: str
) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    kill_a_worker(redis_url, "taken")
    assert (rq_world.redis.lrange(TAKEN, 0, -1), rq_world.redis.zcard(RUNNING)) == ([b"job"], 0)
    rq_world.run()  # sees it for the first time
    assert jobs.ran == []
    rq_world.sleep(7)
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_whose_worker_is_killed_at_it_is_run_by_another(rq_world: RqWorld, jobs: Jobs, redis_url: str) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    kill_a_worker(redis_url, "running")
    rq_world.run()
    assert jobs.ran == []
    rq_world.sleep(DEAD)
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_that_kills_every_worker_until_rq_gives_it_up_runs_once_it_is_woken(
    rq_world: RqWorld, jobs: Jobs, redis_url: str
) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.hset(HASH, "retries_left", 1)  # RQ begins with a billion
    for _ in range(2):
        kill_a_worker(redis_url, "running")
        rq_world.sleep(DEAD)
        rq_queue(rq_world.redis).started_job_registry.cleanup()
    assert job(rq_world.redis).get_status() == JobStatus.FAILED
    rq_world.run()
    assert jobs.ran == []
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_whose_worker_is_killed_before_it_is_written_when_it_comes_again_is_run_by_another(
    rq_world: RqWorld, jobs: Jobs, redis_url: str
) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    kill_a_worker(redis_url, "ending")
    assert (job(rq_world.redis).get_status(), rq_world.redis.zcard(DUE)) == (JobStatus.STARTED, 0)
    rq_world.sleep(DEAD)
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_orphaned_between_its_status_and_its_due_time_runs_once_it_is_woken(
    rq_world: RqWorld, jobs: Jobs
) -> None:
    """As RQ's own workers write them, one after the other, and ours did in 0.1.0."""
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    rq_world.redis.delete(DUE)
    assert (job(rq_world.redis).get_status(), rq_world.redis.zcard(DUE)) == (JobStatus.SCHEDULED, 0)
    rq_world.sleep(DEAD)
    rq_world.run()
    assert jobs.ran == []  # RQ itself has lost it for good
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_that_is_in_the_queue_twice_runs_twice_and_nothing_is_left_over(rq_world: RqWorld, jobs: Jobs) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.lpush(QUEUE, "job")
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)


def test_the_second_run_of_a_job_that_was_to_come_again_leaves_nothing_over(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo.append(lambda: Again(rq_world.now() + 1000, "later", "It waits."))
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.lpush(QUEUE, "job")
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    rq_world.sleep(1001)
    rq_world.run()
    assert jobs.ran == ["job", "job", "job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_job_that_runs_before_its_time_comes_again_at_that_very_time(rq_world: RqWorld, jobs: Jobs) -> None:
    due = rq_world.now() + 1000.5

    def check_the_window() -> Outcome:
        return DONE if rq_world.now() >= due else Again(due, "unreachable-window", "The window is open.")

    jobs.todo.append(check_the_window)
    rq_world.queue.wake(entry(), due)
    rq_world.redis.zadd(DUE, {"job": rq_world.now() - 1})
    rq_world.run()
    assert (jobs.ran, rq_world.due()) == (["job"], due)
    rq_world.sleep(1001)
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)


def fail() -> Outcome:
    raise BrokenError


REQUEUES: list[Callable[[Redis], object]] = [
    lambda redis: job(redis).requeue(),
    lambda redis: FailedJobRegistry(DRIFTS, redis, serializer=SERIALIZER).requeue("job"),
]


@pytest.mark.parametrize("requeue", REQUEUES)
def test_a_failed_job_that_is_requeued_by_hand_runs_again(
    rq_world: RqWorld, jobs: Jobs, requeue: Callable[[Redis], object]
) -> None:
    jobs.todo.append(fail)
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    requeue(rq_world.redis)
    rq_world.queue.wake(entry(), rq_world.now())  # the sweep finds it in order
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)


def test_an_ended_job_that_is_put_back_by_hand_runs_again_and_ends(rq_world: RqWorld, jobs: Jobs) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    rq_queue(rq_world.redis).enqueue_job(job(rq_world.redis))
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_scheduled_job_that_is_put_back_by_hand_runs_earlier_and_comes_again_all_the_same(
    rq_world: RqWorld, jobs: Jobs
) -> None:
    jobs.todo.append(lambda: Again(rq_world.now() + 1000, "later", "It waits."))
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    rq_queue(rq_world.redis).enqueue_job(job(rq_world.redis))
    rq_world.run()
    assert jobs.ran == ["job"]
    rq_world.sleep(1001)
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)


GARBAGE = [b"../../job", b"\xff\xfe", b"", b"a job", b"broken", b"no-such-job", b"a:b:c"]
PLACES: dict[str, Callable[[Redis, bytes], object]] = {
    "queue": lambda redis, name: redis.lpush(QUEUE, name),
    "taken": lambda redis, name: redis.lpush(TAKEN, name),
    "running": lambda redis, name: redis.zadd(RUNNING, {name: 1}),
    "running, with its execution": lambda redis, name: redis.zadd(RUNNING, {name + b":execution": 1}),
    "due": lambda redis, name: redis.zadd(DUE, {name: 1}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_keeps_neither_worker_nor_scheduler_from_the_others(
    rq_world: RqWorld, jobs: Jobs, place: str, name: bytes
) -> None:
    rq_world.redis.hset("rq:job:broken", mapping={"status": "x", "data": "x", "timeout": "x"})
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    rq_world.sleep(1001)
    PLACES[place](rq_world.redis, name)
    rq_world.run()
    rq_world.run()
    assert jobs.ran == ["job"]
    assert nothing_is_left_over(rq_world.redis)


def test_a_worker_that_was_asked_to_stop_takes_no_job(rq_world: RqWorld, jobs: Jobs) -> None:
    stop = Stop()
    stop.ask()
    rq_world.queue.wake(entry(), rq_world.now())
    JobsWorker(DRIFTS, rq_world.redis, stop).work(logging_level="CRITICAL")
    assert (jobs.ran, rq_world.redis.llen(QUEUE)) == ([], 1)


class Impatient(JobsWorker):
    """Cuts its job short at once when it shall stop."""

    STOP_WITHIN = -1.0  # seconds


def test_what_still_hangs_of_a_job_in_another_thread_neither_beats_for_it_nor_cuts_it_short(
    rq_world: RqWorld, jobs: Jobs
) -> None:
    stop = Stop()

    def beat() -> Outcome:
        stop.ask()
        begun(Impatient.beat_current, "hangs").result()
        return DONE

    jobs.todo.append(beat)
    rq_world.queue.wake(entry(), rq_world.now())
    Impatient(DRIFTS, rq_world.redis, stop).work(logging_level="CRITICAL")
    assert (jobs.ran, rq_world.redis.lrange(QUEUE, 0, -1)) == (["job"], [])


def test_a_job_that_is_cut_short_because_its_worker_stops_is_there_for_another(rq_world: RqWorld, jobs: Jobs) -> None:
    stop = Stop()

    def beat() -> Outcome:
        Impatient.beat_current()
        stop.ask()
        Impatient.beat_current()
        return DONE

    jobs.todo.append(beat)
    rq_world.queue.wake(entry(), rq_world.now())
    Impatient(DRIFTS, rq_world.redis, stop).work(logging_level="CRITICAL")
    assert (jobs.ran, rq_world.redis.lrange(QUEUE, 0, -1)) == (["job"], [b"job"])
    rq_world.run()
    assert jobs.ran == ["job", "job"]
    assert nothing_is_left_over(rq_world.redis)
