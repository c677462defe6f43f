"""Does the VM run somewhere else now?"""

from workers.decide.decision import Judgement
from workers.decide.observation import Observation, PodView, VmiView


def ending(seen: Observation, replacement: VmiView | None) -> Judgement:
    """`completed` needs a new instance that is Running on a Ready node with every volume attached there."""
    if replacement is None:
        return Judgement("waiting-for-replacement", "The launcher pod is gone; KubeVirt replaces the VM instance.")
    pod = next((pod for pod in seen.launchers if pod.vmi_uid == replacement.uid), None)
    if pod is None or not pod.node:
        return _without_node(pod, replacement)
    missing = [volume for volume in seen.volumes if volume.pv and not (volume.attached and volume.attached.attached)]
    if missing:
        names = ", ".join(volume.pv for volume in missing)
        return Judgement("waiting-for-volume", f"On {pod.node} it waits for {names} to be attached.")
    if replacement.phase != "Running" or replacement.node != pod.node:
        return Judgement("waiting-for-running", f"The new VM instance is {replacement.phase or 'new'} on {pod.node}.")
    if seen.target is None or seen.target.ready != "True":
        return Judgement("waiting-for-running", f"It came up on {pod.node}, but that node is not Ready.")
    return Judgement("running-elsewhere", f"It runs on {pod.node}.")


def _without_node(pod: PodView | None, replacement: VmiView) -> Judgement:
    if pod is not None and pod.pending:
        return Judgement("unschedulable", f"The scheduler says: {pod.pending[:300]}")
    return Judgement("waiting-for-running", f"The new VM instance is {replacement.phase or 'new'}; it has no node yet.")
