"""A watcher's suspicions: each is confirmed by a read, reported once, tried again where it could not be, and shown."""

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from reactor.adapters.rq import JobEntry
from reactor.model.drift import Outcome, Policy
from reactor.model.errors import ClusterUnreachable, StoreUnreachable
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject
from reactor.model.suspicion import NO_SUSPECTS, Suspects, Suspicion
from reactor.model.times import format_time
from reactor.watch.leases import Leases
from reactor.watch.list_watch import LISTED
from reactor.watch.suspecting import Office, Suspecting, suspect
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from tests.contracts.queue_worlds import DONE
from tests.contracts.samples import LOST_AT, node

AHEAD = float(LOST_AT)  # of the clock that all share, to the one that nobody sets
NAMES = tuple(f"node-{letter}" for letter in "abcdefghij")
SILENT = NAMES[0]


class _Queue(MemoryQueue):
    """While `away`, Redis does not answer."""

    away = False

    def wake(self, entry: JobEntry, due: float) -> None:
        if self.away:
            raise StoreUnreachable("Redis is away")
        super().wake(entry, due)


@dataclass
class _Watcher:
    """Ten nodes, whose kubelets renew every ten seconds, one after the other; except those in `silent`."""

    now: float = 100.0
    silent: set[str] = field(default_factory=set)
    reads: list[str] = field(default_factory=list)
    answer: JsonObject | ClusterUnreachable | None = None

    def __post_init__(self) -> None:
        self.renewed = dict.fromkeys(NAMES, self.now)
        self.nodes: dict[str, NodeView] = {name: node_view(node(name)) for name in NAMES}
        self.leases, self.store = Leases(), MemoryStore(self.clock)
        self.ran: list[JobEntry] = []
        self.queue, self.answers = _Queue(self.clock, self._run), False
        office = Office(self.store, self.queue, "/w", self.clock)
        self.suspecting = Suspecting(
            self.leases, lambda: self.nodes, self, Policy(fencing=("redfish",)), office, steady=lambda: self.now
        )
        self.leases.take(LISTED, [(name, self.now) for name in NAMES], self.now)

    def _run(self, entry: JobEntry) -> Outcome:
        self.ran.append(entry)
        return DONE

    def clock(self) -> float:
        return AHEAD + self.now

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        assert (resource, namespace) == ("leases", "kube-node-lease")
        self.reads.append(name)
        if isinstance(self.answer, ClusterUnreachable):
            raise self.answer
        return self.answer if self.answers else lease(name, self.renewed[name])

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            name = NAMES[int(self.now) % 10]
            if name not in self.silent:
                self.renewed[name] = self.now
                self.leases.take("MODIFIED", [(name, self.now)], self.now)
            self.suspecting.look()
        self.queue.step(self.clock())

    @property
    def told(self) -> list[str]:
        return [entry.args[1]["subject"] for entry in self.ran]


def lease(name: str, renewed: float) -> JsonObject:
    return {"metadata": {"name": name}, "spec": {"renewTime": format_time(renewed)}}


@pytest.fixture
def watcher() -> _Watcher:
    return _Watcher()


def test_one_read_confirms_it_and_it_is_reported_and_shown_as_long_as_it_lasts(watcher: _Watcher) -> None:
    watcher.silent = {SILENT}
    watcher.live(40)
    assert (watcher.reads, watcher.told) == ([SILENT], [SILENT])
    (shown,) = watcher.store.suspicions.shown().suspicions
    assert (shown.node.name, shown.asked, shown.since) == (SILENT, True, AHEAD + 100.0)
    assert Suspicion.of(watcher.ran[0].args[1]["data"]["suspicion"]) == shown
    watcher.silent = set()
    watcher.live(10)
    assert (watcher.told, watcher.store.suspicions.shown()) == ([SILENT] * 2, NO_SUSPECTS)


@pytest.mark.parametrize("answer", [None, lease(SILENT, 109.0), {"metadata": {"name": SILENT}}, lease(SILENT, 99.0)])
def test_a_read_that_finds_another_value_or_no_lease_is_no_suspicion(
    watcher: _Watcher, answer: JsonObject | None
) -> None:
    watcher.silent, watcher.answers, watcher.answer = {SILENT}, True, answer
    watcher.live(30)
    assert SILENT in watcher.reads
    assert (watcher.told, watcher.store.suspicions.shown()) == ([], NO_SUSPECTS)


def test_a_read_without_an_answer_is_tried_again_a_second_later_and_reported_once(watcher: _Watcher) -> None:
    watcher.silent, watcher.answer = {SILENT}, ClusterUnreachable("no answer")
    with capture_logs() as logs:
        watcher.live(30)
    assert len(watcher.reads) > 10
    assert [log["event"] for log in logs] == ["suspicions cannot be judged, trying again"]
    assert watcher.told == []
    watcher.answer = None
    watcher.live(1)
    assert watcher.told == [SILENT]


def test_what_redis_did_not_take_is_reported_when_it_is_back(watcher: _Watcher) -> None:
    watcher.silent, watcher.queue.away = {SILENT}, True
    watcher.live(30)
    watcher.queue.away = False
    watcher.live(1)
    assert watcher.told == [SILENT]
    watcher.silent, watcher.queue.away = set(), True
    watcher.live(10)
    watcher.queue.away = False
    watcher.live(1)
    assert watcher.told == [SILENT] * 2


def test_after_a_time_in_which_nobody_was_heard_all_silence_counts_again(watcher: _Watcher) -> None:
    """Each comes back in its turn: the last ones have been silent for half a minute and more when most are heard."""
    watcher.silent = set(NAMES)
    with capture_logs() as logs:
        watcher.live(30)
    assert [log["event"] for log in logs] == ["most Leases are late"]
    watcher.silent = set()
    watcher.live(30)
    assert (watcher.reads, watcher.told) == ([], [])


def test_a_watcher_that_hears_nobody_takes_nothing_from_what_others_show(watcher: _Watcher) -> None:
    watcher.silent = {SILENT}
    watcher.live(25)
    others = Suspects((), "Another watcher says so.")
    watcher.silent = set(NAMES)
    watcher.live(12)
    watcher.store.suspicions.show(others)
    watcher.live(5)
    assert watcher.store.suspicions.shown() == others


def test_it_looks_every_second_until_the_end() -> None:
    watcher, pauses = _Watcher(), list[float]()
    suspect(watcher.suspecting, lambda: len(pauses) == 3, pauses.append)
    assert pauses == [1.0] * 3
