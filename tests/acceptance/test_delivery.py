"""Events out, by real processes to a real HTTP server: through `kill -9`, an unwilling sink, and the command line."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from redis import Redis

from reactor.adapters.cloudevents import encode
from reactor.adapters.redis.store import RedisStore
from reactor.model.drift import Phase
from tests.acceptance.conftest import GRACE, Start
from tests.acceptance.story import Stage
from tests.contracts.samples import record
from tests.support import schemas
from tests.support.commands import Done, eventually, vmdrift
from tests.support.forked import ForkedProcesses
from tests.support.receivers import Receiver, receiving
from tests.support.sites import Roles
from workers.delivery.events import step_events

OUTGOING = "workers outgoing"
NOTHING_DEAD = "No dead letters: every event was delivered, or is still being tried.\n"


@pytest.fixture
def sink() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def tell(redis: Redis, number: int) -> list[str]:
    """So many drifts begin; the ids of the events that tell it."""
    store, ids = RedisStore(redis, 3600), []
    for n in range(number):
        (event,) = step_events(None, record(f"vm-{n}"), "/clusters/u/workers", 1795500000.0)
        store.create(record(f"vm-{n}"), [encode(event)])
        ids.append(event.id)
    return ids


def events(url: str, *words: str) -> Done:
    return vmdrift("events", *words, env={"VMDRIFT_REDIS_URL": url})


def test_neither_a_worker_that_is_killed_nor_an_unwilling_sink_loses_or_changes_an_event(
    folder: Path, sink: Receiver
) -> None:
    with ForkedProcesses(folder, GRACE) as processes:
        roles = Roles(processes, folder)
        with Redis.from_url(roles.redis_url) as redis:
            ids = tell(redis, 30)
        sink.answering.clear()
        roles.start(OUTGOING, VMDRIFT_SINK=sink.url)
        eventually("it delivers", lambda: len(sink.got) == 1)
        roles.kill(OUTGOING)
        sink.answers = [(202, {}), (503, {}), (429, {"Retry-After": "1"}), (404, {})]
        sink.answering.set()
        roles.start(OUTGOING, "workers scheduler", VMDRIFT_SINK=sink.url)
        eventually("all came, one for the killed worker, three for the sink", lambda: len(sink.got) == len(ids) + 4)
    came = Counter(event["id"] for event in sink.got)
    assert set(came) == set(ids)
    assert came[sink.got[0]["id"]] > 1
    assert len({orjson.dumps(event) for event in sink.got}) == len(ids)
    for event in sink.got:
        schemas.check(event)


def test_dead_letters_are_shown_with_their_reason(story: Stage) -> None:
    assert story.said["calm: events --dead"].out == NOTHING_DEAD
    table = story.said["ended: events --dead"].out
    assert "The sink answers 400 Bad Request, so it is not tried again." in table
    assert "The sink answers 410 Gone, so it is not tried again." in table
    assert "The sink answers 302 Found, so it is not tried again." in table
    letters = [orjson.loads(line) for line in story.said["ended: events --dead --json"].out.splitlines()]
    assert len(letters) == 3
    assert {letter["event"]["id"] for letter in letters} < {event["id"] for event in story.sink.got}
    log = "".join(log.read_text() for log in story.folder.glob(f"*{OUTGOING}.log"))
    assert "The sink answers 410 Gone" in log


def test_dead_letters_are_sent_again_and_the_same_when_somebody_asks_for_it(story: Stage) -> None:
    unknown = story.said["ended: events --resend 1-1"]
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)
    assert "--resend: 1-1 is not a dead letter" in unknown.err
    one, *others = (orjson.loads(line) for line in story.said["ended: events --dead --json"].out.splitlines())
    assert story.said[f"ended: events --resend {one['id']}"].out.startswith("1 to be delivered again")
    again = orjson.loads(story.said["ended: events --resend all --json"].out)
    assert again == {"version": 1, "revived": [letter["id"] for letter in others]}
    for letter in (one, *others):
        # Refused, and taken; the one that was answered 503 came in between once more, whatever it was answered then.
        assert story.sink.got.count(letter["event"]) in {2, 3}
    assert story.said["over: events --dead"].out == NOTHING_DEAD


def test_what_is_told_of_each_vm_that_moved_is_its_story_in_order(story: Stage) -> None:
    told = [orjson.loads(line) for line in story.said["ended: events --json"].out.splitlines()]
    assert {event["id"] for event in told} <= {event["id"] for event in story.sink.got}
    for event in story.sink.got:
        schemas.check(event)
    for vm in ("shop/web", "shop/database", "shop/files"):
        about = [event["type"] for event in told if event["subject"] == vm]
        kinds = [kind.rpartition(".")[2] for kind in about if ".intervention." not in kind]
        assert [kind for kind in kinds if kind != "blocked"] == ["scheduled", "released", "detached", "completed"], vm
    by_people = [event["type"] for event in told if event["subject"] == "shop/web" and event["data"].get("by")]
    assert by_people == ["io.vmdrift.intervention.hold", "io.vmdrift.intervention.resume"]
    done = next(event for event in told if event["type"].endswith("completed"))
    assert list(done["data"]["stages"]) == ["noticing", "waiting", "detaching", "starting", "total"]


def test_without_a_sink_nobody_delivers_and_it_says_so(redis_url: str) -> None:
    done = vmdrift("work", "outgoing", env={"VMDRIFT_REDIS_URL": redis_url})
    assert (done.code, done.out) == (2, "")
    said = "VMDRIFT_SINK: not set, and neither is K_SINK, so there is nowhere to deliver events to"
    assert done.err == f"vmdrift work outgoing: cannot start: {said}\n"


def test_events_shows_what_was_told_and_follows_what_is(redis_url: str, redis: Redis, start: Start) -> None:
    assert events(redis_url).out.startswith("No events yet")
    ids = tell(redis, 12)
    told = [orjson.loads(line) for line in events(redis_url, "--json").out.splitlines()]
    assert [event["id"] for event in told] == ids
    assert sorted(event["sequence"] for event in told) == [event["sequence"] for event in told]
    assert "It waits." in events(redis_url).out
    assert events(redis_url, "--last", "2").out.count("scheduled") == 2

    follower = start("events", "--follow", "--last", "1", VMDRIFT_REDIS_URL=redis_url)
    follower.says("shop/vm-11  It waits.")
    _ends(redis)
    follower.says("completed  shop/late  It runs on worker-2.")
    assert "shop/vm-10" not in follower.said
    assert follower.ends(signal.SIGINT) == 0
    assert "Traceback" not in follower.said


def _ends(redis: Redis) -> None:
    store = RedisStore(redis, 3600)
    lock = store.acquire("vm", 60)
    assert lock
    done = record("late", "It runs on worker-2.", Phase.COMPLETED)
    store.save(done, lock, [encode(event) for event in step_events(record("late"), done, "/s", 1795500000.0)])
