"""Does a VM run again, will it, or does it stay down; for how long it has; and how its forecast fared."""

from dataclasses import replace

import pytest

from reactor.model.drift import Check, Phase, Record
from reactor.model.forecast import Forecast
from reactor.model.outlook import Outlook, down, forecast_result, forecast_sentence, needs_somebody, outlook, why
from reactor.model.recovery import amounts, forecasts
from tests.unit.workers.decide.recorded import SINCE, record

NOW = SINCE + 500.0


def a(phase: Phase, reason: str, ended: float | None = None, *checks: Check) -> Record:
    """A record in this phase; `ended`: how long after the loss."""
    ended_at = None if ended is None else SINCE + ended
    return replace(record(phase=phase), reason=reason, ended_at=ended_at, again_at=None, checks=checks)


def check(name: str, reason: str = "") -> Check:
    return Check(name, held=not reason, reason=reason, sentence="It is so.")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            a(Phase.WAITING, "unreachable-window", None, check("node"), check("window", "unreachable-window")),
            "undecided",
        ),
        (a(Phase.WAITING, "watching-for-life", None, check("placement"), check("storage")), "moves"),
        (
            a(Phase.WAITING, "watching-for-life", None, check("placement"), check("storage", "node-local-volume")),
            "stays",
        ),
        (a(Phase.WAITING, "eviction-due", None, check("placement"), check("launcher", "eviction-due")), "moves"),
        (a(Phase.WAITING, "unreachable-window", None, check("storage", "a code of tomorrow")), "stays"),
        (a(Phase.RELEASED, "force-deleted"), "moving"),
        (a(Phase.DETACHING, "detach-window"), "moving"),
        (a(Phase.DETACHING, "still-attached"), "stays"),
        (a(Phase.STARTING, "unschedulable"), "stays"),
        (a(Phase.BLOCKED, "held"), "held"),
        (a(Phase.BLOCKED, "no-node-fits"), "stays"),
        (a(Phase.BLOCKED, "kubelet-alive"), "alive"),
        (a(Phase.BLOCKED, "changed-underway"), "moves"),
        (a(Phase.BLOCKED, "api-unavailable"), "undecided"),
        (replace(a(Phase.BLOCKED, "api-unavailable"), released_at=SINCE + 300.0), "moving"),
        (replace(a(Phase.BLOCKED, "claim-used-by-pod"), released_at=SINCE + 300.0), "stays"),
        (a(Phase.REFUSED, "pinned-to-node"), "stays"),
        (a(Phase.REFUSED, "pinned-to-node", 400.0), "back"),  # its node is back: that is what it waited for
        (a(Phase.REFUSED, "run-strategy", 400.0), "stays"),  # and there nobody starts this one
        (a(Phase.FAILED, "start-deadline", 400.0), "stays"),
        (a(Phase.CANCELLED, "node-returned", 400.0), "back"),
        (a(Phase.CANCELLED, "cancelled-by-hand", 400.0), "stays"),
        (a(Phase.CANCELLED, "vm-stopped", 400.0), "unwanted"),
        (a(Phase.COMPLETED, "running-elsewhere", 400.0), "back"),
    ],
)
def test_what_becomes_of_a_vm_is_more_than_its_phase(one: Record, expected: str) -> None:
    assert outlook(one) is Outlook(expected)


def test_what_was_foreseen_counts_until_the_vm_is_judged() -> None:
    stays = Forecast(SINCE, moves=False, reason="run-strategy", sentence="Manual.")
    waits = replace(a(Phase.WAITING, "unreachable-window"), forecast=stays)
    assert (outlook(waits), why(waits)) == (Outlook.STAYS, ("run-strategy", "Manual."))
    assert needs_somebody(waits)
    judged = replace(waits, checks=(check("placement"), check("comeback")))
    assert (outlook(judged), why(judged)[0]) == (Outlook.MOVES, "unreachable-window")
    blocked = replace(waits, phase=Phase.BLOCKED, reason="kubelet-alive")
    assert (outlook(blocked), why(blocked)[0]) == (Outlook.ALIVE, "kubelet-alive")


def test_somebody_is_needed_where_advice_exists() -> None:
    assert needs_somebody(a(Phase.REFUSED, "pinned-to-node"))
    assert needs_somebody(a(Phase.BLOCKED, "api-unavailable"))
    assert not needs_somebody(a(Phase.BLOCKED, "could-be-put-back"))
    assert not needs_somebody(a(Phase.WAITING, "unreachable-window"))


@pytest.mark.parametrize(
    ("one", "seconds", "not_back"),
    [
        (a(Phase.COMPLETED, "running-elsewhere", 400.0), 400.0, False),
        (a(Phase.REFUSED, "pinned-to-node", 450.0), 450.0, False),
        (replace(a(Phase.REFUSED, "pinned-to-node"), again_at=NOW), 500.0, False),  # it goes on being looked at
        (a(Phase.CANCELLED, "cancelled-by-hand", 60.0), 500.0, True),
        (a(Phase.FAILED, "start-deadline", 60.0), 500.0, True),
        (a(Phase.BLOCKED, "held"), 500.0, False),
    ],
)
def test_a_vm_is_down_until_it_runs_again_whatever_became_of_its_drift(
    one: Record, seconds: float, *, not_back: bool
) -> None:
    assert (down(one, NOW).seconds, down(one, NOW).not_back) == (seconds, not_back)


MOVES = Forecast(SINCE + 300.0, moves=True, reason="force-deleted", sentence="Deleted.", due=SINCE + 390.0)
STAYS = Forecast(SINCE + 300.0, moves=False, reason="pinned-to-node", sentence="Only there.")


@pytest.mark.parametrize(
    ("foreseen", "end", "result"),
    [
        (MOVES, a(Phase.COMPLETED, "running-elsewhere", 390.0), "kept"),
        (MOVES, a(Phase.COMPLETED, "running-elsewhere", 391.0), "missed"),
        (MOVES, a(Phase.FAILED, "start-deadline", 391.0), "missed"),
        (MOVES, a(Phase.COMPLETED, "returned-node", 391.0), "overtaken"),
        (MOVES, a(Phase.CANCELLED, "cancelled-by-hand", 391.0), "overtaken"),
        (MOVES, a(Phase.STARTING, "waiting-for-running"), ""),
        (STAYS, a(Phase.REFUSED, "pinned-to-node", 900.0), "kept"),
        (STAYS, a(Phase.COMPLETED, "running-elsewhere", 900.0), "missed"),
        (None, a(Phase.COMPLETED, "running-elsewhere", 900.0), ""),
    ],
)
def test_a_forecast_is_compared_with_the_end_and_counted_once(
    foreseen: Forecast | None, end: Record, result: str
) -> None:
    one = replace(end, forecast=foreseen)
    assert forecast_result(one) == result
    assert {name for name, number in forecasts(amounts(one)).items() if number} == ({result} - {""})


def test_people_read_what_was_foreseen_and_how_it_came() -> None:
    came = replace(a(Phase.COMPLETED, "running-elsewhere", 400.0), forecast=MOVES, target="node-b")
    assert forecast_sentence(came).endswith("Missed: it ran on node-b after 6 min 40 s, 10 s later than foreseen.")
    stays = replace(a(Phase.REFUSED, "pinned-to-node", 900.0), forecast=STAYS)
    assert "it stays down (pinned-to-node). Kept: it did not move (pinned-to-node)." in forecast_sentence(stays)
    assert forecast_sentence(record()) == ""


def test_a_forecast_is_read_as_it_was_written_and_a_record_without_one_too() -> None:
    one = replace(record(), forecast=MOVES)
    assert Record.of(one.as_json()) == one
    assert Record.of({name: value for name, value in one.as_json().items() if name != "forecast"}).forecast is None
