"""What `reactor.adapters.rq` promises, asked of RQ on a real Valkey and of the twin."""

from collections.abc import Callable

import pytest

from reactor.model.drift import Again, Outcome
from tests.contracts.queue_worlds import DONE, AtOnce, BrokenError, Jobs, MemoryWorld, RqWorld, World, entry

LATER = 1000.0  # seconds


@pytest.fixture(params=["rq", "rq at once", "memory"])
def world(request: pytest.FixtureRequest, jobs: Jobs) -> World:
    if request.param == "memory":
        return MemoryWorld(jobs.work)
    found: RqWorld = request.getfixturevalue("woken_world")
    if request.param == "rq at once":
        found.queue = AtOnce(found.queue)
    return found


def test_a_woken_job_runs_once(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry(), world.now())
    world.run()
    world.run()
    assert jobs.ran == ["job"]


def test_a_job_waits_until_it_is_due(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry(), world.now() + LATER)
    world.sleep(LATER - 10)
    world.run()
    assert jobs.ran == []
    world.sleep(10)
    world.run()
    assert jobs.ran == ["job"]


@pytest.mark.parametrize("due_in", [0.0, LATER])
def test_a_job_woken_twice_runs_once(world: World, jobs: Jobs, due_in: float) -> None:
    for _ in range(2):
        world.queue.wake(entry(), world.now() + due_in)
    world.sleep(due_in)
    world.run()
    assert jobs.ran == ["job"]


def test_waking_earlier_moves_a_job_forward(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry(), world.now() + LATER)
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job"]


@pytest.mark.parametrize("due", [0.0, -LATER, None])
def test_a_waiting_job_that_is_woken_now_is_in_its_queue_at_once(world: World, jobs: Jobs, due: float | None) -> None:
    world.queue.wake(entry(), world.now() + LATER)
    world.queue.wake(entry(), 0.0 if due is None else world.now() + due)
    world.work()
    assert jobs.ran == ["job"]
    world.sleep(LATER)
    world.run()
    assert jobs.ran == ["job"]


def test_a_job_is_due_at_the_very_moment_for_which_it_was_woken(world: World) -> None:
    first, second = world.now() + LATER + 0.625, world.now() + LATER - 0.625
    world.queue.wake(entry(), first)
    assert world.due() == first
    world.queue.wake(entry(), second)
    assert world.due() == second


def test_a_job_comes_again_at_the_very_moment_that_it_names(world: World, jobs: Jobs) -> None:
    at = world.now() + LATER + 0.625
    jobs.todo.append(lambda: Again(at, "later", "It waits."))
    world.queue.wake(entry(), world.now())
    world.run()
    assert world.due() == at


@pytest.mark.parametrize("due_in", [0.0, LATER])
def test_waking_later_never_postpones(world: World, jobs: Jobs, due_in: float) -> None:
    world.queue.wake(entry(), world.now() + due_in)
    world.queue.wake(entry(), world.now() + due_in + LATER)
    world.sleep(due_in)
    world.run()
    assert jobs.ran == ["job"]


def test_jobs_of_different_identity_both_run(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry("a"), world.now())
    world.queue.wake(entry("b"), world.now())
    world.run()
    assert sorted(jobs.ran) == ["a", "b"]


@pytest.mark.parametrize("due_in", [0.0, LATER])
def test_an_ended_job_that_is_woken_runs_again(world: World, jobs: Jobs, due_in: float) -> None:
    world.queue.wake(entry(), world.now())
    world.run()
    world.queue.wake(entry(), world.now() + due_in)
    world.sleep(due_in)
    world.run()
    assert jobs.ran == ["job", "job"]


def test_a_failed_job_that_is_woken_runs_again(world: World, jobs: Jobs) -> None:
    def fail() -> Outcome:
        raise BrokenError

    jobs.todo.append(fail)
    world.queue.wake(entry(), world.now())
    world.run()
    world.queue.wake(entry(), world.now())
    world.run()
    world.run()
    assert jobs.ran == ["job", "job"]


def test_a_job_comes_again_when_it_wants_to_and_not_before(world: World, jobs: Jobs) -> None:
    jobs.todo.append(lambda: Again(world.now() + LATER, "later", "It waits."))
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job"]
    world.sleep(LATER + 1)
    world.run()
    assert jobs.ran == ["job", "job"]


def test_a_job_that_wants_to_come_again_at_once_does(world: World, jobs: Jobs) -> None:
    jobs.todo.append(lambda: Again(world.now() - 1, "now", "It goes on."))
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job", "job"]


def test_a_waiting_job_that_was_run_before_is_moved_forward_too(world: World, jobs: Jobs) -> None:
    jobs.todo.append(lambda: Again(world.now() + LATER, "later", "It waits."))
    world.queue.wake(entry(), world.now())
    world.run()
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job", "job"]


def woken_meanwhile(world: World, answer: Callable[[], Outcome], *due_in: float) -> Callable[[], Outcome]:
    """A job that somebody wakes while it runs."""

    def work() -> Outcome:
        for seconds in due_in:
            world.queue.wake(entry(), world.now() + seconds)
        return answer()

    return work


def test_a_job_woken_while_it_runs_comes_again_although_it_has_ended(world: World, jobs: Jobs) -> None:
    jobs.todo.append(woken_meanwhile(world, lambda: DONE, 0.0))
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job", "job"]


@pytest.mark.parametrize(("wanted", "woken"), [(LATER, 10.0), (10.0, LATER)])
def test_a_job_woken_while_it_runs_comes_again_at_the_earlier_time(
    world: World, jobs: Jobs, wanted: float, woken: float
) -> None:
    jobs.todo.append(woken_meanwhile(world, lambda: Again(world.now() + wanted, "later", "It waits."), woken))
    world.queue.wake(entry(), world.now())
    world.run()
    assert jobs.ran == ["job"]
    world.sleep(11)
    world.run()
    assert jobs.ran == ["job", "job"]


def test_a_job_woken_twice_while_it_runs_comes_again_at_the_earlier_time(world: World, jobs: Jobs) -> None:
    jobs.todo.append(woken_meanwhile(world, lambda: DONE, 10.0, LATER))
    world.queue.wake(entry(), world.now())
    world.run()
    world.sleep(11)
    world.run()
    assert jobs.ran == ["job", "job"]


def test_being_woken_while_it_ran_is_told_once(world: World, jobs: Jobs) -> None:
    jobs.todo.append(woken_meanwhile(world, lambda: DONE, 0.0))
    world.queue.wake(entry(), world.now())
    world.run()
    assert world.queue.woken("job") is None


def test_many_are_woken_at_once_each_at_its_time(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry("waits"), world.now() + LATER)
    world.queue.wake_all(
        [(entry("waits"), world.now() + LATER), (entry("new"), world.now()), (entry("later"), world.now() + LATER)]
    )
    world.run()
    assert jobs.ran == ["new"]
    world.queue.wake_all([(entry("waits"), world.now()), (entry("later"), world.now() + LATER)])
    world.run()
    assert jobs.ran == ["new", "waits"]
    world.sleep(LATER)
    world.run()
    assert jobs.ran == ["new", "waits", "later"]


def test_waking_none_is_nothing(world: World, jobs: Jobs) -> None:
    world.queue.wake_all([])
    world.run()
    assert jobs.ran == []


def test_a_drift_waits_once_its_job_is_in_the_queue_and_a_forecasts_job_is_none(world: World, jobs: Jobs) -> None:
    world.queue.wake(entry("forecast_outage"), world.now())
    world.queue.wake(entry("later"), world.now() + LATER)
    assert not world.queue.drift_waits()
    world.queue.wake(entry(), world.now())
    assert world.queue.drift_waits()
    world.run()
    assert not world.queue.drift_waits()
    assert set(jobs.ran) == {"forecast_outage", "job"}
