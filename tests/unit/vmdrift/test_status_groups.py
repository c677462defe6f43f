"""`vmdrift status`: one headline an outage, one line a group; the rest on demand."""

import io
from dataclasses import replace

import pytest
from rich.console import Console, Group, RenderableType

from reactor.health import HealthRow, Level
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.errors import NotDone
from reactor.model.forecast import Forecast
from reactor.model.recovery import Windows
from tests.contracts.samples import LOST_AT, drift, outage
from vmdrift.status import StatusSnapshot, about
from vmdrift.status.groups import head_line, health_lines, outage_lines, vm_lines
from vmdrift.terminal import Terminal

NOW = LOST_AT + 17.0


def vm(name: str, phase: Phase, reason: str, sentence: str = "It is so.", again: float = 60.0) -> Record:
    return replace(Record(drift(name), phase, reason, sentence, LOST_AT, LOST_AT), again_at=LOST_AT + again)


def printed(what: RenderableType, width: int = 100) -> str:
    screen = io.StringIO()
    console: Console = Terminal(file=screen, width=width)
    console.print(what)
    return screen.getvalue()


SIXTY = [vm(f"web-{number:02}", Phase.RELEASED, "force-deleted", f"Pod {number} is gone.") for number in range(58)]
STUCK = [vm(f"old-{number}", Phase.REFUSED, "pinned-to-node", "Only there.") for number in range(2)]


@pytest.mark.parametrize("width", [80, 200])
def test_six_hundred_vms_are_as_few_lines(width: int) -> None:
    many = [vm(f"web-{number:03}", Phase.RELEASED, "force-deleted", f"Pod {number} is gone.") for number in range(598)]
    found = (OutageRecord(outage(), LOST_AT), [*many, *STUCK], Windows(), NOW, "")
    lines = [
        line for line in printed(Group(head_line(*found), outage_lines(*found)), width).splitlines() if line.strip()
    ]
    assert len(lines) <= 12
    assert "600 VMs: 598 are moving, 2 will stay down: act now" in lines[0]


@pytest.mark.parametrize("width", [80, 200])
def test_sixty_vms_are_a_headline_and_a_line_for_each_group(width: int) -> None:
    found = (OutageRecord(outage(), LOST_AT), [*SIXTY, *STUCK], Windows(), NOW, "")
    text = printed(Group(head_line(*found), outage_lines(*found)), width)
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines[0].startswith("node-a lost 17 s ago · 60 VMs: 58 are moving, 2 will stay down: act now")
    assert len(lines) <= 12
    assert max(map(len, lines)) <= width
    assert text.index("2: shop/old-0") < text.index("58: shop/web-00")
    assert "in 43 s" in text
    assert "Pod 7" not in text


def test_what_is_late_says_who_is_missing() -> None:
    late = [vm("web", Phase.WAITING, "unreachable-window", again=-28.0)]
    found = (OutageRecord(outage(), LOST_AT), late, Windows(), NOW, "no worker is alive")
    text = printed(Group(head_line(*found), outage_lines(*found)))
    assert "(45 s late: no worker is alive)" in text
    assert text.count("45 s late") == 2  # in the line of its group, too


def test_the_health_strip_is_a_line() -> None:
    rows = [HealthRow("watcher", Level.GOOD, "heard 2 s ago"), HealthRow("workers", Level.BAD, "missing for drifts")]
    assert printed(health_lines(rows)) == "watcher heard 2 s ago · workers missing for drifts\n"


def test_of_one_vm_it_says_how_long_it_is_down_what_was_foreseen_and_what_to_do() -> None:
    foreseen = Forecast(NOW, moves=False, reason="pinned-to-node", sentence="Only there.")
    lines = [line.plain for line in vm_lines(replace(STUCK[0], forecast=foreseen), NOW)]
    assert lines[0] == "shop/old-0: down for 17 s, and counting."
    assert lines[1].endswith("it stays down (pinned-to-node).")
    assert lines[2].startswith("To do: Change what the VM asks for")
    over = replace(vm("x", Phase.CANCELLED, "cancelled-by-hand"), again_at=None, ended_at=NOW)
    assert next(vm_lines(over, NOW)).plain == "shop/x: down for 17 s, not back as far as is known."


def test_a_target_is_a_node_or_a_vm_and_what_is_in_no_outage_is_said() -> None:
    snapshot = StatusSnapshot([(OutageRecord(outage(), LOST_AT), [*STUCK]), (OutageRecord(outage("node-b"), NOW), [])])
    assert [str(one.drift.vm) for one in about(snapshot, "node-a").records] == ["shop/old-0", "shop/old-1"]
    assert [str(one.drift.vm) for one in about(snapshot, "shop/old-1").records] == ["shop/old-1"]
    assert [one.outage.node.name for one, _ in about(snapshot, "node-b").outages] == ["node-b"]
    assert about(snapshot, "") is snapshot
    with pytest.raises(NotDone, match="node-c is in no open outage"):
        about(snapshot, "node-c")
