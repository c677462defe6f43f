"""Does the VM run somewhere else now?"""

from reactor.model.drift import Policy, Record
from reactor.model.times import clock_time
from workers.decide.decision import Judgement
from workers.decide.observation import Observation, PodView, VmiView


def ending(observation: Observation, record: Record, vmi: VmiView | None) -> Judgement:
    """`completed` needs a new instance that is Running on a Ready node with every volume attached there."""
    if record.drift.vm.is_instance:
        return _replaced(observation, record.drift.vm.owner)
    if vmi is None:
        return Judgement(
            "waiting-for-replacement",
            f"The launcher pod is gone; KubeVirt replaces the VM instance{_start_failure(observation)}",
        )
    pod = next((pod for pod in observation.launchers if pod.vmi_uid == vmi.uid and not pod.hotplug), None)
    if pod is None or not pod.node:
        return _without_node(pod, vmi)
    return _not_running_yet(observation, vmi, pod) or _completed(vmi, record, pod)


def _start_failure(observation: Observation) -> str:
    """What KubeVirt reports that keeps it from starting the VM."""
    vm, now = observation.vm, observation.date or 0.0
    backs_off = vm and vm.retry_at is not None and vm.retry_at > now
    delay = f", not before {clock_time(vm.retry_at)}, because starts failed" if vm and vm.retry_at and backs_off else ""
    return f"{delay}." + (f" It says: {vm.failure}" if vm and vm.failure else "")


def late(judgement: Judgement, observation: Observation, free_at: float, policy: Policy, now: float) -> Judgement:
    """The judgement of a VM that is starting, with Kubernetes' warnings; after its deadline it has failed to.

    `free_at`: since when nothing keeps it from starting, seconds since the epoch.
    """
    warnings = [
        warning for warning in observation.warnings if (warning.partition(": ")[2] or warning) not in judgement.sentence
    ]
    suffix = f" Kubernetes says: {'; '.join(warnings)}" if warnings else ""
    if now < free_at + policy.start_deadline:
        return Judgement(judgement.reason, judgement.sentence + suffix)
    return Judgement("start-deadline", f"Not running since {clock_time(free_at, now)}: {judgement.sentence}{suffix}")


def _replaced(observation: Observation, owner: str) -> Judgement:
    wanted, ready = observation.vm.replicas if observation.vm and observation.vm.replicas else (1, 0)
    if ready >= wanted:
        return Judgement(
            "replicas-restored", f"VirtualMachineInstanceReplicaSet {owner} has {ready} ready replicas again."
        )
    return Judgement(
        "waiting-for-replacement", f"VirtualMachineInstanceReplicaSet {owner} has {ready} of {wanted} ready."
    )


def _without_node(pod: PodView | None, vmi: VmiView) -> Judgement:
    if pod is not None and pod.pending:
        return Judgement("unschedulable", f"The scheduler says: {pod.pending[:300]}")
    return Judgement("waiting-for-running", f"The new VM instance is {vmi.phase or 'new'}; it has no node yet.")


def _not_running_yet(observation: Observation, vmi: VmiView, pod: PodView) -> Judgement | None:
    # Only what CSI attaches (its volumes have a handle) is ever seen attached; a local or hostPath one never is.
    csi = [volume for volume in observation.volumes if volume.handle and volume.attaches]
    unattached = {v.name: v.pv for v in csi if not (v.attached and v.attached.attached)}
    missing = [*unattached.values(), *(f"hotplugged {name}" for name in vmi.unplugged if name not in unattached)]
    if missing:
        return Judgement("waiting-for-volume", f"On {pod.node} it waits for {', '.join(missing)} to be attached.")
    if vmi.phase != "Running" or vmi.node != pod.node:
        pending = f" ({pod.pending})" if pod.pending else ""
        return Judgement("waiting-for-running", f"The new VM instance is {vmi.phase or 'new'} on {pod.node}{pending}.")
    if observation.target is None or observation.target.ready != "True":
        return Judgement("waiting-for-running", f"It came up on {pod.node}, but that node is not Ready.")
    return None


def _completed(vmi: VmiView, record: Record, pod: PodView) -> Judgement:
    on_lost_node = pod.node == record.drift.outage.node.name
    notes = []
    if "Paused" in vmi.conditions:
        notes.append("It is paused, as its VM asks to start.")
    elif "no Ready" in vmi.conditions:
        notes.append("It is not Ready: its guest does not answer yet.")
    if record.hotplugs:
        notes.append(f"Plugged into the lost instance only, and lost with it: {', '.join(record.hotplugs)}.")
    where = f"It runs on {pod.node}" + (", which is back." if on_lost_node else ".")
    return Judgement("returned-node" if on_lost_node else "running-elsewhere", " ".join([where, *notes]))
