"""`vmdrift serve` as its senders meet it: a real server, real clients, and a Redis that goes away."""

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import decompress

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from redis import Redis

from tests.acceptance.conftest import GRACE
from tests.acceptance.story import Stage
from tests.acceptance.test_trouble import killed_and_restarted
from tests.support.commands import eventually, vmdrift
from tests.support.forked import ForkedProcesses
from tests.support.http import STRUCTURED, Answered, ask, curl, free_address
from tests.support.sites import Roles, Site

SERVE = "reactor serve"
TOKEN = "a-token-that-nobody-guesses"
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/monitoring",
    "type": "io.vmdrift.node.unreachable",
    "subject": "worker-1",
}


class Receiver:
    """`vmdrift serve`; `url` without a slash at the end."""

    def __init__(self, roles: Roles, **env: str) -> None:
        address = free_address()
        self.url = f"http://{address}"
        roles.start(SERVE, **{"VMDRIFT_LISTEN": address, **env})
        eventually("it answers", lambda: ask(f"{self.url}/readyz").status == 200)

    def post(self, event: Any = EVENT, path: str = "/events", kind: str = STRUCTURED, **headers: str) -> Answered:
        return ask(self.url + path, orjson.dumps(event), kind, **headers)

    def state(self, answer: Answered) -> Any:
        return ask(self.url + answer.body["events"][0]["status"]).body


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """One for all tests that only post to it; it has no cluster."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, ForkedProcesses(Path(name), GRACE) as processes:
        yield Receiver(Roles(processes, Path(name)), VMDRIFT_WEB_PROCESSES="1")


@pytest.fixture
def roles(folder: Path) -> Iterator[Roles]:
    """Those and a Redis that one test has for itself."""
    with ForkedProcesses(folder, GRACE) as processes:
        yield Roles(processes, folder)


@pytest.fixture
def event() -> dict[str, str]:
    """One that nobody has posted before."""
    return {**EVENT, "id": uuid4().hex}


def test_who_holds_a_hundred_idle_connections_shuts_nobody_out(receiver: Receiver, event: dict[str, str]) -> None:
    address = urlsplit(receiver.url)
    with ExitStack() as held:
        for _ in range(100):
            idle = held.enter_context(closing(HTTPConnection(f"{address.hostname}:{address.port}", timeout=10)))
            idle.request("GET", "/healthz")
            idle.getresponse().read()
        assert receiver.post(event).status == 202


def test_while_redis_is_away_the_receiver_is_alive_and_not_ready(story: Stage) -> None:
    assert story.seen["served"] == [503, 200]


def test_curl_posts_a_binary_event_and_reads_what_became_of_it(story: Stage) -> None:
    status, taken, result = story.seen["curl"]
    assert (status, taken, result["reason"]) == (202, "accepted", "node-ready")
    assert "The API server reports node worker-2 as Ready" in result["sentence"]


def test_alertmanagers_webhook_is_answered_with_the_outage_of_its_node_and_all_drifts(story: Stage) -> None:
    result = story.seen["alert"]
    assert result["outcome"] == "taken"
    assert len(result["drifts"]) == len(story.site.demo.expected)
    assert {drift["drift"]["outage"]["node"]["name"] for drift in story.seen["drifts"].values()} == {"worker-1"}


@pytest.mark.parametrize("write", [to_structured_event, to_binary_event])
def test_the_cloudevents_sdk_posts_an_event(receiver: Receiver, write: Callable[[CloudEvent], Any]) -> None:
    name = f"é 1% {write.__name__}"
    made = CloudEvent({**EVENT, "id": name, "datacontenttype": "application/json"}, {"any": "thing"})
    message = write(made)
    headers = {key.lower(): value for key, value in message.headers.items()}
    answer = ask(f"{receiver.url}/events", message.body, headers.pop("content-type"), **headers)
    assert (answer.status, answer.body["events"][0]["id"]) == (202, name)


@pytest.mark.parametrize(("more", "status"), [(1000, 202), (100_000, 413)])
def test_a_body_without_a_length_is_measured(receiver: Receiver, event: dict[str, Any], more: int, status: int) -> None:
    body = orjson.dumps({**event, "data": {"text": "x" * more}}).decode()
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", f"Content-Type: {STRUCTURED}", "--data-binary", "@-")
    assert curl(f"{receiver.url}/", *chunked, stdin=body)[0] == status


def test_a_batch_is_taken_or_refused_as_a_whole(receiver: Receiver, event: dict[str, str]) -> None:
    batch = "application/cloudevents-batch+json"
    other = {**event, "id": f"{event['id']} 2"}
    refused = receiver.post([event, {**other, "source": ""}], kind=batch)
    assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")
    assert [(bad["index"], bad["attribute"]) for bad in refused.body["problems"]] == [(1, "source")]
    taken = receiver.post([event, other], kind=batch)
    assert [one["result"] for one in taken.body["events"]] == ["accepted", "accepted"]


def test_only_who_is_named_may_post_and_no_token_reaches_the_log(roles: Roles) -> None:
    file = roles.folder / "senders.json"
    sender = {"name": "monitoring", "token": TOKEN, "types": ["io.vmdrift.node.*"], "sources": ["/monitoring"]}
    file.write_bytes(orjson.dumps({"senders": [sender]}))
    receiver = Receiver(roles, VMDRIFT_TOKENS_FILE=str(file))
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert receiver.post().status == 401
    assert receiver.post(Authorization="Bearer another-token-of-somebody").status == 401
    assert receiver.post(**bearer).status == 202
    assert receiver.post({**EVENT, "source": "/else"}, **bearer).status == 403
    assert receiver.post(path=f"/events?a=b&access_token={TOKEN}").status == 202
    file.write_bytes(orjson.dumps({"senders": [{**sender, "token": TOKEN[::-1]}]}))
    assert receiver.post(**bearer).status == 401
    assert receiver.post(Authorization=f"Bearer {TOKEN[::-1]}").status == 202
    log = next(roles.folder.glob(f"*{SERVE}.log")).read_text()
    assert '"sender": "monitoring"' in log
    assert '"event": "event refused"' in log
    assert TOKEN not in log
    assert TOKEN[::-1] not in log
    assert "another-token" not in log


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"VMDRIFT_LISTEN": "0.0.0.0:0"}, "VMDRIFT_LISTEN: 0.0.0.0:0 can be reached from outside"),
        ({"VMDRIFT_TOKENS_FILE": "/nowhere"}, "VMDRIFT_TOKENS_FILE: "),
        ({"VMDRIFT_OIDC_ISSUER": "https://a"}, "VMDRIFT_OIDC_ISSUER, VMDRIFT_OIDC_AUDIENCE: expected both"),
        ({"VMDRIFT_REDIS_URL": "redis://127.0.0.1:1"}, "Redis is away"),
    ],
)
def test_what_keeps_it_from_serving_is_told_in_one_line(redis_url: str, env: dict[str, str], said: str) -> None:
    done = vmdrift("serve", env={"VMDRIFT_REDIS_URL": redis_url, **env})
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("vmdrift serve: cannot start: ")
    assert said in done.err


SENDERS = 16


@pytest.mark.timeout(500)
@pytest.mark.parametrize("number", [100, pytest.param(1000, marks=pytest.mark.nightly)])
def test_what_was_accepted_is_handled_though_redis_is_killed_under_sixteen_senders(
    site: Callable[[int], Site], number: int
) -> None:
    cluster = site(0)
    receiver = Receiver(cluster)
    # A job that met the dead Redis, and was back before it, waits five seconds for a scheduler.
    cluster.start("workers intake", "workers intake", "workers scheduler")
    answers: dict[str, list[Answered]] = {f"e{n}": [] for n in range(number)}

    def accepted() -> list[str]:
        return [one for one, got in answers.items() if got and got[-1].status == 202]

    def send(mine: list[str]) -> None:
        for one in mine:
            while not answers[one] or answers[one][-1].status != 202:
                event = {**EVENT, "id": one, "subject": f"node-{one}"}
                answers[one].append(receiver.post(event))
                assert answers[one][-1].status in {0, 202, 503}, answers[one][-1]

    senders = [threading.Thread(target=send, args=(list(answers)[n::SENDERS],)) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    for share in (1 / 3, 2 / 3):
        eventually("some are accepted", lambda share=share: len(accepted()) >= number * share, seconds=200)  # type: ignore[misc]
        with killed_and_restarted(cluster):
            eventually("it says so", lambda: ask(f"{receiver.url}/readyz").status == 503)
            away = receiver.post({**EVENT, "id": "away"})
            assert (away.status, away.headers["retry-after"]) == (503, "5")
            assert ask(f"{receiver.url}/healthz").status == 200
    for sender in senders:
        sender.join()

    assert sorted(accepted()) == sorted(answers)
    assert {one for one, got in answers.items() if any(a.status == 503 for a in got)}, "nobody met the trouble"
    for got in answers.values():
        results = [answer.body["events"][0]["result"] for answer in got if answer.status == 202]
        assert results in (["accepted"], ["duplicate"])  # the latter: it was written, but the answer did not arrive
    places = [got[-1] for got in answers.values()]
    eventually("all are handled", lambda: all(receiver.state(one)["state"] == "done" for one in places), seconds=200)
    assert {receiver.state(one)["result"]["reason"] for one in places} == {"no-such-node"}
    assert set(_jobs(cluster).values()) == {1}
    assert len(_jobs(cluster)) == number


def _jobs(cluster: Site) -> Counter[str]:
    """In how many jobs each receipt was."""
    found: Counter[str] = Counter()
    with Redis.from_url(cluster.redis_url) as redis:
        for key in redis.scan_iter("rq:job:post_*"):
            found.update(_carried(redis, key))
    return found


def _carried(redis: Any, key: bytes) -> list[str]:
    """The receipts in a job's arguments, as RQ writes them: compressed JSON."""
    data = orjson.loads(decompress(redis.hget(key, "data")))
    return list(data[2][1])
