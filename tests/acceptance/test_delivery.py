"""Events out, by real processes to a real HTTP server: through `kill -9`, an unwilling sink, and the command line."""

import signal
from collections.abc import Callable, Iterator

import orjson
import pytest

from reactor.doors.cloudevents import encode
from reactor.model.drift import Phase
from tests import schemas
from tests.acceptance.commands import Done, eventually, vmdrift
from tests.acceptance.conftest import Start
from tests.acceptance.http import ask, free_address
from tests.acceptance.sites import Site
from tests.contracts.samples import record
from tests.receivers import Receiver, receiving
from workers.news import news

OUTGOING = "workers outgoing"


@pytest.fixture
def sink() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def cluster(site: Callable[[int], Site]) -> Site:
    return site(0)


def tell(cluster: Site, number: int) -> list[str]:
    """So many drifts begin; the ids of the events that tell it."""
    ids = []
    for n in range(number):
        (event,) = news(None, record(f"vm-{n}"), "/clusters/u/workers", 1795500000.0)
        cluster.store.create(record(f"vm-{n}"), [encode(event)])
        ids.append(event.id)
    return ids


def events(cluster: Site, *words: str) -> Done:
    return vmdrift("events", *words, env=cluster.env())


def test_a_worker_that_is_killed_while_it_delivers_loses_nothing(cluster: Site, sink: Receiver) -> None:
    ids = tell(cluster, 30)
    sink.answering.clear()
    cluster.start(OUTGOING, VMDRIFT_SINK=sink.url)
    eventually("it delivers", lambda: len(sink.got) == 1)
    (name,) = [name for name in cluster.processes._children if OUTGOING in name]
    cluster.processes._children[name].send_signal(signal.SIGKILL)
    cluster.processes._children[name].wait()
    cluster.buried()
    sink.answering.set()
    cluster.start(OUTGOING, "workers scheduler", VMDRIFT_SINK=sink.url)
    eventually("all are delivered", lambda: {event["id"] for event in sink.got} == set(ids))
    eventually("the one that was under way came again", lambda: len(sink.got) == len(ids) + 1)
    assert len({(event["id"], event["sequence"]) for event in sink.got}) == len(ids)
    for event in sink.got:
        schemas.check(event)


def test_what_the_sink_does_not_take_now_it_gets_later_and_the_same(cluster: Site, sink: Receiver) -> None:
    (event_id,) = tell(cluster, 1)
    sink.answers = [(503, {}), (429, {"Retry-After": "2"}), (404, {})]
    cluster.start(OUTGOING, "workers scheduler", VMDRIFT_SINK=sink.url)
    eventually("it was told four times", lambda: len(sink.got) == 4)
    assert sink.got == [sink.got[0]] * 4
    assert sink.got[0]["id"] == event_id


def test_dead_letters_are_shown_with_their_reason_and_sent_again(cluster: Site, sink: Receiver) -> None:
    ids = tell(cluster, 3)
    assert events(cluster, "--dead").out == "Every event was delivered, or is still tried.\n"
    sink.answers = [(400, {}), (410, {})]
    cluster.start(OUTGOING, VMDRIFT_SINK=f"{sink.url}?access_token=secret")
    eventually("two were refused, one taken", lambda: len(sink.got) == 3)
    eventually("both are dead", lambda: events(cluster, "--dead").out.count("shop/vm-") == 2)
    table = events(cluster, "--dead").out
    assert "The sink answers 400 Bad Request, so it is not tried again." in table
    assert "The sink answers 410 Gone, so it is not tried again." in table
    letters = [orjson.loads(line) for line in events(cluster, "--dead", "--json").out.splitlines()]
    assert {letter["event"]["id"] for letter in letters} < set(ids)

    unknown = events(cluster, "--resend", "1-1")
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)
    assert "--resend: 1-1 is no dead letter" in unknown.err
    assert events(cluster, "--resend", letters[0]["id"]).out.startswith("1 to be delivered again")
    again = orjson.loads(events(cluster, "--resend", "all", "--json").out)
    assert again == {"revived": [letters[1]["id"]]}
    eventually("all were taken", lambda: len(sink.got) == 5)
    assert {event["id"] for event in sink.got} == set(ids)
    assert events(cluster, "--dead").out == "Every event was delivered, or is still tried.\n"
    log = "".join(log.read_text() for log in cluster.folder.glob(f"*{OUTGOING}.log"))
    assert "The sink answers 410 Gone" in log
    assert "secret" not in log


def test_without_a_sink_nobody_delivers_and_it_says_so(cluster: Site) -> None:
    done = vmdrift("work", "outgoing", env=cluster.env())
    assert (done.code, done.out) == (2, "")
    said = "VMDRIFT_SINK: not set, nor K_SINK, so there is nowhere to deliver events to"
    assert done.err == f"vmdrift work outgoing: cannot start: {said}\n"


def test_events_shows_what_was_told_and_follows_what_is(cluster: Site, start: Start) -> None:
    assert events(cluster).out.startswith("Nothing was told yet")
    ids = tell(cluster, 12)
    told = [orjson.loads(line) for line in events(cluster, "--json").out.splitlines()]
    assert [event["id"] for event in told] == ids
    assert sorted(event["sequence"] for event in told) == [event["sequence"] for event in told]
    assert "It waits." in events(cluster).out
    assert events(cluster, "--last", "2").out.count("scheduled") == 2

    follower = start("events", "--follow", "--last", "1", **cluster.env())
    follower.says("shop/vm-11  It waits.")
    lock = cluster.store.acquire("vm", 60)
    assert lock
    done = record("late", "It runs on worker-2.", Phase.COMPLETED)
    cluster.store.save(done, lock, [encode(event) for event in news(record("late"), done, "/s", 1795500000.0)])
    follower.says("completed  shop/late  It runs on worker-2.")
    assert "shop/vm-10" not in follower.said
    assert follower.ends(signal.SIGINT) == 0
    assert "Traceback" not in follower.said


@pytest.mark.timeout(200)
def test_a_whole_story_triggered_by_another_system_and_told_to_it(cluster: Site, sink: Receiver, start: Start) -> None:
    """`vmdrift run` receives where VMDRIFT_LISTEN is set, and tells where VMDRIFT_SINK is."""
    address = free_address()
    start("run", "--act", **{**cluster.env("operator"), "VMDRIFT_LISTEN": address, "VMDRIFT_SINK": sink.url})
    eventually("it receives", lambda: ask(f"http://{address}/readyz").status == 200)
    cluster.demo.cut_power()
    moved = sorted(vm for vm, phase in cluster.demo.expected.items() if phase is Phase.COMPLETED)

    def ended() -> set[str]:
        return {event["subject"] for event in sink.got if event["type"].endswith(("completed", "refused"))}

    eventually("every end was told", lambda: ended() == set(cluster.demo.expected), seconds=120)
    for event in sink.got:
        schemas.check(event)
    by_place = {event["sequence"]: event for event in sink.got}
    for vm in moved:
        kinds = [
            event["type"].rpartition(".")[2]
            for _, event in sorted(by_place.items())
            if event["subject"] == vm and not event["type"].endswith("blocked")
        ]
        assert kinds == ["scheduled", "released", "detached", "completed"], vm
    done = next(event for event in sink.got if event["type"].endswith("completed"))
    assert list(done["data"]["stages"]) == ["noticing", "waiting", "detaching", "starting", "total"]
    metrics = ask(f"http://{address}/metrics").body.decode()
    assert 'vmdrift_events_told_total{result="delivered",type="io.vmdrift.vm.drift.completed"}' in metrics
