"""Fixtures of the queue's contract tests."""

import pytest
from redis import Redis

from tests.contracts.queue_jobs import Desk
from tests.contracts.queue_worlds import Jobs, RqWorld


@pytest.fixture
def jobs() -> Jobs:
    """What the jobs of this test do."""
    return Jobs()


@pytest.fixture
def rq_world(redis: Redis, jobs: Jobs) -> RqWorld:
    """RQ on a real Valkey, whose jobs do what `jobs` says."""
    world = RqWorld(redis)
    Desk.work, Desk.woken = jobs.work, world.queue.woken
    return world
