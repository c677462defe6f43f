"""After the launcher pod is gone: does the lost node still hold a volume, and what frees it?"""

from reactor.model.drift import Policy
from reactor.model.times import clock_time
from workers.decide.decision import Detach, Held, Judgement, Verdict
from workers.decide.observation import Attachment, Observation

# Measured on a real control plane: 0.2 s after the window the controller begins, 1.4 s later the CSI attacher is done.
_DETACH_TAKES = 30.0  # seconds, before it is worth calling somebody


def volumes(seen: Observation, policy: Policy, released_at: float, now: float) -> Verdict:
    """Held when no volume of the VM is attached to the lost node any more."""
    held = [volume.held for volume in seen.volumes if volume.held]
    if not held:
        return Held("The lost node holds none of its volumes.")
    if policy.detach == "delete":
        return _delete(held)
    due = released_at + policy.detach_window
    names = ", ".join(attachment.volume for attachment in held)
    if now < due:
        return Judgement(
            "detach-window",
            f"The lost node still holds {names}; Kubernetes detaches by force at {clock_time(due)}.",
            again_at=due,
        )
    if now < due + _DETACH_TAKES:
        return Judgement("detach-window", f"Kubernetes detaches {names} from the lost node by force about now.")
    commands = "; ".join(f"kubectl delete volumeattachment {attachment.name}" for attachment in held)
    return Judgement(
        "still-attached",
        f"The forced detach of {names} was due at {clock_time(due)}. If you know that the node is off: {commands}",
    )


def _delete(held: list[Attachment]) -> Judgement:
    wanted = tuple(attachment for attachment in held if not attachment.deleting)
    names = ", ".join(attachment.volume for attachment in held)
    if wanted:
        return Judgement(
            "volumeattachment-deleted",
            f"Detaching {names} from the lost node at once, as asked for; this is unfenced.",
            action=Detach(wanted),
        )
    return Judgement("volumeattachment-deleted", f"The CSI attacher is detaching {names} from the lost node.")
