"""A drift's record: what is written is read again, and what cannot be read is derived anew."""

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest

from reactor.model.drift import Check, OutageRecord, Phase, Record, Signs
from reactor.model.errors import BadInput
from reactor.model.identity import INSTANCE, Drift, NodeRef, Outage, VmRef

_OUTAGE = Outage(NodeRef("node-a", "uid-a"), 100)
_FIRST = Record(
    Drift(VmRef("shop", "db", "uid-db"), _OUTAGE), Phase.WAITING, "unreachable-window", "It waits.", 1.0, 1.0
)
_FULL = replace(
    _FIRST,
    drift=Drift(VmRef("shop", "web-x", "uid-x", INSTANCE, "web"), _OUTAGE),
    phase=Phase.COMPLETED,
    again_at=5.0,
    vmi_uid="uid-x",
    released_at=2.0,
    detached_at=3.0,
    ended_at=4.0,
    target="node-b",
    tries=3,
    passes=7,
    fence=9,
    checks=(
        Check("node", held=True, reason="", sentence="Lost."),
        Check("hold", held=False, reason="held", sentence="No."),
    ),
    signs=Signs("then", "before", 1.5, "kubelet"),
    unsteady_at=1.7,
    hotplugs=("scratch", "extra"),
)


def _through_redis(record: Record) -> Record:
    return Record.of(orjson.loads(orjson.dumps(record.kept())))


@pytest.mark.parametrize(
    "record", [_FIRST, _FULL, replace(_FIRST, signs=Signs("", "", 0.0)), replace(_FIRST, hotplugs=("a",))]
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert _through_redis(record) == record


@pytest.mark.parametrize("record", [_FIRST, _FULL])
def test_all_of_a_record_is_told_though_less_is_kept(record: Record) -> None:
    assert Record.of(json.loads(json.dumps(record.as_json()))) == record
    assert orjson.loads(orjson.dumps(record.kept())).items() <= json.loads(json.dumps(record.as_json())).items()


def test_of_a_new_record_nothing_is_kept_that_says_nothing() -> None:
    kept = {"v", "drift", "phase", "reason", "sentence", "created_at", "changed_at"}
    assert _FIRST.kept().keys() == kept | {"checks"}  # which the version before this one wants


def test_a_record_of_before_there_were_signs_of_life_is_read_without_them() -> None:
    data = _FULL.as_json()
    for name in ("signs", "unsteady_at", "hotplugs"):
        del data[name]
    assert Record.of(data) == replace(_FULL, signs=None, unsteady_at=None, hotplugs=())


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"drift": None},
        {"phase": "dancing"},
        {"checks": [{"name": "node"}]},
        {"checks": None},
        {"signs": {"lease": "then"}},
        {"signs": {"lease": "then", "heartbeat": "before", "since": 1.0, "mood": "good"}},
        {"signs": ["then"]},
        {"hotplugs": 5},
        {"later": 1},
    ],
)
def test_a_record_of_another_shape_is_bad_input(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="record"):
        Record.of({**_FULL.as_json(), **change})


def test_the_same_reason_again_is_another_try_and_another_reason_a_change() -> None:
    same = _FIRST.moved(9.0, Phase.WAITING, "unreachable-window", "Still.", 10.0)
    assert (same.tries, same.passes, same.changed_at, same.again_at) == (1, 1, 1.0, 10.0)
    other = same.moved(9.0, Phase.WAITING, "watching-for-life", "Watching.", 10.0)
    assert (other.tries, other.passes, other.changed_at, other.ended_at) == (0, 2, 9.0, None)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_record_has_an_end_only_in_the_four_last_phases(phase: Phase) -> None:
    ended = phase in {Phase.COMPLETED, Phase.REFUSED, Phase.CANCELLED, Phase.FAILED}
    assert _FIRST.moved(9.0, phase, "why", "So.", None).ended_at == (9.0 if ended else None)


def test_what_was_learned_outlives_a_pass_that_could_not_look() -> None:
    moved = _FULL.moved(9.0, Phase.BLOCKED, "api-unavailable", "Away.", 10.0)
    assert (moved.signs, moved.unsteady_at, moved.hotplugs) == (_FULL.signs, 1.7, ("scratch", "extra"))


@pytest.mark.parametrize("recovered_at", [None, 8.0])
def test_an_outage_is_read_as_it_was_written(recovered_at: float | None) -> None:
    record = OutageRecord(_OUTAGE, 2.0, recovered_at)
    assert OutageRecord.of(json.loads(json.dumps(record.as_json()))) == record


def test_what_a_clock_noted_before_it_was_set_back_counts_as_now() -> None:
    assert _FULL.seen_by(3.0) == _FULL  # nothing of it lies in the future
    before = replace(_FULL, looked_at=3.5)
    seen = before.seen_by(1.8)
    assert (seen.released_at, seen.detached_at, seen.unsteady_at, seen.noticed_at) == (1.8, 1.8, 1.7, None)
    assert seen.looked_at == 3.5
    assert _FULL.seen_by(0.5).noticed_at == 0.5
