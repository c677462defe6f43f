"""In a terminal: colours and their absence, and a table that is drawn anew."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis import Redis

from reactor.doors.store import RedisStore
from tests.acceptance.commands import eventually
from tests.acceptance.terminal import COLOUR, Terminal
from tests.contracts.samples import outage_record, record
from vmdrift.processes import Processes
from vmdrift.valkey import start

MODULE = ("-m", "vmdrift")


@pytest.fixture
def env(folder: Path) -> Iterator[Mapping[str, str]]:
    """A Redis in which a node is lost."""
    with Processes(folder) as processes:
        url = start(processes, folder)
        with Redis.from_url(url) as redis:
            store = RedisStore(redis, 3600)
            store.save_outage(outage_record(), done=False)
            store.create(record("web"), [])
        yield {"VMDRIFT_REDIS_URL": url}


@pytest.mark.parametrize("words", [("status",), ("doctor",)])
def test_colours_are_for_terminals_and_no_color_takes_them_away(env: Mapping[str, str], words: tuple[str, ...]) -> None:
    coloured, plain = (Terminal((*MODULE, *words), {**env, **more}) for more in ({}, {"NO_COLOR": "1"}))
    assert coloured.ends() == plain.ends()
    assert COLOUR.search(coloured.said)
    assert not COLOUR.search(plain.said), repr(plain.said)
    assert ("shop/web" if words == ("status",) else "API server") in plain.text


def test_no_color_counts_for_logs_too() -> None:
    log = (
        "import structlog; from reactor.process import configure_logs; configure_logs(); "
        "structlog.get_logger().warning('Redis is away', who='worker')"
    )
    coloured, plain = (Terminal(("-c", log), more) for more in ({}, {"NO_COLOR": "1"}))
    assert (coloured.ends(), plain.ends()) == (0, 0)
    assert COLOUR.search(coloured.said)
    assert "\x1b[" not in plain.said
    assert "Redis is away" in plain.said


def test_what_is_watched_is_drawn_anew_until_ctrl_c(env: Mapping[str, str]) -> None:
    watched = Terminal((*MODULE, "status", "--watch"), env)
    watched.shows("1 VM: 1 waiting.")
    with Redis.from_url(env["VMDRIFT_REDIS_URL"]) as redis:
        RedisStore(redis, 3600).create(record("mail"), [])
        watched.shows("2 VMs: 2 waiting.")
        redis.flushall()
    watched.shows("No node is lost, as far as Kubernetes knows")
    assert watched.ends(signal.SIGINT) == 0
    assert "Traceback" not in watched.said


def test_what_is_watched_stays_while_redis_is_away(folder: Path) -> None:
    with Processes(folder) as processes:
        url = start(processes, folder)
        watched = Terminal((*MODULE, "status", "--watch"), {"VMDRIFT_REDIS_URL": url})
        watched.shows("No node is lost")
        child = processes._children.pop("valkey")
        child.kill()
        child.wait()
        watched.shows("trying again) What it told at", after="Redis is away")
        start(processes, folder)

        def fresh() -> bool:
            """Drawn once more after what was drawn last as a memory."""
            return watched.text.rpartition("What it told at")[2].count("No node is lost") > 1

        eventually("it is drawn anew", fresh)
        assert watched.ends(signal.SIGINT) == 0
