"""The first line of an outage."""

from dataclasses import replace

from reactor.model.drift import Check, OutageRecord, Phase, Record
from reactor.model.headline import headline, overdue
from reactor.model.recovery import Windows
from tests.contracts.samples import LOST_AT, drift, outage

WINDOWS = Windows()
OUTAGE = OutageRecord(outage(), LOST_AT)
PASSED = Check("placement", held=True, reason="", sentence="It can run on node-b.")


def vm(name: str, phase: Phase, reason: str, again: float | None = None, *, ended: bool = False) -> Record:
    first = Record(drift(name), phase, reason, "x", LOST_AT, LOST_AT)
    return replace(
        first,
        again_at=None if again is None else LOST_AT + again,
        ended_at=LOST_AT + 9.0 if ended else None,
        checks=(PASSED,),
    )


def line(*records: Record, after: float = 17.0, lame: str = "") -> str:
    return headline(OUTAGE, records, WINDOWS, LOST_AT + after, lame).text


MOVES = [vm(f"web-{number}", Phase.WAITING, "watching-for-life", 50.0 + number) for number in range(4)]
STAYS = [vm(f"old-{number}", Phase.REFUSED, "pinned-to-node", 300.0) for number in range(2)]


def test_it_says_how_many_move_when_the_first_does_and_how_many_need_somebody() -> None:
    assert line(*MOVES, *STAYS) == (
        "node-a lost 17 s ago · 6 VMs: 4 will move (first in 33 s), 2 will stay down: act now"
    )
    assert headline(OUTAGE, STAYS, WINDOWS, LOST_AT + 17.0).urgent
    assert not headline(OUTAGE, MOVES, WINDOWS, LOST_AT + 17.0).urgent


def test_what_is_not_foreseen_yet_is_counted_apart_and_it_says_when_it_is_judged() -> None:
    waiting = replace(vm("web", Phase.WAITING, "unreachable-window", 300.0), checks=())
    assert line(waiting) == "node-a lost 17 s ago · 1 VM: 1 not foreseen yet (first in 4 min 43 s)"


def test_before_kubernetes_has_noticed_only_proof_moves_anything() -> None:
    silent = replace(vm("web", Phase.WAITING, "not-noticed", 30.0), checks=())
    assert line(silent) == "node-a silent for 17 s · 1 VM: 1 not foreseen yet (on proof only)"


def test_what_is_over_and_what_is_on_its_way_is_counted_too() -> None:
    back = vm("a", Phase.COMPLETED, "running-elsewhere", ended=True)
    way, gone = vm("b", Phase.DETACHING, "detach-window", 20.0), vm("c", Phase.CANCELLED, "vm-stopped", ended=True)
    assert line(back, way, gone) == "node-a lost 17 s ago · 3 VMs: 1 runs again, 1 is moving, 1 is not to run"
    assert line() == "node-a lost 17 s ago · no VM was found there yet"


def test_a_node_that_is_back_is_said_to_be() -> None:
    known = replace(OUTAGE, recovered_at=LOST_AT + 10.0)
    assert headline(known, [], WINDOWS, LOST_AT + 70.0).text.startswith("node-a lost 1 min 10 s ago, back 1 min ago")


def test_past_its_end_no_countdown_goes_on_and_it_says_who_is_missing() -> None:
    late = line(*MOVES, after=95.0, lame="no worker is alive")
    assert "4 will move (45 s late: no worker is alive)" in late
    assert headline(OUTAGE, MOVES, WINDOWS, LOST_AT + 95.0, "no worker is alive").urgent


def test_what_is_due_has_a_moment_before_it_is_late() -> None:
    assert [overdue(100.0, now, "") for now in (99.0, 110.0, 112.0)] == ["", "due now", "12 s late"]
    assert [overdue(100.0, now, "nobody") for now in (101.0, 103.0)] == ["due now", "3 s late: nobody"]


def test_what_somebody_holds_is_said_to_be_held_and_hurries_nobody() -> None:
    held = vm("web", Phase.BLOCKED, "held", 30.0)
    assert line(held) == "node-a lost 17 s ago · 1 VM: 1 is held"
    assert not headline(OUTAGE, [held], WINDOWS, LOST_AT + 17.0).urgent


def test_of_a_node_that_lives_no_vm_is_said_to_be_down() -> None:
    alive = vm("web", Phase.BLOCKED, "virt-handler-alive", 30.0)
    assert line(alive) == "node-a lost 17 s ago · 1 VM: 1 may still run there: act now"
