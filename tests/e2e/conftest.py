"""Fixtures of the tests against an outside cluster, which run only when they are asked for: `-m e2e`."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.once import Once, once
from tests.e2e.site import Site
from tests.e2e.site import site as a_site
from tests.e2e.story import Story, told
from tests.e2e.surroundings import Surroundings

# Read before the fixture that shields all other tests from them takes them away.
_ENV = dict(os.environ)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A KUBECONFIG that happens to be set is no wish to have this done to that cluster."""
    if config.getoption("markexpr") != "e2e":
        unwanted = [item for item in items if item.get_closest_marker("e2e")]
        items[:] = [item for item in items if item not in unwanted]
        config.hook.pytest_deselected(items=unwanted)


@pytest.fixture(scope="session")
def around() -> Surroundings:
    """What was given; without it nothing is tried."""
    # Ctrl-C sweeps the cluster; so shall the SIGTERM of a CI job that takes too long.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return Surroundings.of(_ENV)
    except ValueError as error:
        pytest.exit(f"e2e: {error}", returncode=2)


@pytest.fixture(scope="session")
def played(around: Surroundings) -> Iterator[Once[tuple[Site, Story]]]:
    """Everything that happens, once for all tests: every lost node costs a minute."""
    with once(_played(around)) as played:
        yield played


@contextmanager
def _played(around: Surroundings) -> Iterator[tuple[Site, Story]]:
    # A short folder, because a unix socket's path has room for a hundred characters.
    with a_site(around) as site, tempfile.TemporaryDirectory(prefix="vmd-") as folder:
        yield site, told(site, around, Path(folder))


@pytest.fixture
def site(played: Once[tuple[Site, Story]]) -> Site:
    return played.get()[0]


@pytest.fixture
def story(played: Once[tuple[Site, Story]]) -> Story:
    return played.get()[1]
