"""The watcher: what it tells when nodes come and go, and that nothing it remembers matters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from redis import Redis

from reactor.adapters.cloudevents import decode
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import EVENTS, JobEntry
from reactor.model.drift import OutageRecord, Outcome
from reactor.model.errors import StoreUnreachable
from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event, watcher_source
from reactor.model.fencing import Heartbeat
from reactor.model.node import NodeView
from reactor.watch.list_watch import LISTED
from reactor.watch.node_views import thrifty_view
from reactor.watch.watcher import Watcher
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from tests.contracts.queue_worlds import DONE
from tests.contracts.samples import LOST_AT, node, outage

NOW = LOST_AT + 50.0
SOURCE = watcher_source("cluster")


@dataclass
class Board:
    """A queue that keeps what it is told; while `away`, it is told nothing."""

    told: list[JobEntry] = field(default_factory=list)
    away: bool = False

    def wake(self, entry: JobEntry, due: float) -> None:
        if self.away:
            raise StoreUnreachable("Redis is away")
        assert due == NOW
        self.told.append(entry)

    def wake_all(self, wanted: Sequence[tuple[JobEntry, float]]) -> None:
        for entry, due in wanted:
            self.wake(entry, due)

    def woken(self, job_id: str) -> float | None:  # noqa: ARG002 - the door's signature
        return None

    def drift_waits(self) -> bool:
        return False

    def take(self) -> list[Event]:
        """What was told since the last call."""
        told, self.told = self.told, []
        return [decode(entry.args[1]) for entry in told]


class AwayStore(MemoryStore):
    """Redis is away."""

    def outages(self) -> list[OutageRecord]:
        raise StoreUnreachable("Redis is away")


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(lambda: NOW)


@pytest.fixture
def watcher(board: Board, store: MemoryStore) -> Watcher:
    return Watcher(store, board, SOURCE, lambda: NOW)


def view(ready: str = "True", since: float = LOST_AT, name: str = "node-a", uid: str = "") -> NodeView:
    return thrifty_view(node(name, ready, since, uid))


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.type for event in events]


def test_a_ready_node_is_nothing_to_tell(watcher: Watcher, board: Board) -> None:
    assert watcher.take(LISTED, [view(), view(name="node-b")])
    assert board.take() == []


@pytest.mark.parametrize("kind", [LISTED, "ADDED", "MODIFIED"])
def test_an_unknown_node_is_one_outage_told_once(watcher: Watcher, board: Board, kind: str) -> None:
    watcher.take(kind, [view("Unknown")])
    watcher.take("MODIFIED", [replace(view("Unknown"), unschedulable=True)])
    (event,) = board.take()
    assert (event.type, event.source, event.id, event.subject) == (NODE_UNREACHABLE, SOURCE, outage().id, "node-a")
    assert event.data == {"outage": outage().as_json()}
    assert event.time == LOST_AT


def test_events_go_to_their_queue(watcher: Watcher, board: Board) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    assert [(entry.queue, entry.id) for entry in board.told] == [(EVENTS, f"event_{outage().id}")]


@pytest.mark.parametrize("ready", ["False", ""])
def test_a_node_that_is_not_ready_opens_nothing(watcher: Watcher, board: Board, ready: str) -> None:
    watcher.take("MODIFIED", [view(ready)])
    watcher.resync()
    assert board.take() == []


def test_a_node_without_conditions_opens_nothing(watcher: Watcher, board: Board) -> None:
    watcher.take("ADDED", [thrifty_view({"metadata": {"name": "new", "uid": "uid-of-new"}})])
    assert board.take() == []


def test_it_knows_since_when_the_heartbeat_of_a_lost_node_has_not_changed(board: Board, store: MemoryStore) -> None:
    now = [NOW - 120.0]
    watcher = Watcher(store, board, SOURCE, lambda: now[0])
    for at, beat, ready in ((NOW - 120, "first", "True"), (NOW - 50, "second", "True"), (NOW, "second", "Unknown")):
        now[0] = at
        watcher.take("MODIFIED", [replace(view(ready), heartbeat=beat)])
    assert store.heartbeat(outage().id) == Heartbeat("second", NOW - 50)


def test_a_node_that_returns_is_told_to_have_recovered(watcher: Watcher, board: Board) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    board.take()
    watcher.take("MODIFIED", [view("True", LOST_AT + 40)])
    (event,) = board.take()
    assert (event.type, event.id, event.time) == (NODE_RECOVERED, f"{outage().id}_recovered", NOW)
    assert event.data == {"outage": outage().as_json()}


def test_false_does_not_end_an_outage(watcher: Watcher, board: Board) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    watcher.take("MODIFIED", [view("False", LOST_AT + 40)])
    assert kinds(board.take()) == [NODE_UNREACHABLE]


def test_an_outage_that_was_false_meanwhile_is_ended_by_the_resync(
    watcher: Watcher, board: Board, store: MemoryStore
) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    store.save_outage(OutageRecord(outage(), NOW), done=False)
    watcher.take("MODIFIED", [view("False", LOST_AT + 40)])
    watcher.take("MODIFIED", [view("True", LOST_AT + 45)])
    board.take()
    watcher.resync()
    assert kinds(board.take()) == [NODE_RECOVERED]


def test_a_flap_ends_one_outage_and_opens_another(watcher: Watcher, board: Board) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    board.take()
    watcher.take("MODIFIED", [view("Unknown", LOST_AT + 40)])
    assert [event.id for event in board.take()] == [f"{outage().id}_recovered", outage(since=LOST_AT + 40).id]


def test_a_node_that_registers_anew_ends_the_outage_of_the_old_one(watcher: Watcher, board: Board) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    board.take()
    watcher.take("MODIFIED", [view("", 0, uid="another-uid")])
    assert kinds(board.take()) == [NODE_RECOVERED]


def test_a_deleted_node_proves_no_end(watcher: Watcher, board: Board, store: MemoryStore) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    store.save_outage(OutageRecord(outage(), NOW), done=False)
    watcher.take("DELETED", [view("Unknown")])
    watcher.resync()
    assert kinds(board.take()) == [NODE_UNREACHABLE, NODE_UNREACHABLE]


def test_a_node_that_a_new_list_does_not_hold_is_forgotten(watcher: Watcher, board: Board) -> None:
    watcher.take(LISTED, [view("Unknown"), view(name="node-b")])
    watcher.take(LISTED, [view(name="node-b")])
    board.take()
    watcher.resync()
    assert board.take() == []


def test_a_new_list_tells_nothing_twice(watcher: Watcher, board: Board) -> None:
    for _ in range(2):
        watcher.take(LISTED, [view("Unknown")])
    assert len(board.take()) == 1


def test_what_happened_while_nobody_watched_is_told_from_the_new_list(watcher: Watcher, board: Board) -> None:
    watcher.take(LISTED, [view("Unknown"), view(name="node-b")])
    board.take()
    watcher.take(LISTED, [view("True", LOST_AT + 40), view("Unknown", LOST_AT + 30, "node-b")])
    assert sorted(kinds(board.take())) == [NODE_RECOVERED, NODE_UNREACHABLE]


def test_a_restarted_watcher_tells_the_same_outage_by_the_same_identity(board: Board, store: MemoryStore) -> None:
    for _ in range(2):
        Watcher(store, board, SOURCE, lambda: NOW).take(LISTED, [view("Unknown")])
    assert {(event.source, event.id) for event in board.take()} == {(SOURCE, outage().id)}


def test_what_two_watchers_tell_is_one_job(store: MemoryStore) -> None:
    ran: list[str] = []

    def run(entry: JobEntry) -> Outcome:
        ran.append(entry.id)
        return DONE

    queue = MemoryQueue(lambda: NOW, run)
    for watcher in (Watcher(store, queue, SOURCE, lambda: NOW) for _ in range(2)):
        watcher.take(LISTED, [view("Unknown")])
        watcher.resync()
    queue.step(NOW)
    assert ran == [f"event_{outage().id}"]


def test_where_the_lease_is_known_the_event_names_the_silence(board: Board, store: MemoryStore) -> None:
    lost = replace(view("Unknown"), boot="boot-1", reported="2026-11-28T10:00:00Z")
    watcher = Watcher(store, board, SOURCE, lambda: NOW, {"node-a": LOST_AT - 40.0}.__getitem__)
    watcher.take(LISTED, [lost])
    (event,) = board.take()
    silent = replace(lost, renewed=LOST_AT - 40.0).outage
    assert silent
    assert event.data == {"outage": silent.as_json()}
    assert event.id == silent.id != outage().id


def test_a_resync_reports_an_outage_once_that_began_before_kubernetes_noticed_it(
    board: Board, store: MemoryStore
) -> None:
    ready = replace(view(since=LOST_AT - 900), boot="boot-1", reported="2026-11-28T10:00:00Z", renewed=LOST_AT - 40.0)
    early = ready.early_outage(LOST_AT - 20)
    assert early
    store.save_outage(OutageRecord(early, NOW), done=False)
    renewed = {"node-a": LOST_AT - 40.0}
    watcher = Watcher(store, board, SOURCE, lambda: NOW, renewed.__getitem__)
    for lost in (ready, replace(ready, ready="Unknown", ready_since=LOST_AT)):
        watcher.take(LISTED, [lost])
        board.take()
        watcher.resync()
        assert [(event.type, event.id) for event in board.take()] == [(NODE_UNREACHABLE, early.id)]
    renewed["node-a"] += 10.0
    watcher.take(LISTED, [ready])
    board.take()
    watcher.resync()
    assert [(event.type, event.id) for event in board.take()] == [(NODE_RECOVERED, f"{early.id}_recovered")]


def test_a_resync_tells_every_open_outage_again(watcher: Watcher, board: Board) -> None:
    watcher.take(LISTED, [view("Unknown"), view("Unknown", name="node-b"), view(name="node-c")])
    board.take()
    assert watcher.resync()
    assert [event.id for event in board.take()] == [outage("node-a").id, outage("node-b").id]


def test_a_resync_tells_what_only_the_records_know(watcher: Watcher, board: Board, store: MemoryStore) -> None:
    store.save_outage(OutageRecord(outage("gone"), NOW), done=False)
    store.save_outage(OutageRecord(outage("back"), NOW), done=False)
    store.save_outage(OutageRecord(outage("over"), NOW), done=True)
    watcher.take(LISTED, [view(name="back")])
    watcher.resync()
    told = {event.subject: event.type for event in board.take()}
    assert told == {"gone": NODE_UNREACHABLE, "back": NODE_RECOVERED}


def test_what_could_not_be_told_is_told_by_the_resync(watcher: Watcher, board: Board) -> None:
    board.away = True
    assert not watcher.take("MODIFIED", [view("Unknown")])
    assert not watcher.resync()
    board.away = False
    assert watcher.resync()
    assert kinds(board.take()) == [NODE_UNREACHABLE]


def test_a_return_that_could_not_be_told_is_told_by_the_resync(
    watcher: Watcher, board: Board, store: MemoryStore
) -> None:
    watcher.take("MODIFIED", [view("Unknown")])
    store.save_outage(OutageRecord(outage(), NOW), done=False)
    board.take()
    board.away = True
    assert not watcher.take("MODIFIED", [view("True", LOST_AT + 40)])
    board.away = False
    watcher.resync()
    assert kinds(board.take()) == [NODE_RECOVERED]


def test_a_resync_that_cannot_read_the_records_says_so(board: Board) -> None:
    watcher = Watcher(AwayStore(lambda: NOW), board, SOURCE, lambda: NOW)
    watcher.take("MODIFIED", [view("Unknown")])
    assert not watcher.resync()


def test_an_outage_that_only_a_real_redis_remembers_is_told_after_a_restart(redis: Redis, board: Board) -> None:
    store = RedisStore(redis, history_ttl=3600)
    store.save_outage(OutageRecord(outage(), NOW), done=False)
    watcher = Watcher(store, board, SOURCE, lambda: NOW)
    watcher.take(LISTED, [view("True", LOST_AT + 40)])
    assert watcher.resync()
    assert kinds(board.take()) == [NODE_RECOVERED]
