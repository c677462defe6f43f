"""What processes report of themselves: nothing is lost, nothing counts twice, and nobody is disturbed."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from structlog.testing import capture_logs

from reactor.adapters.kubernetes.cluster import connect
from reactor.adapters.redis.process_reports import EVERY, Reporter, Reports, Requests, reports
from reactor.model import errors
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.clusters import TOKEN, USER, an_api, answering, over_http, put_node
from workers.rq.worker import Stopping

HEARD = 1795500000.25
_ONCE = Retry(NoBackoff(), 0)


@pytest.fixture
def requests() -> Requests:
    return Requests()


class _Away(Redis):
    """Nobody listens there. `tried`: how often somebody wanted something of it."""

    def __init__(self) -> None:
        super().__init__(connection_pool=ConnectionPool(port=1, retry=_ONCE))
        self.tried = 0

    def pipeline(self, *args: Any, **more: Any) -> Any:
        self.tried += 1
        return super().pipeline(*args, **more)


def test_at_first_nothing_is_known(redis: Redis) -> None:
    assert reports(redis) == Reports({}, None)


def test_requests_add_up_by_role_verb_and_code(redis: Redis) -> None:
    for role in ("drifts", "drifts", "watcher"):  # two processes of one role
        requests = Requests()
        requests.count("get", "200")
        requests.count("delete", "none")
        Reporter(redis, role, requests).report()
    assert reports(redis).requests == {
        ("drifts", "get", "200"): 2,
        ("drifts", "delete", "none"): 2,
        ("watcher", "get", "200"): 1,
        ("watcher", "delete", "none"): 1,
    }


def test_what_was_reported_does_not_count_again(redis: Redis, requests: Requests) -> None:
    reporter = Reporter(redis, "drifts", requests)
    requests.count("get", "200")
    for _ in range(2):
        reporter.report()
    assert reports(redis).requests == {("drifts", "get", "200"): 1}


def test_while_redis_is_away_counts_are_kept_and_it_is_said_once(redis: Redis, requests: Requests) -> None:
    away = Reporter(_Away(), "drifts", requests)
    with capture_logs() as logs:
        for _ in range(2):
            requests.count("get", "200")
            away.report(HEARD)
    assert [entry["log_level"] for entry in logs] == ["warning"]
    requests.count("get", "404")
    Reporter(redis, "drifts", requests).report()
    assert reports(redis).requests == {("drifts", "get", "200"): 2, ("drifts", "get", "404"): 1}


def test_rounds_report_only_now_and_then(redis: Redis, requests: Requests) -> None:
    now = [0.0]
    reporter = Reporter(redis, "drifts", requests, lambda: now[0])
    told = []
    for moment in (0.0, 0.1, EVERY - 0.1, EVERY, EVERY + 1):
        now[0] = moment
        requests.count("get", "200")
        reporter.now_and_then()
        told.append(sum(reports(redis).requests.values()))
    assert told == [1, 1, 1, 4, 4]


def test_when_redis_is_away_it_is_left_alone_for_as_long(requests: Requests) -> None:
    now, away = [0.0], _Away()
    reporter = Reporter(away, "drifts", requests, lambda: now[0])
    requests.count("get", "200")
    for moment in (0.0, EVERY - 0.1):
        now[0] = moment
        reporter.now_and_then()
    assert away.tried == 1


def test_a_watcher_says_when_it_heard_something_new_and_a_deaf_one_says_nothing(redis: Redis) -> None:
    deaf, other = Reporter(redis, "watcher", Requests()), Reporter(redis, "watcher", Requests())
    deaf.report(HEARD)
    other.report(HEARD + 60)
    deaf.report(HEARD)
    assert reports(redis) == Reports({}, HEARD + 60)


def test_what_a_watcher_could_not_say_it_says_the_next_time(redis: Redis) -> None:
    away = _Away()
    watcher = Reporter(away, "watcher", Requests())
    watcher.report(HEARD)
    away.connection_pool = redis.connection_pool  # it is back
    watcher.report(HEARD)
    assert reports(redis).heard_at == HEARD


def test_every_request_to_the_api_server_is_counted_by_kubernetes_verb_and_code(tmp_path: Path) -> None:
    api, requests = an_api(), Requests()
    for name in ("a", "b"):
        put_node(api, name)
    forbidden = ("delete", "nodes")
    api.authorize = lambda _user, verb, what, _namespace: (verb, what) != forbidden
    with ApiServer(api) as server, over_http(server.url, tmp_path, counted=requests.count) as cluster:
        cluster.find("nodes", "a")
        cluster.find("nodes", "nobody")
        list(cluster.pages("nodes", limit=1))
        assert next(iter(cluster.watch("nodes", "0", silence=5)))
        with pytest.raises(errors.Forbidden):
            cluster.delete("nodes", "a", uid="x")
        cluster.note("wishes", "default", {"a": "b"})
    assert requests.take() == {
        ("get", "200"): 1,
        ("get", "404"): 1,
        ("list", "200"): 2,
        ("watch", "200"): 1,
        ("delete", "403"): 1,
        ("patch", "404"): 1,
        ("create", "201"): 1,
    }


def test_a_request_that_is_sent_twice_counts_twice(tmp_path: Path) -> None:
    """The credentials were renewed meanwhile."""
    api, requests = an_api(), Requests()
    with ApiServer(api) as server, over_http(server.url, tmp_path, counted=requests.count) as cluster:
        api.tokens = {}
        with pytest.raises(errors.Unauthorized):
            cluster.find("nodes", "a")
        api.tokens = {TOKEN: USER}
    assert requests.take() == {("get", "401"): 2}


def test_without_an_answer_the_code_is_none(tmp_path: Path) -> None:
    requests = Requests()
    with (
        answering(b"") as url,
        over_http(url, tmp_path, counted=requests.count) as cluster,
        pytest.raises(errors.ClusterUnreachable),
    ):
        cluster.find("nodes", "a")
    assert requests.take() == {("get", "none"): 1}


def test_a_request_that_is_not_sent_is_not_counted(tmp_path: Path) -> None:
    requests = Requests()
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig("http://127.0.0.1:1", TOKEN)))
    cluster = connect(str(tmp_path / "kubeconfig"), 1.0, _stopped, requests.count)
    with pytest.raises(Stopping):
        cluster.find("nodes", "a")
    assert requests.take() == {}


def _stopped() -> None:
    raise Stopping
