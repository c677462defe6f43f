"""In a terminal: colours and their absence, and a table that is drawn anew."""

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from redis import Redis

from reactor.adapters.redis.store import RedisStore
from tests.acceptance.terminal import COLOUR, Terminal
from tests.contracts.samples import outage_record, record
from vmdrift.processes import Processes
from vmdrift.valkey import start


def lose(redis: Redis, *vms: str) -> None:
    """A node is lost, and these VMs with it."""
    store = RedisStore(redis, 3600)
    store.save_outage(outage_record(), done=False)
    for vm in vms:
        store.create(record(vm), [])


@pytest.fixture
def env(redis_url: str, redis: Redis) -> Mapping[str, str]:
    """A Redis in which a node is lost."""
    lose(redis, "web")
    return {"VMDRIFT_REDIS_URL": redis_url}


@pytest.mark.parametrize("words", [("status",), ("doctor",)])
def test_colours_are_for_terminals_and_no_color_takes_them_away(env: Mapping[str, str], words: tuple[str, ...]) -> None:
    coloured, plain = (Terminal(("vmdrift", *words), {**env, **more}) for more in ({}, {"NO_COLOR": "1"}))
    assert coloured.ends() == plain.ends()
    assert COLOUR.search(coloured.said)
    assert not COLOUR.search(plain.said), repr(plain.said)
    assert ("shop/web" if words == ("status",) else "API server") in plain.text


def test_no_color_counts_for_logs_too() -> None:
    coloured, plain = (Terminal(("tests.acceptance.complaint",), more) for more in ({}, {"NO_COLOR": "1"}))
    assert (coloured.ends(), plain.ends()) == (0, 0)
    assert COLOUR.search(coloured.said)
    assert "\x1b[" not in plain.said
    assert "Redis is away" in plain.said


def test_what_is_watched_is_drawn_anew_also_without_redis_until_ctrl_c(folder: Path) -> None:
    with Processes(folder) as processes:
        url = start(processes, folder)
        watched = Terminal(("vmdrift", "status", "--watch"), {"VMDRIFT_REDIS_URL": url})
        watched.shows("No node is lost, as far as Kubernetes knows")
        with Redis.from_url(url) as redis:
            lose(redis, "web")
            watched.shows("1 VM: 1 waiting.")
            lose(redis, "mail")
            watched.shows("2 VMs: 2 waiting.")
        child = processes.children.pop("valkey")
        child.kill()
        child.wait()
        watched.shows("trying again) As of", after="Redis is away")
        assert "2 VMs: 2 waiting." in watched.text.rpartition("As of")[2]
        start(processes, folder)
        with Redis.from_url(url) as redis:
            redis.flushall()
        watched.shows("No node is lost, as far as Kubernetes knows", after="2 VMs: 2 waiting.")
        assert watched.ends(signal.SIGINT) == 0
        assert "Traceback" not in watched.said
