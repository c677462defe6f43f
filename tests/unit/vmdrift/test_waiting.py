"""`--wait`: until it has taken effect, as the workers' records show it, or a timeout."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Record
from reactor.model.errors import StoreUnreachable
from reactor.model.fencing import Fencing
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import LOST_AT, outage, outage_record, record
from tests.support.commands import vmdrift
from tests.unit.workers.fencing.views import PROOF
from vmdrift.intervene.wait import Effect, Progress, Wait, checked, held, proven


class Line:
    """A command line with this store; its Redis is away while there is none."""

    def __init__(self, store: MemoryStore | None) -> None:
        self._store, self.sent = store, list[str]()

    @property
    def wiring(self) -> Any:
        return self

    @property
    def interventions(self) -> Any:
        return self

    @property
    def store(self) -> MemoryStore:
        if self._store is None:
            raise StoreUnreachable("Redis is away: refused")
        return self._store

    def send(self, _kind: str, vm: str) -> None:
        self.sent.append(vm)


def a_store(*records: Record) -> MemoryStore:
    store = MemoryStore(lambda: LOST_AT)
    store.save_outage(outage_record(), done=False)
    for one in records:
        store.create(one, [])
    return store


def waited(effect: Effect, line: Line, *steps: Callable[[], None], seconds: float = 10.0) -> Progress:
    """A second a look, at each of which the next of the steps happens."""
    now, left = [0.0], list(steps)

    def pause(_seconds: float) -> None:
        now[0] += 1.0
        if left:
            left.pop(0)()

    wait = Wait(effect, seconds, lambda: now[0], pause)
    return wait.after(line, wait.before(line))  # type: ignore[arg-type]


def passed(store: MemoryStore, vm: str, reason: str, phase: Phase = Phase.BLOCKED) -> Callable[[], None]:
    def happen() -> None:
        (key,) = [key for key, one in store.records_by_drift.items() if one.drift.vm.name == vm]
        store.records_by_drift[key] = store.records_by_drift[key].moved(LOST_AT, phase, reason, "So it is.", LOST_AT)

    return happen


def nothing() -> None:
    pass


def test_a_hold_has_all_it_covers_checked_again_and_says_what_became_of_them() -> None:
    store = a_store(record("web"), record("db"), replace(record("old"), ended_at=1.0 + LOST_AT))
    line = Line(store)
    progress = waited(held("node-a"), line, passed(store, "web", "held"), nothing, passed(store, "db", "window"))
    assert progress == Progress(True, "Checked since: 1 held, 1 waiting for something else first.")
    assert sorted(line.sent) == ["shop/db", "shop/web"]


def test_a_hold_of_one_vm_does_not_wait_for_another() -> None:
    line = Line(a_store(record("web")))
    assert waited(held("shop/db"), line) == Progress(True, "No recovery under way is covered by it.")
    assert line.sent == []


def test_what_nobody_checks_is_named_when_the_time_is_over() -> None:
    progress = waited(held("all"), Line(a_store(record("web"))), seconds=3.0)
    assert progress == Progress(False, "Not within 3 s: shop/web not checked again yet.")


def test_a_hold_is_not_said_to_be_seen_where_redis_is_away() -> None:
    assert waited(held("all"), Line(None)) == Progress(
        False, "Whether it has taken effect is unknown: Redis is away: refused."
    )


def test_a_retry_has_taken_effect_once_a_worker_has_checked_and_not_when_it_was_accepted() -> None:
    store = a_store(record("web"))
    accepted, judged = passed(store, "web", "taken-up-again", Phase.WAITING), passed(store, "web", "no-node-fits")
    assert waited(checked("shop/web"), Line(store), accepted, seconds=3.0).done is False
    assert waited(checked("shop/web"), Line(store), accepted, judged) == Progress(
        True, "Checked since: blocked, no-node-fits. So it is."
    )


def test_a_drift_that_begins_is_waited_for_too() -> None:
    store = a_store()

    def begins() -> None:
        store.create(record("web"), [])

    assert waited(checked("shop/web"), Line(store), begins, seconds=3.0).done is False
    assert waited(checked("shop/web"), Line(store), passed(store, "web", "signs-of-life")).done


@pytest.mark.parametrize(
    ("fencing", "said"),
    [
        (None, "no worker of the role fencing has checked it."),
        (Fencing(outage(), "boot", LOST_AT, confirmation=PROOF, void="It was heard again."), "It was heard again."),
        (Fencing(outage(), "boot", LOST_AT, sentence="Nobody says so."), "Nobody says so."),
    ],
)
def test_a_node_that_does_not_count_as_off_says_why(fencing: Fencing | None, said: str) -> None:
    store = a_store()
    if fencing:
        store.save_fencing(fencing)
    assert waited(proven("node-a"), Line(store), seconds=2.0) == Progress(
        False, f"Not within 2 s: node-a does not count as off yet: {said}"
    )
    assert "no open outage" in waited(proven("node-b"), Line(store), seconds=2.0).sentence


def test_a_node_with_the_proof_counts_as_off() -> None:
    store = a_store()

    def confirmed() -> None:
        store.save_fencing(Fencing(outage(), "boot", LOST_AT, confirmation=PROOF))

    assert waited(proven("node-a"), Line(store), nothing, confirmed).done


@pytest.mark.parametrize("words", [("hold", "all"), ("retry", "shop/web"), ("drift", "shop/web")])
def test_a_timeout_without_wait_or_that_is_none_is_refused(words: tuple[str, ...]) -> None:
    assert "--timeout is of --wait" in vmdrift(*words, "--timeout", "5s").err
    assert "invalid duration '5'" in vmdrift(*words, "--wait", "--timeout", "5").err
