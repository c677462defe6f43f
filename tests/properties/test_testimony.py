"""Witnesses in random worlds: two are needed, one that lies is never enough, and two that lie are counted."""

from dataclasses import replace

import pytest

from reactor.settings import Settings
from tests.properties.life import Life
from tests.properties.testimony import LIES
from tests.properties.vms import ELIGIBLE, WITNESSES

LOST = "node-a"
SEED = 6 + 2 * 8  # watchers suspect nodes, and are witnesses; none lies from the beginning
SOON = 120.0  # seconds; without witnesses a fence takes three minutes


def _life() -> Life:
    """The ports of all nodes were tried."""
    life = Life(
        [vm for vm in ELIGIBLE if vm.name == "web"], SEED, replace(Settings().to_policy(), fencing=("redfish",))
    )
    life.live(200)
    return life


def _lives_on(life: Life) -> None:
    """Whatever tells Kubernetes of it is dead; the machine answers who asks."""
    life.hypervisor.stop_kubelet(LOST)
    life.handler_dies(LOST)


def _stopped(life: Life) -> tuple[int, int, int]:
    """How many machines were: in all, on witnesses' word, and on that of two that lied."""
    return len(life.harm.stops), life.testimony.early, life.testimony.two_lied


def test_two_witnesses_have_a_node_fenced_early() -> None:
    life = _life()
    life.lose(LOST, "cut_network")
    life.live(SOON)
    assert _stopped(life) == (1, 1, 0)


@pytest.mark.parametrize("how", sorted(LIES))
def test_one_that_lies_has_no_machine_stopped_that_answers_the_other(how: str) -> None:
    life = _life()
    life.witness_lies(WITNESSES[0], how)
    _lives_on(life)
    life.live(SOON)
    assert _stopped(life) == (0, 0, 0)


@pytest.mark.parametrize(
    ("how", "early"), [("life", 0), ("clock ahead", 0), ("clock far ahead", 0), ("clock behind", 1), ("no route", 1)]
)
def test_beside_one_that_lies_a_dead_way_is_seen_unless_the_lie_is_no_silence_of_now(how: str, early: int) -> None:
    life = _life()
    life.witness_lies(WITNESSES[0], how)
    life.lose(LOST, "cut_network")
    life.live(SOON)
    assert _stopped(life) == (early, early, 0)


def test_two_that_lie_are_outside_of_the_promise_and_counted() -> None:
    life = _life()
    for witness in WITNESSES:
        life.witness_lies(witness, "no route")
    _lives_on(life)
    life.live(SOON)
    assert _stopped(life) == (1, 1, 1)


def test_a_stop_on_the_word_of_one_is_wrong() -> None:
    life = _life()
    life.kill("watcher-1", 900.0)
    life.lose(LOST, "cut_network")
    life.live(70)
    life.hypervisor.power_cut(LOST, by="redfish")
    assert any(f"only ['{WITNESSES[0]}'] heard nothing of it" in why for why in life.judge.wrong)


def test_a_stop_of_a_machine_that_answered_a_witness_is_wrong() -> None:
    life = _life()
    life.witness_lies(WITNESSES[0], "life")
    life.lose(LOST, "cut_network")
    life.live(70)
    life.hypervisor.power_cut(LOST, by="redfish")
    assert any(f"it answered the witness on {WITNESSES[0]}" in why for why in life.judge.wrong)
