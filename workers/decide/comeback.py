"""Will KubeVirt start the VM again by itself once its launcher pod is gone?"""

from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import VmView

# kubevirt PR 10961: these two replace a failed instance; Manual, Once, Halted, WaitAsReceiver do not.
_COMES_BACK = frozenset({"Always", "RerunOnFailure"})


def comeback(vm: VmView) -> Verdict:
    """By its run strategy."""
    if vm.run_strategy in _COMES_BACK:
        return Held(f"KubeVirt starts it again: runStrategy {vm.run_strategy}.")
    return Judgement("run-strategy", f"KubeVirt does not start it again: runStrategy {vm.run_strategy or 'unset'}.")
