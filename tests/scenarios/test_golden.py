"""Every golden scenario goes as it is written down, and together they cover what the product knows."""

import re
from dataclasses import fields

import pytest

from reactor.model.drift import Policy
from reactor.model.reason import REASONS
from reactor.settings import Settings, env_name
from simulator.vms import Kind, Storage
from tests.scenarios.golden import Scenario, difference, files, load, play, rewritten
from tests.support.chance import every_other
from tests.support.places import ROOT

_SCENARIOS = load()


@pytest.mark.parametrize("scenario", every_other(_SCENARIOS.values(), _SCENARIOS.keys()))
def test_a_scenario_goes_as_it_is_written_down(scenario: Scenario) -> None:
    found = difference(scenario)
    assert not found, f"\n{found}\nIf this is how it should be: make scenarios ARGS=--write"


def test_every_reason_is_somewhere_among_them() -> None:
    told = {word for scenario in _SCENARIOS.values() for word in re.findall(r"\b([a-z-]+): ", scenario.log)}
    assert set(REASONS) - told == set()


def test_the_readme_says_how_many_there_are() -> None:
    assert f"in {len(_SCENARIOS)} situations" in (ROOT / "README.md").read_text()


def test_every_kind_of_storage_and_every_kind_of_vm_is_among_them() -> None:
    vms = [vm for scenario in _SCENARIOS.values() for vm in scenario.scene.vms]
    assert {vm.storage for vm in vms} == set(Storage)
    assert {vm.kind for vm in vms} == set(Kind)


def test_every_setting_that_decisions_depend_on_is_among_them() -> None:
    names = {"mode": "policy"}
    asked = {names.get(row.name, row.name) for row in fields(Policy)}
    wanted = {env_name(row) for row in fields(Settings) if row.name in asked}
    assert len(wanted) == len(asked)
    assert wanted == {name for scenario in _SCENARIOS.values() for name in scenario.policy}


def test_each_scenario_says_why_it_is_there() -> None:
    assert all(scenario.why.endswith(".") for scenario in _SCENARIOS.values())
    assert len(_SCENARIOS) >= 60


def test_a_scenario_goes_the_same_way_each_time() -> None:
    scenario = _SCENARIOS["launchers of many VMs"]
    assert play(scenario) == play(scenario)


def test_rewriting_changes_nothing_but_the_logs() -> None:
    logs = {name: scenario.log for name, scenario in _SCENARIOS.items()}
    for file in files():
        assert rewritten(file.read_text(), logs) == file.read_text()
    other = rewritten(file.read_text(), dict.fromkeys(logs, "T+0 another story\n"))
    assert "T+52" not in other
    assert rewritten(other, logs) == file.read_text()
