"""Fixtures of the tests against an outside cluster, which run only when they are asked for: `-m e2e`."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import Site, UnsafeError
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
def site(around: Surroundings) -> Iterator[Site]:
    """One for all tests: every lost node costs a minute."""
    try:
        with a_site(around) as made:
            yield made
    except UnsafeError as error:
        pytest.exit(f"e2e: {error}", returncode=2)


@pytest.fixture(scope="session")
def story(site: Site, around: Surroundings) -> Iterator[Story]:
    """Everything that happens, once; a short folder, because a unix socket's path has room for a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as folder:
        yield told(site, around, Path(folder))
