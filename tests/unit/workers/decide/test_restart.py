"""Will KubeVirt start the VM again by itself? The recorded VMs, with every run strategy and without a VM."""

from dataclasses import replace

import pytest

from reactor.model.identity import INSTANCE, VmRef
from tests.unit.workers.decide.recorded import launcher, record, seen, vm_of, vmi_of
from workers.decide.decision import Judgement, Passed
from workers.decide.observation import PodView, VmiView, VmView
from workers.decide.restart import comeback, ended_before_outage

_REF, _VM, _LOST = record().drift.vm, vm_of(seen()), vmi_of(seen())


def _reason(vm: VmView, lost: VmiView | None = _LOST, ref: VmRef = _REF) -> str:
    verdict = comeback(ref, vm, lost)
    return verdict.reason if isinstance(verdict, Judgement) else ""


@pytest.mark.parametrize("lost", [_LOST, None], ids=["before the release", "after it"])
@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("Always", ""),
        ("RerunOnFailure", ""),
        ("Manual", "run-strategy"),
        ("Once", "run-strategy"),
        ("WaitAsReceiver", "run-strategy"),
        ("", "run-strategy"),
        ("Sometimes", "run-strategy"),
        ("Halted", "vm-stopped"),
    ],
)
def test_a_vm_comes_back_only_with_the_two_run_strategies_that_restart_it(
    strategy: str, reason: str, lost: VmiView | None
) -> None:
    assert _reason(replace(_VM, run_strategy=strategy), lost) == reason


@pytest.mark.parametrize(
    ("vm", "strategy"),
    [("vm-cd", "Always"), ("vm-rof", "RerunOnFailure"), ("vm-man", "Manual"), ("vm-once", "Once")],
)
def test_the_run_strategies_are_read_as_they_were_recorded(vm: str, strategy: str) -> None:
    assert vm_of(seen(vm)).run_strategy == strategy


@pytest.mark.parametrize("strategy", ["Always", "RerunOnFailure", "Manual", "Once"])
def test_a_vm_that_somebody_asked_to_stop_is_left_stopped(strategy: str) -> None:
    assert _reason(replace(_VM, run_strategy=strategy, stopping=True)) == "vm-stopped"


@pytest.mark.parametrize(
    ("strategy", "phase", "reason"),
    [
        ("RerunOnFailure", "Succeeded", "vm-stopped"),
        ("RerunOnFailure", "Failed", ""),
        ("RerunOnFailure", "Running", ""),
        ("Always", "Succeeded", ""),
        ("Always", "Failed", ""),
    ],
)
def test_a_guest_that_shut_itself_down_stays_down_only_if_its_vm_says_so(
    strategy: str, phase: str, reason: str
) -> None:
    assert _reason(replace(_VM, run_strategy=strategy), replace(_LOST, phase=phase)) == reason


@pytest.mark.parametrize(("owner", "reason"), [("", "bare-instance"), ("web", "")])
@pytest.mark.parametrize("lost", [_LOST, None], ids=["before the release", "after it"])
def test_an_instance_without_a_vm_comes_back_only_if_a_replica_set_replaces_it(
    owner: str, reason: str, lost: VmiView | None
) -> None:
    ref = VmRef("run1", "web-x1", "uid", INSTANCE, owner)
    instance = VmView("uid", "", deleting=False, template={})
    assert _reason(instance, lost, ref) == reason


def test_what_brings_it_back_is_said() -> None:
    assert comeback(_REF, _VM, _LOST) == Passed("KubeVirt starts it again: runStrategy Always.")
    unset = comeback(_REF, replace(_VM, run_strategy=""), _LOST)
    assert "runStrategy unset" in unset.sentence
    owned = comeback(VmRef("run1", "web-x1", "uid", INSTANCE, "web"), _VM, None)
    assert "VirtualMachineInstanceReplicaSet web" in owned.sentence


def test_a_vm_that_somebody_has_to_repair_first_is_not_started() -> None:
    broken = replace(_VM, recovery="ManualRecoveryRequired: look")
    assert comeback(_REF, broken, _LOST) == Judgement(
        "manual-recovery-required", "KubeVirt does not start it: ManualRecoveryRequired: look"
    )


_ONCE = replace(_VM, run_strategy="Once")
_ENDED = replace(launcher(), finished=True)


@pytest.mark.parametrize(
    ("vm", "phase", "pods", "reason"),
    [
        (_ONCE, "Succeeded", (_ENDED,), "nothing-ran"),
        (_ONCE, "Succeeded", (), "nothing-ran"),
        (_ONCE, "Failed", (_ENDED,), "nothing-ran"),
        (_ONCE, "Failed", (), ""),  # its launcher vanished: that is what makes it Failed
        (_ONCE, "Failed", (launcher(),), ""),
        (_ONCE, "Running", (launcher(),), ""),
        (_VM, "Succeeded", (_ENDED,), ""),  # KubeVirt starts it again
        (replace(_VM, run_strategy="RerunOnFailure"), "Succeeded", (_ENDED,), ""),  # told as stopped by its guest
    ],
)
def test_where_nothing_ran_nothing_was_lost(vm: VmView, phase: str, pods: tuple[PodView, ...], reason: str) -> None:
    verdict = ended_before_outage(_REF, vm, replace(_LOST, phase=phase), pods)
    assert (verdict.reason if verdict else "") == reason


def test_what_kubevirt_could_not_do_for_it_is_a_condition_of_its_start() -> None:
    verdict = comeback(_REF, replace(_VM, failure="Failure: instancetype u1 not found"), None)
    condition = "what KubeVirt says of it is over by then (Failure: instancetype u1 not found)"
    assert verdict == Passed(f"KubeVirt starts it again: runStrategy Always, if {condition}.", (condition,))
