"""What others hear when a drift moves on."""

from dataclasses import replace

import pytest

from reactor.adapters.cloudevents import decode, encode
from reactor.model.drift import Phase, Record
from reactor.model.event import Event, worker_source
from reactor.model.recovery import stages
from tests.support.schemas import check
from tests.unit.workers.decide.recorded import SINCE, record
from workers.delivery.events import step_events

_SOURCE = worker_source("kube-system-uid")
_WAITING = record()
_BLOCKED = record(phase=Phase.BLOCKED, reason="not-terminating", sentence="It is not Terminating.")
_RELEASED = record(phase=Phase.RELEASED, reason="force-deleted", released_at=SINCE + 301.0)
_STARTING = replace(_RELEASED, phase=Phase.STARTING, reason="waiting-for-running", detached_at=SINCE + 302.0)


def _told(before: Record | None, after: Record) -> list[Event]:
    return step_events(before, after, _SOURCE, SINCE + 400.0)


def _kinds(before: Record | None, after: Record) -> list[str]:
    return [event.type.removeprefix("io.vmdrift.vm.drift.") for event in _told(before, after)]


def test_a_new_record_is_told_as_scheduled() -> None:
    assert _kinds(None, _WAITING) == ["scheduled"]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.is_end])
def test_each_end_is_told_by_its_name(phase: Phase) -> None:
    assert _kinds(_STARTING, replace(_STARTING, phase=phase)) == [phase.value]


def test_every_new_reason_to_be_blocked_is_told_once() -> None:
    assert _kinds(_WAITING, _BLOCKED) == ["blocked"]
    assert _kinds(_BLOCKED, replace(_BLOCKED, sentence="It still is not.", tries=3)) == []
    assert _kinds(_BLOCKED, replace(_BLOCKED, reason="api-unavailable")) == ["blocked"]


@pytest.mark.parametrize("before", [_WAITING, _BLOCKED])
def test_the_release_is_told_once(before: Record) -> None:
    assert _kinds(before, _RELEASED) == ["released"]
    assert _kinds(_RELEASED, replace(_RELEASED, phase=Phase.DETACHING, reason="detach-window")) == []


def test_the_detachment_is_told_once() -> None:
    assert _kinds(_RELEASED, _STARTING) == ["detached"]
    assert _kinds(_STARTING, replace(_STARTING, reason="waiting-for-volume")) == []


def test_a_pass_that_finds_everything_done_tells_every_step() -> None:
    done = replace(_STARTING, phase=Phase.COMPLETED, reason="running-elsewhere")
    assert _kinds(_WAITING, done) == ["released", "detached", "completed"]


def test_waiting_is_not_told_again() -> None:
    assert _kinds(_WAITING, replace(_WAITING, passes=2, tries=2)) == []


def test_the_same_step_taken_again_has_the_same_id_and_another_step_another() -> None:
    ids = [
        event.id
        for before, after in [(None, _WAITING), (_WAITING, _BLOCKED), (_BLOCKED, _RELEASED), (_RELEASED, _STARTING)]
        for event in _told(before, after)
    ]
    assert len(set(ids)) == 4
    assert [event.id for event in step_events(_BLOCKED, _RELEASED, _SOURCE, 0.0)] == [ids[2]]


def test_each_reason_to_be_blocked_has_an_id_of_its_own() -> None:
    (first,), (second,) = _told(_WAITING, _BLOCKED), _told(_BLOCKED, replace(_BLOCKED, reason="held"))
    assert first.id != second.id


def test_an_event_says_which_vm_which_node_why_where_to_and_how_long_it_took() -> None:
    done = replace(
        _STARTING, phase=Phase.COMPLETED, reason="running-elsewhere", target="node-f", ended_at=SINCE + 400.0
    )
    (event,) = _told(_STARTING, done)
    assert (event.source, event.subject, event.time) == (_SOURCE, "run1/vm-cd", SINCE + 400.0)
    assert event.data == {
        "drift": _WAITING.drift.id,
        "outage": _WAITING.drift.outage.id,
        "vm": "run1/vm-cd",
        "node": "node-a",
        "phase": "completed",
        "reason": "running-elsewhere",
        "sentence": "It waits.",
        "target": "node-f",
        "proof": "none",
        "stages": {
            "noticing": _WAITING.created_at - SINCE,
            "waiting": SINCE + 301.0 - _WAITING.created_at,
            "detaching": 1.0,
            "starting": 98.0,
            "total": 400.0,
        },
    }
    assert decode(encode(event)) == event
    check(encode(event))


def test_the_stages_of_a_drift_that_ends_well_add_up() -> None:
    done = replace(_STARTING, phase=Phase.COMPLETED, ended_at=SINCE + 400.0)
    *parts, total = stages(done, SINCE + 400.0).values()
    assert sum(parts) == total


@pytest.mark.parametrize(
    ("at", "names"),
    [
        (_WAITING, ["noticing", "total"]),
        (_RELEASED, ["noticing", "waiting", "total"]),
        (_STARTING, ["noticing", "waiting", "detaching", "total"]),
        (replace(_STARTING, phase=Phase.FAILED, ended_at=SINCE + 9.0), ["noticing", "waiting", "detaching", "total"]),
        (replace(_WAITING, phase=Phase.REFUSED, ended_at=SINCE + 9.0), ["noticing", "total"]),
    ],
)
def test_a_stage_is_told_once_it_is_over(at: Record, names: list[str]) -> None:
    assert list(stages(at, SINCE + 400.0)) == names


def test_a_pod_that_was_gone_before_we_looked_took_no_time() -> None:
    found = replace(_RELEASED, created_at=SINCE + 310.0)
    assert stages(found, SINCE + 310.0) == {"noticing": 310.0, "waiting": 0.0, "total": 310.0}
