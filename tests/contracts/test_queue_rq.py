"""What holds for RQ alone: what it loses is found again, and nothing that lies in Redis stops the others."""

import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from redis import Redis
from rq.job import Job, JobStatus

from reactor.adapters.rq import DRIFTS, ORPHANED_AFTER, SERIALIZER, JobEntry, RqQueue, drift_entry, event_entry
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import BadInput, ClusterUnreachable, StoreUnreachable
from reactor.model.event import unreachable, watcher_source
from reactor.model.identity import VERSION
from tests.contracts.queue_jobs import RUN, Desk
from tests.contracts.queue_worlds import BrokenError, Jobs, RqWorld, entry
from tests.contracts.samples import drift, outage
from workers.rq.worker import Worker

HASH, QUEUE, DUE, FAILED = "rq:job:job", f"rq:queue:{DRIFTS}", f"rq:scheduled:{DRIFTS}", f"rq:failed:{DRIFTS}"
RESULTS = "rq:results:job"


def job(redis: Redis, name: str = "job") -> Job:
    return Job.fetch(name, connection=redis, serializer=SERIALIZER)


def lose_from_the_queue(redis: Redis) -> None:
    redis.lrem(QUEUE, 0, "job")


def lose_from_the_schedule(redis: Redis) -> None:
    redis.lrem(QUEUE, 0, "job")
    redis.hset(HASH, "status", "scheduled")


def lose_its_worker(redis: Redis) -> None:
    redis.lrem(QUEUE, 0, "job")
    beat = datetime.now(UTC).timestamp() - ORPHANED_AFTER - 1
    moment = datetime.fromtimestamp(beat, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    redis.hset(HASH, mapping={"status": "started", "last_heartbeat": moment})


def lose_its_heartbeat(redis: Redis) -> None:
    redis.lrem(QUEUE, 0, "job")
    redis.hset(HASH, "status", "started")


def lose_its_hash(redis: Redis) -> None:
    redis.delete(HASH)


LOSSES = [lose_from_the_queue, lose_from_the_schedule, lose_its_worker, lose_its_heartbeat, lose_its_hash]


@pytest.mark.parametrize("lose", LOSSES)
def test_a_job_that_rq_has_lost_runs_once_it_is_woken(
    rq_world: RqWorld, jobs: Jobs, lose: Callable[[Redis], None]
) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    lose(rq_world.redis)
    rq_world.run()
    assert jobs.ran == []
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["job"]


def test_a_scheduled_job_that_its_registry_has_lost_is_scheduled_anew(rq_world: RqWorld) -> None:
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    rq_world.redis.delete(DUE)
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    assert rq_world.redis.zscore(DUE, "job") is not None


def test_a_scheduled_job_whose_hash_is_lost_is_scheduled_anew(rq_world: RqWorld, jobs: Jobs) -> None:
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    lose_its_hash(rq_world.redis)
    rq_world.queue.wake(entry(), rq_world.now() + 1000)
    rq_world.sleep(1001)
    rq_world.run()
    assert jobs.ran == ["job"]


def test_a_job_just_taken_out_of_the_queue_is_not_queued_a_second_time(rq_world: RqWorld) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.lmove(QUEUE, f"{QUEUE}:intermediate", "LEFT", "RIGHT")
    rq_world.queue.wake(entry(), rq_world.now())
    assert rq_world.redis.llen(QUEUE) == 0


def fail() -> Outcome:
    raise BrokenError


def test_a_job_that_raises_is_failed_and_does_not_come_again_by_itself(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo.append(fail)
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    rq_world.run()
    assert (jobs.ran, job(rq_world.redis).get_status()) == (["job"], JobStatus.FAILED)
    assert rq_world.redis.zscore(FAILED, "job") is not None


def test_a_failed_job_that_is_woken_leaves_no_trace_of_its_failure(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo.append(fail)
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert (jobs.ran, job(rq_world.redis).get_status()) == (["job", "job"], JobStatus.FINISHED)
    assert rq_world.redis.zscore(FAILED, "job") is None


def test_a_job_that_is_queued_anew_carries_nothing_of_its_earlier_runs(rq_world: RqWorld, jobs: Jobs) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    fresh = set(rq_world.redis.hkeys(HASH))
    jobs.todo.append(lambda: Again(0, "now", "It goes on."))
    rq_world.run()
    assert set(rq_world.redis.hkeys(HASH)) > fresh
    rq_world.queue.wake(entry(), rq_world.now())
    assert set(rq_world.redis.hkeys(HASH)) == fresh


def result(redis: Redis, name: str = "job") -> Any:
    return job(redis, name).return_value()


def test_an_end_is_a_success_with_its_outcome(rq_world: RqWorld) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert result(rq_world.redis) == {"outcome": "completed", "reason": "done", "sentence": "It is done."}


MALFORMED: list[tuple[Any, ...]] = [(), (VERSION,), (VERSION + 1, {}), (VERSION, []), (VERSION, {}, {}), ("x", None)]


@pytest.mark.parametrize("args", MALFORMED)
def test_a_job_with_malformed_arguments_ends_with_its_reason_and_the_queue_goes_on(
    rq_world: RqWorld, jobs: Jobs, args: tuple[Any, ...]
) -> None:
    rq_world.queue.wake(JobEntry(DRIFTS, "bad", RUN, args, "bad"), rq_world.now())
    rq_world.queue.wake(entry("good"), rq_world.now())
    rq_world.run()
    assert (jobs.ran, job(rq_world.redis, "bad").get_status()) == (["good"], JobStatus.FINISHED)
    said = result(rq_world.redis, "bad")
    assert (said["outcome"], said["reason"]) == ("malformed", "bad-input")
    assert "expected version 1 and a JSON object" in said["sentence"]


def test_bad_input_found_by_the_work_itself_ends_the_job_too(rq_world: RqWorld, jobs: Jobs) -> None:
    def refuse() -> Outcome:
        raise BadInput("drift.vm: expected dict, found 'None'")

    jobs.todo.append(refuse)
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert result(rq_world.redis)["sentence"] == "drift.vm: expected dict, found 'None'"


@pytest.mark.parametrize("error", [ClusterUnreachable("away"), StoreUnreachable("away")])
def test_a_job_that_finds_cluster_or_redis_away_comes_again(rq_world: RqWorld, jobs: Jobs, error: Exception) -> None:
    def away() -> Outcome:
        raise error

    jobs.todo.append(away)
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert job(rq_world.redis).get_status() == JobStatus.SCHEDULED
    rq_world.sleep(6)
    rq_world.run()
    assert jobs.ran == ["job", "job"]


def test_a_job_that_comes_again_for_ever_is_never_failed(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo += [lambda: Again(0, "now", "It goes on.")] * 20
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert (len(jobs.ran), job(rq_world.redis).get_status()) == (21, JobStatus.FINISHED)


def test_what_a_job_said_is_kept_when_it_has_ended_and_not_while_it_waits(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo.append(lambda: Again(rq_world.now() + 10, "later", "It waits."))
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert job(rq_world.redis).get_status() == JobStatus.SCHEDULED
    assert not rq_world.redis.exists(RESULTS)
    rq_world.sleep(11)
    rq_world.run()
    assert rq_world.redis.xlen(RESULTS) == 1


UNDECODABLE = [b"\x80\x04K\x01.", b"", b"{", b"null", b"[1, 2]", b'["no.such.module.run", null, [], {}]', b"\xff\xfe"]


@pytest.mark.parametrize("data", UNDECODABLE)
@pytest.mark.parametrize("packed", [True, False])
def test_undecodable_job_data_does_not_stop_the_others_and_is_mended_by_waking(
    rq_world: RqWorld, jobs: Jobs, data: bytes, packed: bool
) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.hset(HASH, "data", zlib.compress(data) if packed else data)
    rq_world.queue.wake(entry("good"), rq_world.now())
    rq_world.run()
    rq_world.run()
    assert jobs.ran == ["good"]
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["good", "job"]


BROKEN_FIELDS = {"status": "x", "meta": "{", "last_heartbeat": "x", "created_at": "\xff", "timeout": "x", "data": ""}


@pytest.mark.parametrize("field", BROKEN_FIELDS)
def test_a_job_whose_hash_is_garbage_is_mended_by_waking(rq_world: RqWorld, jobs: Jobs, field: str) -> None:
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.lrem(QUEUE, 0, "job")
    rq_world.redis.hset(HASH, field, BROKEN_FIELDS[field])
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["job"]


def test_jobs_of_drifts_and_events_are_stored_as_json(rq_world: RqWorld) -> None:
    entries = [drift_entry(drift()), event_entry(unreachable(outage(), watcher_source("cluster")))]
    for told in entries:
        rq_world.queue.wake(told, rq_world.now() + 1000)
        data = rq_world.redis.hget(f"rq:job:{told.id}", "data")
        assert isinstance(data, bytes)
        function, _, args, kwargs = orjson.loads(zlib.decompress(data))
        assert (function, tuple(args), kwargs) == (told.function, told.args, {})


def test_results_and_exceptions_are_stored_without_pickle(rq_world: RqWorld, jobs: Jobs) -> None:
    jobs.todo += [fail, lambda: Ended("x", "y", "z"), lambda: Again(0, "now", "again")]
    for name in ("a", "b", "c"):
        rq_world.queue.wake(entry(name), rq_world.now())
    rq_world.run()
    stored = [value for key in rq_world.redis.scan_iter() for value in values(rq_world.redis, key)]
    assert len(stored) > 20
    assert not [value for value in stored if b"\x80\x04" in value or b"\x80\x05" in value or value.startswith(b"gA")]


def values(redis: Redis, key: bytes) -> list[bytes]:
    """All that a key holds, unpacked."""
    connection: Any = redis  # its stubs allow for text, which this connection never returns
    kind = connection.type(key)
    if kind == b"hash":
        return [zlib.decompress(v) if v.startswith(b"\x78") else v for v in connection.hgetall(key).values()]
    if kind == b"stream":
        return [v for _, fields in connection.xrange(key) for v in fields.values()]
    return [key]


def foreign(redis: Redis, name: str, call: list[Any], **more: str) -> None:
    """A job that somebody wrote who may write to this queue."""
    queue = RqQueue(redis, time.time, keep=3600)
    queue.wake(entry(name), time.time())
    mapping: dict[Any, Any] = {"data": zlib.compress(orjson.dumps(call)), **more}
    redis.hset(f"rq:job:{name}", mapping=mapping)


NOW = "2026-11-28T00:00:00.000000Z"
MARK = "tests.contracts.queue_jobs.mark"
HOSTILE: dict[str, tuple[list[Any], dict[str, str]]] = {
    "another function": (["os.system", None, ["true"], {}], {}),
    "one of another queue's": (["workers.rq.run_fence", None, [1, {}], {}], {}),
    "a method of an argument": (["upper", "text", [], {}], {}),
    "arguments by name": ([RUN, None, [], {"name": "x"}], {}),
    "arguments that are no list": ([RUN, None, 7, {}], {}),
    "another queue as its origin": (["os.system", None, ["true"], {}], {"origin": "events"}),
    "no name": ([None, None, [], {}], {}),
    "a list as a name": ([[RUN], None, [], {}], {}),
}


@pytest.mark.parametrize("call", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_job_that_its_queue_is_not_for_is_not_run_and_stands_among_the_failed(
    rq_world: RqWorld, jobs: Jobs, call: tuple[list[Any], dict[str, str]]
) -> None:
    foreign(rq_world.redis, "evil", call[0], **call[1])
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.run()
    assert jobs.ran == ["job"]
    assert rq_world.redis.zscore(FAILED, "evil") is not None
    assert list(rq_world.redis.scan_iter("rq:failed:*")) == [FAILED.encode()]
    found = job(rq_world.redis, "evil").latest_result()
    assert found
    assert "NotOurJob" in str(found.exc_string)


CALLS = ("success_callback_name", "failure_callback_name", "stopped_callback_name")
ASKED: dict[str, str] = {
    **dict.fromkeys(CALLS, MARK),
    "webhooks": orjson.dumps([{"url": "http://127.0.0.1:9/", "statuses": ["finished", "failed"]}]).decode(),
    "repeats_left": "5",
    "repeat_intervals": "[0]",
    "dependency_ids": '["other"]',
    "group_id": "group",
    "rate_limit_key": "limit",
    "rate_limit_concurrency": "1",
}


@pytest.mark.parametrize("well", [True, False])
def test_nothing_that_a_job_asks_for_beside_its_call_is_done(rq_world: RqWorld, jobs: Jobs, *, well: bool) -> None:
    Desk.marked = []
    call: list[Any] = [RUN, None, [VERSION, {"name": "evil"}], {}] if well else ["os.system", None, ["true"], {}]
    foreign(rq_world.redis, "evil", call, **ASKED)
    rq_world.run()
    rq_world.run()
    assert jobs.ran == (["evil"] if well else [])
    assert Desk.marked == []


def test_no_job_that_is_said_to_wait_for_another_is_queued_by_its_end(rq_world: RqWorld, jobs: Jobs) -> None:
    """Who may write one queue's keys would have its worker fill another one's."""
    foreign(rq_world.redis, "evil", [RUN, None, [VERSION, {"name": "evil"}], {}])
    rq_world.redis.sadd("rq:job:evil:dependents", "other")
    waits: dict[Any, Any] = {"status": "deferred", "origin": "events", "data": zlib.compress(b"[]"), "created_at": NOW}
    rq_world.redis.hset("rq:job:other", mapping=waits)
    rq_world.run()
    assert jobs.ran == ["evil"]
    assert rq_world.redis.lrange("rq:queue:events", 0, -1) == []
    assert job(rq_world.redis, "evil").get_status() == JobStatus.FINISHED


@pytest.mark.parametrize("meta", [b'{"phase', b"[1]", b"\xff\xfe"])
def test_a_job_whose_note_for_people_cannot_be_read_runs_and_has_a_new_one(
    rq_world: RqWorld, jobs: Jobs, meta: bytes
) -> None:
    jobs.todo.append(noting(Again(rq_world.now() + 1000, "locked", "Another pass is under way.")))
    rq_world.queue.wake(entry(), rq_world.now())
    rq_world.redis.hset(HASH, "meta", meta)
    rq_world.run()
    assert jobs.ran == ["job"]
    assert rq_world.redis.zscore(DUE, "job") is not None
    assert job(rq_world.redis).meta == {"note": "new"}


def noting(outcome: Outcome) -> Callable[[], Outcome]:
    def work() -> Outcome:
        running = Worker.current_job()
        assert running
        running.meta.update({"note": "new"})
        return outcome

    return work
