"""Fixtures of tests that run what a person runs: real processes, a simulated cluster, a Valkey of their own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.commands import Command
from tests.acceptance.sites import Site
from vmdrift.processes import Processes


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, because a unix socket's has room for a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as name:
        yield Path(name)


@pytest.fixture
def site(folder: Path) -> Iterator[Callable[[int], Site]]:
    """Starts a site with so many VMs (0: the demo's own); everything of it ends with the test."""
    with Processes(folder) as processes:
        yield lambda vms: Site(processes, folder, vms)


Start = Callable[..., Command]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts `vmdrift WORDS` with the given environment variables; killed at the end of the test if it still runs."""
    started: list[Command] = []

    def start(*words: str, **env: str) -> Command:
        own = folder / f"{len(started)}"
        own.mkdir()
        started.append(Command(words, own, env))
        return started[-1]

    yield start
    for command in started:
        command.process.kill()
        command.process.wait()
