"""Real parts for tests: a Valkey server of their own, and an empty database in it for each test."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from _pytest.runner import runtestprotocol
from hypothesis import settings
from redis import Redis

from tests.support.fork_server import fork_server
from vmdrift.processes import Processes
from vmdrift.valkey import start

PROCESSES = {"acceptance", "integration"}  # folders whose tests start processes

# Whoever runs them may have forbidden it. But to compile tests takes longer than to run many of them, and xdist's
# workers and the processes that tests start would each do it again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the session, ended even if the test run is killed."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    with Processes(folder) as processes:
        yield start(processes, folder)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """An empty database."""
    with Redis.from_url(redis_url) as connection:
        connection.flushall()
        yield connection


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C means the same to the processes that tests start, also where ours was started with it ignored (`&`).

    Hypothesis tries a hundred examples each night, and eight wherever the long tests are left out.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("short", max_examples=8)
    if "not nightly" in config.option.markexpr:
        settings.load_profile("short")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Here everything is imported, and no test has left a trace yet. None of that is ever garbage."""
    gc.collect()
    gc.freeze()
    if any(item.path.parent.name in PROCESSES for item in session.items):
        fork_server()


@pytest.hookimpl(trylast=True)  # after the order has been shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that in the end nobody waits for one of them alone."""
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("long")
    return float(mark.args[0]) if mark else 0.0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """One of xdist's workers sends one report a test, not three with a note before and after: ten seconds in all."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each test that reports figures, on any of xdist's workers: what the random lives found."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                terminalreporter.write_line(f"{name} ({outcome}): {value}")


@pytest.fixture(autouse=True)
def _nothing_from_outside() -> Iterator[None]:
    """Tests do not depend on whoever runs them, nor on a command that ran before in this process and set up logs."""
    for name in [name for name in os.environ if name.startswith("VMDRIFT_") or name == "KUBECONFIG"]:
        del os.environ[name]
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
