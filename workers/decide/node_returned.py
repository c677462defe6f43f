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
_LOOK = 5.0  # seconds between two looks meanwhile at what was refused


def back(objection: Judgement, case: Case, lost: Sequence[PodView]) -> Judgement:
    """`objection` is what speaks against a release. `lost`: the launcher pods of before on the node."""
    seen, record = case.seen, case.record
    if objection.reason not in BACK or (seen.node and seen.node.outage):
        return objection  # lost again under another uid, it is an outage of its own
    if gone := deleted(case.drift.vm, seen.vm):
        return gone
    if runs(seen, record):
        # What was refused stays that: the node's return was what it waited for.
        return Judgement(record.reason, record.sentence) if record.phase.is_end else objection
    return _stays_down(case) or _missing(objection, case, lost)


def runs(seen: Observation, record: Record) -> bool:
    """Does the instance really run, as far as kubelet and virt-handler tell? What they told before does not count."""
    if seen.vm and seen.vm.replicas and seen.vm.replicas[1] >= seen.vm.replicas[0]:
        return True
    vmi = seen.vmi
    if vmi is None or vmi.phase != "Running":
        return False
    mine = (pod for pod in seen.launchers if (pod.vmi_uid, pod.node, pod.hotplug) == (vmi.uid, vmi.node, False))
    there = any(not pod.terminating for pod in mine)
    return there and ("no Ready" not in vmi.conditions or "Paused" in vmi.conditions or vmi.uid != record.vmi_uid)


def _stays_down(case: Case) -> Judgement | None:
    """Nobody starts it again by itself, and it does not run any more."""
    seen = case.seen
    over = seen.vmi is None or seen.vmi.phase in FINISHED
    verdict = comeback(case.drift.vm, seen.vm, None) if seen.vm else None
    stays = isinstance(verdict, Judgement) and (over or verdict.reason == "vm-stopped")
    return verdict if stays and isinstance(verdict, Judgement) else None


def _missing(objection: Judgement, case: Case, lost: Sequence[PodView]) -> Judgement:
    """Kubernetes and KubeVirt get their time; then somebody has to look."""
    record, now = case.record, case.now
    sentence = f"{objection.sentence} The VM does not run yet: {_lack(case.seen.vmi, case.seen.launchers, lost)}"
    if record.reason == "not-running-again" or now >= _since(case) + _TAKES:
        return Judgement("not-running-again", sentence)
    if record.phase.is_end:
        return Judgement(record.reason, record.sentence, again_at=now + _LOOK)
    return Judgement("returning", sentence)


def _since(case: Case) -> float:
    """When we saw that it is back; of what stays refused meanwhile only the kubelet tells, by its own clock."""
    node, record = case.seen.node, case.record
    if record.reason == "returning":
        return record.changed_at
    return node.ready_since if node and record.phase.is_end else case.now


def _lack(vmi: VmiView | None, pods: Sequence[PodView], lost: Sequence[PodView]) -> str:
    if ending := [pod for pod in lost if pod.terminating]:
        kept = f", kept by finalizer {', '.join(ending[0].finalizers)}" if ending[0].finalizers else ""
        return f"launcher pod {ending[0].name} is still Terminating there{kept}."
    if vmi is None:
        return "KubeVirt has not created its new instance."
    pending = next((pod.pending for pod in pods if pod.vmi_uid == vmi.uid and pod.pending), "")
    where = f" on {vmi.node}" if vmi.node else ""
    silent = ", but not Ready" if vmi.phase == "Running" else ""
    return f"its instance is {vmi.phase or 'new'}{where}{silent}{f' ({pending[:300]})' if pending else ''}."
