"""The log tells every decision that changes something, once, with who it is about and why."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from reactor.model.change import Change
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


def _line(change: Change) -> Line:
    drift = change.drift
    who = (drift.outage.id, str(drift.vm), drift.outage.node.name)
    return (*who, change.phase.value, change.reason, change.sentence)


def _told(logs: Sequence[MutableMapping[str, Any]]) -> list[Line]:
    names = ("outage", "vm", "node", "phase", "reason", "sentence")
    return [tuple(entry[name] for name in names) for entry in logs if entry["event"] == "drift decided"]


@pytest.fixture
def play() -> Play:
    return Play.of(SCENE)


def test_each_change_of_phase_or_reason_is_one_line_with_outage_vm_node_phase_and_reason(play: Play) -> None:
    with capture_logs() as logs:
        play.world.hypervisor.power_cut(LOST)
        assert play.until_ended()
    changes = play.reactor.store.changes
    assert _told(logs) == [_line(change) for change in changes]
    assert {change.drift.vm.name for change in changes} == {"plain", "waits", "stays"}
    assert {"waiting", "released", "completed", "refused"} <= {change.phase.value for change in changes}


def test_a_drift_whose_record_was_lost_is_told_again(play: Play) -> None:
    play.world.hypervisor.power_cut(LOST)
    assert play.until("plain", ("waiting", "unreachable-window"))
    play.reactor.store.records_by_drift.clear()
    known = len(play.reactor.store.changes)
    with capture_logs() as logs:
        play.reactor.again()
    changes = play.reactor.store.changes[known:]
    assert sorted(_told(logs)) == sorted(map(_line, changes))
    assert {change.drift.vm.name for change in changes} == {"plain", "waits", "stays"}


def test_looking_again_without_a_change_tells_nothing(play: Play) -> None:
    play.world.hypervisor.power_cut(LOST)
    assert play.until("plain", ("waiting", "unreachable-window"))
    with capture_logs() as logs:
        play.reactor.again()
    assert _told(logs) == []
