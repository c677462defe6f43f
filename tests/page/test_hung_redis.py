"""A Redis that accepts connections and answers nothing: whoever is shown something learns that within two seconds.

No clock is read. What ends each wait is our own time-out: Redis would answer later than that, and then all would be
well. How often a request waits is counted.
"""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from reactor import timing
from reactor.settings import Settings
from reactor.web.app import create
from tests.page.site import HTML
from tests.support.commands import eventually, vmdrift
from tests.support.hanging import Hanging, hanging

LATE = timing.SHOWN_WITHIN  # seconds
MOST = int(timing.SHOWN_WITHIN / timing.REDIS_SHOWN)  # times that a request may wait for Redis


@pytest.fixture
def redis_that_hangs(redis_url: str) -> Iterator[Hanging]:
    with hanging(redis_url, LATE) as server:
        yield server


def waits(server: Hanging, before: int) -> int:
    """How many times Redis was waited for in vain since."""
    eventually("the client has left", lambda: server.given_up > before)
    return server.given_up - before


@pytest.fixture
def client(redis_that_hangs: Hanging) -> FlaskClient:
    """Of a receiver that has answered, and whose Redis hangs from now on."""
    app, _ = create(Settings(redis_url=redis_that_hangs.url))
    client = app.test_client()
    assert client.get("/", headers=HTML).status_code == client.get("/metrics").status_code == 200
    redis_that_hangs.hung = True
    return client


@pytest.mark.parametrize("path", ["/", "/history", "/fencing", "/rq/"])
def test_every_page_says_that_redis_does_not_answer(client: FlaskClient, redis_that_hangs: Hanging, path: str) -> None:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 503
    assert "Redis is away since" in answer.text
    assert "Timeout reading" in answer.text
    assert waits(redis_that_hangs, 0) <= MOST


def test_metrics_say_it_to_prometheus(client: FlaskClient, redis_that_hangs: Hanging) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 503
    assert "Redis is away" in answer.text
    assert waits(redis_that_hangs, 0) <= MOST


@pytest.mark.parametrize("words", [("status",), ("status", "--json")])
def test_status_says_it_with_exit_code_2(redis_that_hangs: Hanging, words: tuple[str, ...]) -> None:
    redis_that_hangs.hung = True
    done = vmdrift(*words, env={"VMDRIFT_REDIS_URL": redis_that_hangs.url})
    assert (done.code, done.out) == (2, "")
    assert "Redis is away: Timeout reading" in done.err
    assert waits(redis_that_hangs, 0) <= MOST


def test_one_that_hung_is_shown_as_well_once_it_answers(client: FlaskClient, redis_that_hangs: Hanging) -> None:
    assert client.get("/", headers=HTML).status_code == 503
    redis_that_hangs.hung = False
    assert client.get("/", headers=HTML).status_code == 200
