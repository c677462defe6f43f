"""Will KubeVirt start the VM again by itself once its launcher pod is gone?"""

from reactor.model.identity import VmRef
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import VmiView, VmView

# kubevirt PR 10961: these two replace a failed instance; Manual, Once, Halted, WaitAsReceiver do not.
_COMES_BACK = frozenset({"Always", "RerunOnFailure"})


def comeback(ref: VmRef, vm: VmView, lost: VmiView | None) -> Verdict:
    """By its run strategy, or by the ReplicaSet that owns it. `lost` is the lost instance, while it exists."""
    if ref.is_instance:
        return _instance(ref)
    if vm.stopping or vm.run_strategy == "Halted":
        return Judgement("vm-stopped", "Somebody stopped the VM; it is not to run anywhere.")
    if lost and lost.phase == "Succeeded" and vm.run_strategy == "RerunOnFailure":
        return Judgement("vm-stopped", "The guest shut itself down; with runStrategy RerunOnFailure it stays so.")
    if vm.run_strategy in _COMES_BACK:
        return Held(f"KubeVirt starts it again: runStrategy {vm.run_strategy}.")
    return Judgement("run-strategy", f"KubeVirt does not start it again: runStrategy {vm.run_strategy or 'unset'}.")


def _instance(ref: VmRef) -> Verdict:
    if ref.owner:
        return Held(f"VirtualMachineInstanceReplicaSet {ref.owner} replaces it, under another name.")
    return Judgement(
        "bare-instance", "It is a VirtualMachineInstance without a VirtualMachine: nobody starts it again."
    )
