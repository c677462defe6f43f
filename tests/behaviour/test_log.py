"""The log tells every decision that changes something, once, with who it is about and why."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from reactor.model.drift import Record
from simulator.scene import Scene, Storage, Vm
from tests.support.virtual import Play

LOST = "node-a"
SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("plain", node=LOST),
        Vm("waits", Storage.RBD_BLOCK, node=LOST),
        Vm("stays", Storage.LOCAL, node=LOST),
        Vm("elsewhere", node="node-b"),
    ),
)
Line = tuple[str, str, str, str, str, str]


def _line(record: Record) -> Line:
    drift = record.drift
    who = (drift.outage.id, str(drift.vm), drift.outage.node.name)
    return (*who, record.phase.value, record.reason, record.sentence)


def _told(logs: Sequence[MutableMapping[str, Any]]) -> list[Line]:
    names = ("outage", "vm", "node", "phase", "reason", "sentence")
    return [tuple(entry[name] for name in names) for entry in logs if entry["event"] == "drift decided"]


@pytest.fixture
def play() -> Play:
    return Play.of(SCENE)


def _watched(play: Play) -> list[Record]:
    """Every record that is written from now on and says another phase or reason than before."""
    store, changes = play.reactor.store, list[Record]()
    write = store._write

    def noted(record: Record, events: Any) -> None:
        old = store._records.get(record.drift.id)
        if old is None or (old.phase, old.reason) != (record.phase, record.reason):
            changes.append(record)
        write(record, events)

    store._write = noted  # type: ignore[method-assign]
    return changes


def test_each_change_of_phase_or_reason_is_one_line_with_outage_vm_node_phase_and_reason(play: Play) -> None:
    changes = _watched(play)
    with capture_logs() as logs:
        play.world.hypervisor.power_cut(LOST)
        assert play.until_ended()
    assert _told(logs) == [_line(record) for record in changes]
    assert {record.drift.vm.name for record in changes} == {"plain", "waits", "stays"}
    assert {"waiting", "released", "completed", "refused"} <= {record.phase.value for record in changes}


def test_a_drift_whose_record_was_lost_is_told_again(play: Play) -> None:
    play.world.hypervisor.power_cut(LOST)
    assert play.until("plain", ("waiting", "unreachable-window"))
    play.reactor.store._records.clear()
    changes = _watched(play)
    with capture_logs() as logs:
        play.reactor.again()
    assert sorted(_told(logs)) == sorted(_line(record) for record in changes)
    assert {record.drift.vm.name for record in changes} == {"plain", "waits", "stays"}


def test_looking_again_without_a_change_tells_nothing(play: Play) -> None:
    play.world.hypervisor.power_cut(LOST)
    assert play.until("plain", ("waiting", "unreachable-window"))
    with capture_logs() as logs:
        play.reactor.again()
    assert _told(logs) == []
