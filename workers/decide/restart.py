"""Will KubeVirt start the VM again by itself once its launcher pod is gone?"""

from collections.abc import Sequence

from reactor.model.identity import VmRef
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import PodView, VmiView, VmView

# kubevirt PR 10961: these two replace a failed instance; Manual, Once, Halted, WaitAsReceiver do not.
_RESTARTED = frozenset({"Always", "RerunOnFailure"})
FINISHED = frozenset({"Succeeded", "Failed"})


def comeback(ref: VmRef, vm: VmView, lost: VmiView | None) -> Verdict:
    """By its run strategy, or by the ReplicaSet that owns it. `lost` is the lost instance, while it exists."""
    if ref.is_instance:
        return _instance(ref)
    if vm.stopping or vm.run_strategy == "Halted":
        return Judgement("vm-stopped", "Somebody stopped the VM; it is not to run anywhere.")
    if lost and lost.phase == "Succeeded" and vm.run_strategy == "RerunOnFailure":
        return Judgement("vm-stopped", "The guest shut itself down; with runStrategy RerunOnFailure it stays so.")
    if vm.recovery:
        return Judgement("manual-recovery-required", f"KubeVirt does not start it: {vm.recovery}")
    if vm.run_strategy in _RESTARTED:
        return _starts(vm)
    return Judgement("run-strategy", f"KubeVirt does not start it again: runStrategy {vm.run_strategy or 'unset'}.")


def _starts(vm: VmView) -> Passed:
    """What KubeVirt failed at may also keep it from starting the VM, such as an instance type that is gone."""
    sentence = f"KubeVirt starts it again: runStrategy {vm.run_strategy}"
    if not vm.failure:
        return Passed(f"{sentence}.")
    condition = f"what KubeVirt says of it is over by then ({vm.failure})"
    return Passed(f"{sentence}, if {condition}.", (condition,))


def deleted(ref: VmRef, vm: VmView | None) -> Judgement | None:
    """Is this VM gone? One that was created under its name since is another."""
    if vm is not None and vm.uid == ref.uid and not vm.deleting:
        return None
    if ref.is_instance:
        return Judgement("vm-deleted", f"Instance {ref} is gone, or a VirtualMachine has adopted it.")
    return Judgement("vm-deleted", f"VM {ref} was deleted.")


def ended_before_outage(
    ref: VmRef, vm: VmView | None, lost: VmiView | None, pods: Sequence[PodView]
) -> Judgement | None:
    """Had it ended by itself before its node was lost? `pods`: its launchers there. One that vanished failed, too."""
    if vm is None or lost is None:
        return None
    verdict = comeback(ref, vm, lost)
    if isinstance(verdict, Passed) or verdict.reason == "vm-stopped":
        return None
    failed = lost.phase == "Failed" and bool(pods) and all(pod.finished for pod in pods)
    if lost.phase != "Succeeded" and not failed:
        return None
    return Judgement("nothing-ran", f"Nothing of it ran on the lost node: its instance is {lost.phase}.")


def _instance(ref: VmRef) -> Verdict:
    if ref.owner:
        return Passed(f"VirtualMachineInstanceReplicaSet {ref.owner} replaces it, under another name.")
    return Judgement(
        "bare-instance", "It is a VirtualMachineInstance without a VirtualMachine: nobody starts it again."
    )
