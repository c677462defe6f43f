"""During the six minutes: is there a reason to look at everything? On recorded objects."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from tests.unit.workers.decide.recorded import POWER_CUT, RELEASED, node_of, record, seen, vm_of
from workers.decide.observation import Observation
from workers.decide.quick_look import undisturbed

_GONE = POWER_CUT + 544.3  # when the launchers were force-deleted
_LEFT = seen("vm-rbd", RELEASED)
_SEEN = Observation(_LEFT.node, _LEFT.vm, None)
_WAITING = record("vm-rbd", phase=Phase.DETACHING, reason="detach-window", released_at=_GONE)


@pytest.mark.parametrize(("after", "again"), [(60.0, 120.0), (310.0, 362.0), (359.9, 362.0)])
def test_where_nothing_has_happened_there_is_nothing_to_do_but_wait(after: float, again: float) -> None:
    assert undisturbed(_SEEN, _WAITING, Policy(), _GONE + after) == _GONE + again


@pytest.mark.parametrize("after", [360.0, 400.0])
def test_at_the_end_of_the_six_minutes_everything_is_looked_at(after: float) -> None:
    assert undisturbed(_SEEN, _WAITING, Policy(), _GONE + after) is None


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "another"},
        {"deleting": True},
        {"stopping": True},
        {"run_strategy": "Halted"},
        {"ready": True},
        {"hotplugs": True},
        {"annotations": {"vmdrift.io/detach": "delete"}},
    ],
    ids=["another", "deleted", "stopped", "halted", "up again", "hotplugged", "delete asked for"],
)
def test_a_vm_with_news_is_looked_at(change: dict[str, Any]) -> None:
    assert undisturbed(replace(_SEEN, vm=replace(vm_of(_LEFT), **change)), _WAITING, Policy(), _GONE + 60.0) is None


@pytest.mark.parametrize("change", [{"ready": "True"}, {"uid": "another"}, None], ids=["back", "replaced", "deleted"])
def test_a_node_with_news_is_a_reason_to_look(change: dict[str, Any] | None) -> None:
    node = None if change is None else replace(node_of(_LEFT), **change)
    assert undisturbed(replace(_SEEN, node=node), _WAITING, Policy(), _GONE + 60.0) is None


def test_a_vm_that_is_gone_is_a_reason_to_look() -> None:
    assert undisturbed(replace(_SEEN, vm=None), _WAITING, Policy(), _GONE + 60.0) is None


def test_the_namespaces_and_the_installations_wish_count_too() -> None:
    asked = replace(_SEEN, namespace={"vmdrift.io/detach": "delete"})
    assert undisturbed(asked, _WAITING, Policy(), _GONE + 60.0) is None
    assert undisturbed(_SEEN, _WAITING, Policy(detach="delete"), _GONE + 60.0) is None


def test_a_release_of_which_the_time_is_not_known_is_a_reason_to_look() -> None:
    assert undisturbed(_SEEN, replace(_WAITING, released_at=None), Policy(), _GONE + 60.0) is None
