"""Fixtures of the queue's contract tests."""

import pytest
from redis import Redis

from tests.contracts.queue_jobs import Desk
from tests.contracts.queue_worlds import AtOnce, Jobs, RqWorld


@pytest.fixture
def jobs() -> Jobs:
    """What the jobs of this test do."""
    return Jobs()


@pytest.fixture
def woken_world(redis: Redis, jobs: Jobs) -> RqWorld:
    """RQ on a real Valkey, whose jobs do what `jobs` says."""
    world = RqWorld(redis)
    Desk.work, Desk.woken, Desk.clock = jobs.work, world.queue.woken, world.now
    return world


@pytest.fixture(params=["wake", "wake_all"])
def rq_world(request: pytest.FixtureRequest, woken_world: RqWorld) -> RqWorld:
    """The same, whose jobs are woken one by one, and as a sweep does it."""
    if request.param == "wake_all":
        woken_world.queue = AtOnce(woken_world.queue)
    return woken_world
