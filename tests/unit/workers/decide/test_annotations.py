"""What annotations on a VM and its namespace ask for: less always counts, more only with leave."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from tests.unit.workers.decide.recorded import seen, vm_of
from workers.decide.annotations import fence_required, ignored_annotations, permitted, wished
from workers.decide.decision import Judgement, Passed
from workers.decide.observation import Observation

_POLICY, _DETACH, _FENCE = "vmdrift.io/policy", "vmdrift.io/detach", "vmdrift.io/require-fence"
_LEAVE = Policy(tenants_may=("policy", "detach"))


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
def test_with_leave_the_vm_goes_before_its_namespace_and_that_before_the_setting(
    vm: str | None, namespace: str | None, setting: str, mode: str
) -> None:
    observation = _seen(_annotations(_POLICY, vm), _annotations(_POLICY, namespace))
    assert wished(observation, replace(_LEAVE, mode=setting)).mode == mode


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "mode"),
    [
        (None, None, "observe", "observe"),
        (None, "auto", "never", "never"),
        ("auto", None, "observe", "observe"),
        ("auto", "never", "auto", "never"),
        ("observe", "never", "auto", "never"),
        ("never", "auto", "observe", "never"),
        ("observe", None, "auto", "observe"),
        ("sometimes", None, "auto", "observe"),
        ("sometimes", None, "never", "never"),
        ("auto", "sometimes", "auto", "observe"),
    ],
)
@pytest.mark.parametrize("may", [(), ("detach",), ("order", "detach")])
def test_without_leave_the_most_careful_of_the_three_counts(
    vm: str | None, namespace: str | None, setting: str, mode: str, may: tuple[str, ...]
) -> None:
    observation = _seen(_annotations(_POLICY, vm), _annotations(_POLICY, namespace))
    assert wished(observation, Policy(mode=setting, tenants_may=may)).mode == mode


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
def test_with_leave_how_volumes_are_freed_is_wished_in_the_same_way(
    vm: str | None, namespace: str | None, setting: str, detach: str
) -> None:
    observation = _seen(_annotations(_DETACH, vm), _annotations(_DETACH, namespace))
    assert wished(observation, replace(_LEAVE, detach=setting)).detach == detach


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "detach"),
    [
        ("delete", None, "wait", "wait"),
        (None, "delete", "wait", "wait"),
        ("delete", "wait", "delete", "wait"),
        ("wait", "delete", "delete", "wait"),
        ("delete", None, "delete", "delete"),
    ],
)
@pytest.mark.parametrize("may", [(), ("policy",)])
def test_without_leave_it_is_at_most_as_fast_as_the_setting(
    vm: str | None, namespace: str | None, setting: str, detach: str, may: tuple[str, ...]
) -> None:
    observation = _seen(_annotations(_DETACH, vm), _annotations(_DETACH, namespace))
    assert wished(observation, Policy(detach=setting, tenants_may=may)).detach == detach


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "leave", "asks"),
    [
        ("false", None, True, False, "VMDRIFT_REQUIRE_FENCE"),
        (None, "false", True, False, "VMDRIFT_REQUIRE_FENCE"),
        ("false", "true", False, False, f"{_FENCE} on its namespace"),
        ("false", None, True, True, ""),
        ("false", "true", True, True, ""),
        ("true", "false", False, False, f"{_FENCE} on the VM"),
        ("true", "false", False, True, f"{_FENCE} on the VM"),
        (None, "False", False, False, f"{_FENCE} on its namespace"),
        ("false", None, False, False, ""),
    ],
)
def test_nobody_is_spared_the_proof_without_leave(
    vm: str | None, namespace: str | None, setting: bool, leave: bool, asks: str
) -> None:
    observation = _seen(_annotations(_FENCE, vm), _annotations(_FENCE, namespace))
    policy = Policy(require_fence=setting, tenants_may=("policy",) if leave else ())
    assert fence_required(observation, policy) == asks


def test_nothing_else_of_the_policy_changes() -> None:
    policy = Policy(unreachable_window=20.0, allow_unfenced_rwx=True)
    observation = _seen({_POLICY: "never", _DETACH: "wait"}, {})
    assert wished(observation, replace(policy, detach="delete")) == replace(policy, mode="never", detach="wait")


def test_without_a_vm_the_installation_decides() -> None:
    assert wished(replace(seen("vm-rbd"), vm=None), Policy()) == Policy()


@pytest.mark.parametrize(
    ("vm", "namespace", "setting", "source"),
    [
        ("never", None, "auto", "vmdrift.io/policy on the VM"),
        (None, "never", "auto", "vmdrift.io/policy on its namespace"),
        ("", "never", "auto", "vmdrift.io/policy on its namespace"),
        ("never", "never", "never", "vmdrift.io/policy on the VM and its namespace"),
        ("auto", None, "never", "VMDRIFT_POLICY"),
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
    assert permitted(observation, wished(observation, replace(_LEAVE, mode=setting))) == Passed(sentence)


def test_an_unknown_word_for_the_detaching_is_told_too() -> None:
    observation = _seen({"vmdrift.io/detach": "Delete"}, {})
    told = permitted(observation, wished(observation, Policy())).sentence
    assert told.endswith("vmdrift.io/detach: 'Delete' is none of delete, wait, so it counts as wait.")


def test_an_unknown_word_is_shown_cut_short() -> None:
    observation = _seen({_POLICY: "x" * 10_000}, {})
    assert len(permitted(observation, wished(observation, Policy())).sentence) < 200


@pytest.mark.parametrize(
    ("vm", "namespace", "policy", "sentence"),
    [
        (
            {_POLICY: "auto"},
            {},
            Policy(mode="observe"),
            (
                "The VM's annotation vmdrift.io/policy asks for auto; VMDRIFT_POLICY is observe, and "
                "VMDRIFT_TENANTS_MAY does not list policy."
            ),
        ),
        (
            {},
            {_DETACH: "delete"},
            Policy(),
            (
                "Its namespace's annotation vmdrift.io/detach asks for delete; VMDRIFT_DETACH_POLICY is wait, and "
                "VMDRIFT_TENANTS_MAY does not list detach."
            ),
        ),
        (
            {_FENCE: "false"},
            {_FENCE: "true"},
            Policy(),
            (
                "The VM's annotation vmdrift.io/require-fence asks for false; vmdrift.io/require-fence on its "
                "namespace is true, and VMDRIFT_TENANTS_MAY does not list policy."
            ),
        ),
    ],
)
def test_what_was_asked_for_and_does_not_count_is_shown_with_the_fix(
    vm: Mapping[str, str], namespace: Mapping[str, str], policy: Policy, sentence: str
) -> None:
    observation = _seen(vm, namespace)
    assert ignored_annotations(observation, policy) == (sentence,)
    assert permitted(observation, wished(observation, policy)).sentence.endswith(f" {sentence}")
    assert ignored_annotations(observation, replace(policy, tenants_may=_LEAVE.tenants_may)) == ()


def test_who_asks_for_what_counts_anyway_or_for_less_is_not_told_anything() -> None:
    observation = _seen({_POLICY: "auto", _DETACH: "wait", _FENCE: "true"}, {_POLICY: "auto"})
    assert ignored_annotations(observation, Policy(detach="delete")) == ()


def test_a_refusal_says_which_wish_did_not_count() -> None:
    observation = _seen({_POLICY: "auto"}, {_POLICY: "never"})
    told = permitted(observation, wished(observation, Policy())).sentence
    assert told.startswith("Policy never: this VM is not to be moved (vmdrift.io/policy on its namespace). ")
    assert "The VM's annotation vmdrift.io/policy asks for auto" in told
