"""What is in force on a row: all that concerns its VM, with a date where a day may lie between."""

from dataclasses import replace

from reactor.model.fencing import Confirmation, Fencing
from reactor.model.in_force import confirmations, notes, of_node, resumed
from reactor.model.intervention import CANCEL, HOLD, TAINT, Intervention, active_holds, node_target, vm_target
from tests.contracts.samples import drift, outage, record

TODAY = 1795502400.0  # 2026-11-24, 06:40:00Z
DAY = 86400.0
WEB, OUTAGE = drift("web"), outage()
HELD = Intervention(HOLD, node_target("node-a"), "ann", "firmware", TODAY)
CANCELLED = Intervention(CANCEL, vm_target(WEB.vm), "bob", "a new one is there", TODAY, outage=OUTAGE.id)
PROOF = Confirmation("event", "carl", "carl said so", TODAY, "", "")


def test_a_row_says_who_since_when_and_why_of_all_that_concerns_it() -> None:
    others = [replace(HELD, target="node/node-b"), replace(CANCELLED, outage="another")]
    fencing = Fencing(OUTAGE, "boot-1", TODAY, confirmation=PROOF)
    assert notes(record("web"), fencing, [HELD, CANCELLED, *others], TODAY) == (
        "Held by ann at 06:40:00Z: firmware.",
        "Cancelled by bob at 06:40:00Z: a new one is there.",
        "Confirmed off by carl, counted since 06:40:00Z.",
    )
    assert notes(record("db"), None, [CANCELLED], TODAY) == ()


def test_the_date_is_said_where_a_day_lies_between() -> None:
    hold = replace(HELD, until=TODAY + 2 * DAY)
    assert hold.said(TODAY + DAY) == "Held until 2026-11-26 06:40:00Z by ann at 2026-11-24 06:40:00Z: firmware."
    assert active_holds([hold], WEB, TODAY + DAY) == (hold.said(TODAY + DAY),)
    assert hold.said(TODAY) == "Held until 2026-11-26 06:40:00Z by ann at 06:40:00Z: firmware."


def test_a_node_has_what_was_asked_for_it_in_this_outage() -> None:
    taint = Intervention(TAINT, node_target("node-a"), "ann", "all of it", TODAY, outage=OUTAGE.id)
    old = replace(taint, outage="another")
    assert of_node("node-a", OUTAGE.id, [HELD, taint, old, CANCELLED], TODAY) == (HELD.said(TODAY), taint.said(TODAY))


def test_a_confirmation_that_counts_no_more_and_one_by_a_device_are_no_persons_word() -> None:
    assert confirmations(Fencing(OUTAGE, "b", TODAY, confirmation=PROOF, void="it was heard"), TODAY) == ()
    assert confirmations(Fencing(OUTAGE, "b", TODAY, confirmation=replace(PROOF, provider="redfish")), TODAY) == ()


def test_what_was_held_at_the_last_look_and_is_not_any_more_was_resumed() -> None:
    held = replace(record("web"), reason="held")
    assert resumed(held, [])
    assert not resumed(held, [HELD])
    assert not resumed(record("web"), [])
    assert not resumed(replace(held, ended_at=TODAY), [])
