"""A page for each test."""

from pathlib import Path

import pytest
from redis import Redis

from tests.page.site import PageSite


@pytest.fixture
def site(redis: Redis, tmp_path: Path) -> PageSite:
    return PageSite(redis, tmp_path)
