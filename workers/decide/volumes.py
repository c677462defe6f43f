"""After the launcher pod is gone: does the lost node still hold a volume, and what frees it?"""

from collections.abc import Sequence

from reactor.model.drift import Policy
from reactor.model.times import clock_time
from workers.decide.decision import Detach, Judgement, Passed, Remove, Verdict
from workers.decide.observation import Attachment, Manager, Observation, Volume
from workers.decide.proof import whole
from workers.decide.release import LOOK as RELEASE_LOOK
from workers.decide.release import tainted

# Measured on a real control plane: 0.2 s after the window the controller begins, 1.4 s later the CSI attacher is done.
_DETACH_TAKES = 30.0  # seconds, before it is worth calling somebody
# A hotplugged volume's six minutes began when its own pod went, which was earlier by we do not know how much; and
# somebody at work on it may have detached a volume himself, or have set vmdrift.io/detach: delete.
LOOK = 60.0  # seconds between two looks
DETACH_LOOK = 2.0  # seconds after the window's end, and between two looks from then on


def volumes(seen: Observation, policy: Policy, free_at: float, now: float, *, proven: bool = False) -> Verdict:
    """Passed when the lost node keeps no volume from being attached elsewhere any more.

    `free_at`: when the last pod that used one was gone, seconds since the epoch. `proven`: the node is dead, and its
    attachments may go.
    """
    held = [volume for volume in seen.volumes if volume.held and volume.exclusive]
    if not held:
        return Passed("The lost node keeps none of its volumes from other nodes.")
    for volume in held:
        if volume.users:
            return _used(volume, seen, policy, dead=proven and whole(seen.fencing, seen.node))
    attachments = [volume.held for volume in held if volume.held]
    if proven and tainted(seen, now):
        names = ", ".join(attachment.volume for attachment in attachments)
        sentence = f"Kubernetes detaches {names} from the lost node: it is out of service."
        return Judgement("detached-by-taint", sentence, again_at=now + RELEASE_LOOK)
    ours = [volume.held for volume in held if volume.held and volume.ours]
    if ours and proven:
        return _delete(ours, seen.date or now, "the node is proven dead")
    if ours and policy.detach == "delete":
        return _delete(ours, seen.date or now, "as asked for; this is unfenced")
    due = _forced_at(seen.manager, policy, free_at)
    return _wait(held, due, now) or _late(attachments, due, seen.date or now)


def _used(volume: Volume, seen: Observation, policy: Policy, *, dead: bool) -> Judgement:
    """Pods that are as dead as their node keep the volume there only by being listed."""
    names = ", ".join(volume.users)
    uses = f"Pod {names} on the lost node uses claim {volume.claim} too"
    left = tuple(pod for pod in volume.helpers if not pod.kept)
    if dead and left and policy.dead_pods == "delete":
        gone = ", ".join(pod.name for pod in left)
        return Judgement(
            "dead-pod-deleted", f"{uses}, and is dead with it: force deleting pod {gone}.", action=Remove(left)
        )
    stays = f"{uses}: while it is there, the volume stays attached to the lost node."
    if dead and seen.node:
        stays += (
            f" It is as dead as its node: `vmdrift taint {seen.node.name}` has Kubernetes remove all that is there."
        )
    return Judgement("claim-used-by-pod", stays)


def in_use(seen: Observation) -> bool:
    """Does another pod on the lost node use a volume that is held there?"""
    return any(volume.users for volume in seen.volumes if volume.held and volume.exclusive)


def _forced_at(manager: Manager | None, policy: Policy, free_at: float) -> float:
    """A controller manager that began later counts its six minutes from its own beginning (measured).

    One whose clock may be wrong is not believed: when it began could as well be hours from now.
    """
    began = manager.acquired - manager.ahead if manager and manager.ahead is not None else 0.0
    return max(free_at, began) + policy.detach_window


def _wait(held: Sequence[Volume], due: float, now: float) -> Judgement | None:
    names = ", ".join(volume.held.volume for volume in held if volume.held)
    if now < due:
        latest = " at the latest" if all(volume.hotplugged for volume in held) else ""
        return Judgement(
            "detach-window",
            f"The lost node still holds {names}; Kubernetes detaches by force at {clock_time(due)}{latest}.",
            again_at=min(due + DETACH_LOOK, now + LOOK),
        )
    if now < due + _DETACH_TAKES:
        sentence = f"Kubernetes detaches {names} from the lost node by force about now."
        return Judgement("detach-window", sentence, again_at=now + DETACH_LOOK)
    return None


def _late(attachments: Sequence[Attachment], due: float, date: float) -> Judgement:
    names = ", ".join(attachment.volume for attachment in attachments)
    if kept := _kept(attachments, date):
        return Judgement("still-attached", kept)
    commands = "; ".join(f"kubectl delete volumeattachment {attachment.name}" for attachment in attachments)
    return Judgement(
        "still-attached",
        f"The forced detach of {names} was due at {clock_time(due)}. If you know that the node is off: {commands}",
    )


def _delete(held: Sequence[Attachment], date: float, why: str) -> Judgement:
    wanted = tuple(attachment for attachment in held if not attachment.deleting)
    names = ", ".join(attachment.volume for attachment in held)
    if wanted:
        return Judgement(
            "volumeattachment-deleted",
            f"Detaching {names} from the lost node at once, {why}.",
            action=Detach(wanted),
        )
    if kept := _kept(held, date):
        return Judgement("still-attached", kept)
    return Judgement("volumeattachment-deleted", f"The CSI attacher is detaching {names} from the lost node.")


def _kept(held: Sequence[Attachment], date: float) -> str:
    """Deleted long ago, by the API server's clock, and still there: told, never forced."""
    for attachment in held:
        if attachment.deleted_at is not None and date >= attachment.deleted_at + _DETACH_TAKES:
            return (
                f"VolumeAttachment {attachment.name} is deleted since {clock_time(attachment.deleted_at)}, but kept by "
                f"{', '.join(attachment.finalizers) or 'nobody knows what'}: is the CSI attacher alive?"
            )
    return ""
