"""The node is back, or another one has its name: does the VM run again, and if not, what does it lack? Pure.

A node that is Ready says nothing of its VMs: a kubelet may fail to end a launcher for ever (kubernetes issue 122960).
"""

from collections.abc import Sequence

from reactor.model.drift import Record
from workers.decide.case import Case
from workers.decide.decision import Judgement
from workers.decide.node import BACK
from workers.decide.observation import Observation, PodView, VmiView
from workers.decide.restart import FINISHED, comeback, deleted

_TAKES = 120.0  # seconds for a kubelet that is back and for KubeVirt to start what runs there
_LOOK = 5.0  # seconds between two checks of what was refused meanwhile


def back(objection: Judgement, case: Case, lost_pods: Sequence[PodView]) -> Judgement:
    """`objection` is what speaks against a release. `lost_pods`: the old launcher pods on the node."""
    observation, record = case.seen, case.record
    if objection.reason not in BACK or (observation.node and observation.node.outage):
        return objection  # lost again under another uid, it is an outage of its own
    if vm_deleted := deleted(case.drift.vm, observation.vm):
        return vm_deleted
    if runs(observation, record):
        # What was refused stays that: the node's return was what it waited for.
        return Judgement(record.reason, record.sentence) if record.phase.is_end else objection
    return _stays_down(case) or _not_running(objection, case, lost_pods)


def runs(observation: Observation, record: Record) -> bool:
    """Does the instance really run, by kubelet and virt-handler? What they reported before does not count."""
    if observation.vm and observation.vm.replicas and observation.vm.replicas[1] >= observation.vm.replicas[0]:
        return True
    vmi = observation.vmi
    if vmi is None or vmi.phase != "Running":
        return False
    pods = (pod for pod in observation.launchers if (pod.vmi_uid, pod.node, pod.hotplug) == (vmi.uid, vmi.node, False))
    has_pod = any(not pod.terminating for pod in pods)
    return has_pod and ("no Ready" not in vmi.conditions or "Paused" in vmi.conditions or vmi.uid != record.vmi_uid)


def _stays_down(case: Case) -> Judgement | None:
    """Nobody starts it again by itself, and it does not run any more."""
    observation = case.seen
    ended = observation.vmi is None or observation.vmi.phase in FINISHED
    verdict = comeback(case.drift.vm, observation.vm, None) if observation.vm else None
    stays_down = isinstance(verdict, Judgement) and (ended or verdict.reason == "vm-stopped")
    return verdict if stays_down and isinstance(verdict, Judgement) else None


def _not_running(objection: Judgement, case: Case, lost_pods: Sequence[PodView]) -> Judgement:
    """Kubernetes and KubeVirt get their time; then a person has to look."""
    record, now = case.record, case.now
    sentence = (
        f"{objection.sentence} The VM does not run yet: {_missing(case.seen.vmi, case.seen.launchers, lost_pods)}"
    )
    if record.reason == "not-running-again" or now >= _back_since(case) + _TAKES:
        return Judgement("not-running-again", sentence)
    if record.phase.is_end:
        return Judgement(record.reason, record.sentence, again_at=now + _LOOK)
    return Judgement("returning", sentence)


def _back_since(case: Case) -> float:
    """When we saw that it is back; of what stays refused meanwhile only the kubelet's own clock shows it."""
    node, record = case.seen.node, case.record
    if record.reason == "returning":
        return record.changed_at
    return node.ready_since if node and record.phase.is_end else case.now


def _missing(vmi: VmiView | None, pods: Sequence[PodView], lost_pods: Sequence[PodView]) -> str:
    if terminating := [pod for pod in lost_pods if pod.terminating]:
        finalizers = f", kept by finalizer {', '.join(terminating[0].finalizers)}" if terminating[0].finalizers else ""
        return f"launcher pod {terminating[0].name} is still Terminating there{finalizers}."
    if vmi is None:
        return "KubeVirt has not created its new instance."
    pending = next((pod.pending for pod in pods if pod.vmi_uid == vmi.uid and pod.pending), "")
    where = f" on {vmi.node}" if vmi.node else ""
    not_ready = ", but not Ready" if vmi.phase == "Running" else ""
    return f"its instance is {vmi.phase or 'new'}{where}{not_ready}{f' ({pending[:300]})' if pending else ''}."
