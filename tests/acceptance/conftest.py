"""Fixtures of tests that run what a person runs: real processes, a simulated cluster, a Valkey of their own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.moments import MOMENTS
from tests.acceptance.story import IN_URL, Stage, staged
from tests.support.commands import Command
from tests.support.forked import ForkedProcesses
from tests.support.receivers import receiving
from tests.support.sites import Site

GRACE = 0.2  # seconds; how processes end in order is the matter of tests/integration/test_sigterm.py


# By fixture, each of them costly: their tests' group, and about how many seconds all of them take.
GROUPS = {"story": ("story", 60), "control_plane": ("e2e", 50), "receiver": ("receiver", 20)}


@pytest.hookimpl(tryfirst=True)  # before xdist looks at groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What many tests share is made by one of xdist's workers only."""
    for item in items:
        for fixture in GROUPS.keys() & set(getattr(item, "fixturenames", ())):
            group, seconds = GROUPS[fixture]
            item.add_marker(pytest.mark.xdist_group(group))
            item.add_marker(pytest.mark.long(seconds))
        if "story" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def story() -> Iterator[Stage]:
    """An outage from its beginning to its end and beyond."""
    with (
        tempfile.TemporaryDirectory(prefix="vmd-") as name,
        ForkedProcesses(Path(name), GRACE) as processes,
        receiving() as sink,
    ):
        elsewhere = {"Location": f"http://127.0.0.1:1/?access_token={IN_URL}"}
        sink.answers = [(503, {}), (400, {}), (302, elsewhere), (410, {})]
        stage = staged(processes, Path(name), sink)
        for moment in MOMENTS:
            moment(stage)
        yield stage


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, because a unix socket's has room for a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as name:
        yield Path(name)


@pytest.fixture
def site(folder: Path) -> Iterator[Callable[[int], Site]]:
    """Starts a site with so many VMs (0: the demo's own); everything of it ends with the test."""
    with ForkedProcesses(folder, GRACE) as processes:
        yield lambda vms: Site(processes, folder, vms)


Start = Callable[..., Command]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts `vmdrift WORDS` with the given environment variables; killed at the end of the test if it still runs.

    `quick`: all its processes begin as copies, where that they begin is not what the test is about.
    """
    started: list[Command] = []

    def start(*words: str, quick: bool = False, **env: str) -> Command:
        own = folder / f"{len(started)}"
        own.mkdir()
        started.append(Command(words, own, env, quick))
        return started[-1]

    yield start
    for command in started:
        command.process.kill()
        command.process.wait()
