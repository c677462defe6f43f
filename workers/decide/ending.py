"""Does the VM run somewhere else now?"""

from reactor.model.drift import Policy, Record
from reactor.model.times import clock_time
from workers.decide.decision import Judgement
from workers.decide.observation import Observation, PodView, VmiView


def ending(seen: Observation, record: Record, new: VmiView | None) -> Judgement:
    """`completed` needs a new instance that is Running on a Ready node with every volume attached there."""
    if record.drift.vm.is_instance:
        return _replaced(seen, record.drift.vm.owner)
    if new is None:
        return Judgement(
            "waiting-for-replacement", f"The launcher pod is gone; KubeVirt replaces the VM instance{_said(seen)}"
        )
    pod = next((pod for pod in seen.launchers if pod.vmi_uid == new.uid and not pod.hotplug), None)
    if pod is None or not pod.node:
        return _without_node(pod, new)
    return _on_its_way(seen, new, pod) or _completed(new, record, pod)


def _said(seen: Observation) -> str:
    """What KubeVirt says of the VM that keeps it from being started."""
    vm, now = seen.vm, seen.date or 0.0
    backs_off = vm and vm.retry_at is not None and vm.retry_at > now
    waits = f", not before {clock_time(vm.retry_at)}, because starts failed" if vm and vm.retry_at and backs_off else ""
    return f"{waits}." + (f" It says: {vm.failure}" if vm and vm.failure else "")


def late(judgement: Judgement, seen: Observation, free_at: float, policy: Policy, now: float) -> Judgement:
    """The judgement of a VM that is starting, with all that Kubernetes says; after its deadline it has failed to.

    `free_at`: since when nothing holds it back, seconds since the epoch.
    """
    news = [told for told in seen.warnings if (told.partition(": ")[2] or told) not in judgement.sentence]
    said = f" Kubernetes says: {'; '.join(news)}" if news else ""
    if now < free_at + policy.start_deadline:
        return Judgement(judgement.reason, judgement.sentence + said)
    return Judgement("start-deadline", f"Not running since {clock_time(free_at)}: {judgement.sentence}{said}")


def _replaced(seen: Observation, owner: str) -> Judgement:
    wanted, ready = seen.vm.replicas if seen.vm and seen.vm.replicas else (1, 0)
    if ready >= wanted:
        return Judgement(
            "replicas-restored", f"VirtualMachineInstanceReplicaSet {owner} has {ready} ready replicas again."
        )
    return Judgement(
        "waiting-for-replacement", f"VirtualMachineInstanceReplicaSet {owner} has {ready} of {wanted} ready."
    )


def _without_node(pod: PodView | None, new: VmiView) -> Judgement:
    if pod is not None and pod.pending:
        return Judgement("unschedulable", f"The scheduler says: {pod.pending[:300]}")
    return Judgement("waiting-for-running", f"The new VM instance is {new.phase or 'new'}; it has no node yet.")


def _on_its_way(seen: Observation, new: VmiView, pod: PodView) -> Judgement | None:
    # Only what CSI attaches (its volumes have a handle) is ever seen attached; a local or hostPath one never is.
    csi = [volume for volume in seen.volumes if volume.handle and volume.attaches]
    apart = {v.name: v.pv for v in csi if not (v.attached and v.attached.attached)}
    missing = [*apart.values(), *(f"hotplugged {name}" for name in new.unplugged if name not in apart)]
    if missing:
        return Judgement("waiting-for-volume", f"On {pod.node} it waits for {', '.join(missing)} to be attached.")
    if new.phase != "Running" or new.node != pod.node:
        waits = f" ({pod.pending})" if pod.pending else ""
        return Judgement("waiting-for-running", f"The new VM instance is {new.phase or 'new'} on {pod.node}{waits}.")
    if seen.target is None or seen.target.ready != "True":
        return Judgement("waiting-for-running", f"It came up on {pod.node}, but that node is not Ready.")
    return None


def _completed(new: VmiView, record: Record, pod: PodView) -> Judgement:
    back = pod.node == record.drift.outage.node.name
    notes = []
    if "Paused" in new.conditions:
        notes.append("It is paused, as it was told to start.")
    elif "no Ready" in new.conditions:
        notes.append("It is not Ready: its guest does not answer yet.")
    if record.hotplugs:
        notes.append(f"Plugged into the lost instance only, and lost with it: {', '.join(record.hotplugs)}.")
    where = f"It runs on {pod.node}" + (", which is back." if back else ".")
    return Judgement("returned-node" if back else "running-elsewhere", " ".join([where, *notes]))
