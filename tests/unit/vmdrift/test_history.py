"""Outages that are over: which are shown, and how long each VM was down."""

from dataclasses import replace

import pytest
from rich.console import Console

from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.recovery import recovery
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import LOST_AT, drift, outage
from vmdrift.status.history import as_object, head, read, table

MOVED = "running-elsewhere"


def ended(vm: str, after: float, phase: Phase = Phase.COMPLETED, reason: str = MOVED, node: str = "node-a") -> Record:
    """The drift of `shop/<vm>`, ended so many seconds after the node was lost."""
    moment = LOST_AT + after
    record = Record(drift(vm, outage(node)), phase, reason, "It runs on node-b.", moment, moment, ended_at=moment)
    if phase is not Phase.COMPLETED:
        return record
    return replace(record, released_at=LOST_AT + 300.0, detached_at=moment - 10.0)


def waiting(vm: str) -> Record:
    return Record(drift(vm), Phase.WAITING, "unreachable-window", "It waits.", LOST_AT, LOST_AT)


def a_store(*records: Record, done: bool = True, recovered_at: float | None = None) -> MemoryStore:
    """One outage with these drifts."""
    store = MemoryStore(lambda: LOST_AT)
    store.save_outage(OutageRecord(outage(), LOST_AT, recovered_at), done=done)
    for record in records:
        store.create(record, [])
    return store


def shown(store: MemoryStore, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        for past in read(store, 10):
            console.print(head(past))
            console.print(table(past))
    return capture.get()


def test_a_vm_was_down_from_the_loss_of_its_node_until_it_was_seen_to_run_elsewhere() -> None:
    (past,) = read(a_store(ended("web", 330), ended("db", 700), ended("mail", 380)), 10)
    assert past.recoveries == [700, 380, 330]
    told = as_object([past])["outages"][0]
    assert told["recovery"] == {"median": 380, "longest": 700}
    assert told["drifts"][0] == {
        "vm": "shop/db",
        "id": drift("db").id,
        "phase": "completed",
        "proof": "none",
        "reason": MOVED,
        "sentence": "It runs on node-b.",
        "target": "",
        "released_after": 300,
        "detached_after": 690,
        "ended_after": 700,
        "recovery": 700,
        "down_for": 700,
        "not_back": False,
        "forecast": None,
    }


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.COMPLETED, "returned-node"),
        (Phase.REFUSED, "pinned-to-node"),
        (Phase.CANCELLED, "node-returned"),
        (Phase.FAILED, "start-deadline"),
    ],
)
def test_a_vm_that_did_not_move_has_no_recovery(phase: Phase, reason: str) -> None:
    assert recovery(ended("web", 330, phase, reason)) is None
    told = as_object(read(a_store(ended("web", 330, phase, reason)), 10))["outages"][0]
    assert told["recovery"] is None
    assert told["drifts"][0]["ended_after"] == 330


def test_an_open_outage_is_shown_once_some_drift_has_ended() -> None:
    assert read(a_store(waiting("web"), done=False), 10) == []
    (past,) = read(a_store(waiting("web"), ended("db", 330), done=False), 10)
    assert (past.done, past.going_on, len(past.ended)) == (False, 1, 1)
    assert "1 completed, 1 not ended yet" in head(past)


def test_the_newest_outages_are_first_and_no_more_than_asked_for() -> None:
    store = MemoryStore(lambda: LOST_AT)
    for number in range(5):
        store.save_outage(OutageRecord(outage(f"node-{number}", LOST_AT + number), LOST_AT), done=True)
    assert [past.outage.outage.node.name for past in read(store, 2)] == ["node-4", "node-3"]


def test_the_head_says_when_how_and_how_long() -> None:
    store = a_store(ended("web", 330), ended("pin", 301, Phase.REFUSED, "pinned-to-node"), recovered_at=LOST_AT + 900)
    assert head(read(store, 1)[0]) == (
        "Node node-a was lost at 2023-11-14T22:13:20Z and was back at 2023-11-14T22:28:20Z. 1 completed, 1 refused. "
        "Recovery: median 330 s, longest 330 s. Down in all: 10 min 31 s."
    )
    assert head(read(a_store(), 1)[0]).endswith("is not back, as far as is known. No VM was affected.")


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_and_names_every_stage(width: int) -> None:
    text = shown(a_store(ended("web", 330), ended("a-" * 30 + "b", 700)), width)
    assert max(map(len, text.splitlines())) <= width
    for column in ("VM", "End", "Released", "Detached", "Running", "Why"):
        assert column in text
    (row,) = [line for line in text.splitlines() if "shop/web" in line]
    assert row.split()[1:8] == ["completed", "300", "s", "320", "s", "330", "s"]
