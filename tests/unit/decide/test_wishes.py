"""What the owners wish: on the VM, else on its namespace, else the installation's; an unknown word does less."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from tests.unit.decide.recorded import seen, vm_of
from workers.decide.decision import Held, Judgement
from workers.decide.observation import Observation
from workers.decide.wishes import permitted, wished

_POLICY, _DETACH = "vmdrift.io/policy", "vmdrift.io/detach"


def _seen(vm: Mapping[str, str], namespace: Mapping[str, str]) -> Observation:
    observation = seen("vm-rbd")
    return replace(observation, vm=replace(vm_of(observation), annotations=vm), namespace=namespace)


def _annotations(name: str, value: str | None) -> Mapping[str, str]:
    return {} if value is None else {name: value}


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "mode"),
    [
        (None, None, "auto", "auto"),
        (None, None, "observe", "observe"),
        (None, None, "never", "never"),
        (None, "observe", "auto", "observe"),
        (None, "never", "auto", "never"),
        (None, "auto", "never", "auto"),
        ("auto", "never", "never", "auto"),
        ("observe", "auto", "auto", "observe"),
        ("never", "auto", "auto", "never"),
        ("Never", "auto", "auto", "observe"),
        ("sometimes", None, "auto", "observe"),
        ("sometimes", None, "never", "observe"),
        (None, "always", "auto", "observe"),
        ("", "never", "auto", "never"),
        ("", None, "auto", "auto"),
    ],
)
def test_the_vm_goes_before_its_namespace_and_that_before_the_setting(
    vm: str | None, namespace: str | None, setting: str, mode: str
) -> None:
    observation = _seen(_annotations(_POLICY, vm), _annotations(_POLICY, namespace))
    assert wished(observation, Policy(mode=setting)).mode == mode


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "detach"),
    [
        (None, None, "wait", "wait"),
        (None, None, "delete", "delete"),
        (None, "delete", "wait", "delete"),
        ("wait", "delete", "delete", "wait"),
        ("delete", None, "wait", "delete"),
        ("nonsense", None, "delete", "wait"),
        (None, "Delete", "delete", "wait"),
    ],
)
def test_how_volumes_are_freed_is_wished_in_the_same_way(
    vm: str | None, namespace: str | None, setting: str, detach: str
) -> None:
    observation = _seen(_annotations(_DETACH, vm), _annotations(_DETACH, namespace))
    assert wished(observation, Policy(detach=setting)).detach == detach


def test_nothing_else_of_the_policy_changes() -> None:
    policy = Policy(unreachable_window=20.0, allow_unfenced_rwx=True)
    observation = _seen({_POLICY: "never", _DETACH: "delete"}, {})
    assert wished(observation, policy) == replace(policy, mode="never", detach="delete")


def test_without_a_vm_the_installation_decides() -> None:
    assert wished(replace(seen("vm-rbd"), vm=None), Policy()) == Policy()


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "source"),
    [
        ("never", None, "auto", "vmdrift.io/policy on the VM"),
        (None, "never", "auto", "vmdrift.io/policy on its namespace"),
        ("", "never", "auto", "vmdrift.io/policy on its namespace"),
        (None, None, "never", "VMDRIFT_POLICY"),
    ],
)
def test_never_is_a_refusal_that_says_who_said_so(
    vm: str | None, namespace: str | None, setting: str, source: str
) -> None:
    observation = _seen(_annotations(_POLICY, vm), _annotations(_POLICY, namespace))
    verdict = permitted(observation, wished(observation, Policy(mode=setting)))
    assert isinstance(verdict, Judgement)
    assert verdict.reason == "policy-never"
    assert f"({source})" in verdict.sentence


@pytest.mark.parametrize(
    ("vm", "setting", "sentence"),
    [
        (None, "auto", "Policy auto (VMDRIFT_POLICY)."),
        ("observe", "auto", "Policy observe (vmdrift.io/policy on the VM)."),
        ("auto", "never", "Policy auto (vmdrift.io/policy on the VM)."),
        (
            "maybe",
            "auto",
            (
                "Policy observe (vmdrift.io/policy on the VM). "
                "vmdrift.io/policy: 'maybe' is none of auto, observe, never, so it counts as observe."
            ),
        ),
    ],
)
def test_a_policy_that_lets_it_go_on_is_told_an_unknown_word_with_it(
    vm: str | None, setting: str, sentence: str
) -> None:
    observation = _seen(_annotations(_POLICY, vm), {})
    assert permitted(observation, wished(observation, Policy(mode=setting))) == Held(sentence)


def test_an_unknown_word_for_the_detaching_is_told_too() -> None:
    observation = _seen({"vmdrift.io/detach": "Delete"}, {})
    told = permitted(observation, wished(observation, Policy())).sentence
    assert told.endswith("vmdrift.io/detach: 'Delete' is none of wait, delete, so it counts as wait.")


def test_an_unknown_word_is_shown_cut_short() -> None:
    observation = _seen({_POLICY: "x" * 10_000}, {})
    assert len(permitted(observation, wished(observation, Policy())).sentence) < 200
