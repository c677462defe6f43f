"""After the launcher pod is gone: is a volume still attached to the lost node, and what frees it?"""

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
# somebody at work on it may have detached a volume, or have set vmdrift.io/detach: delete.
LOOK = 60.0  # seconds between two checks
DETACH_LOOK = 2.0  # seconds after the window's end, and between two checks from then on


def volumes(observation: Observation, policy: Policy, free_at: float, now: float, *, proven: bool = False) -> Verdict:
    """Passed when the lost node keeps no volume from being attached elsewhere any more.

    `free_at`: when the last pod that used one was gone, seconds since the epoch. `proven`: the node is dead, and its
    attachments may go.
    """
    blocking = [volume for volume in observation.volumes if volume.held and volume.exclusive]
    if not blocking:
        return Passed("The lost node keeps none of its volumes from other nodes.")
    for volume in blocking:
        if volume.users:
            return _used_by_pods(
                volume, observation, policy, dead=proven and whole(observation.fencing, observation.node)
            )
    attachments = [volume.held for volume in blocking if volume.held]
    if proven and tainted(observation, free_at, now):
        names = ", ".join(attachment.volume for attachment in attachments)
        sentence = f"Kubernetes detaches {names} from the lost node: it is out of service."
        return Judgement("detached-by-taint", sentence, again_at=now + RELEASE_LOOK)
    deletable = [volume.held for volume in blocking if volume.held and volume.ours]
    if deletable and proven:
        return _deletion(deletable, observation.date or now, "the node is proven dead")
    if deletable and policy.detach == "delete":
        return _deletion(deletable, observation.date or now, "as asked for; this is unfenced")
    due = _forced_at(observation.manager, policy, free_at)
    return _waiting(blocking, due, now) or _overdue(attachments, due, observation.date or now)


def _used_by_pods(volume: Volume, observation: Observation, policy: Policy, *, dead: bool) -> Judgement:
    """Pods that are as dead as their node keep the volume there only by being listed."""
    names = ", ".join(volume.users)
    uses = f"Pod {names} on the lost node uses claim {volume.claim} too"
    deletable = tuple(pod for pod in volume.helpers if not pod.kept)
    if dead and deletable and policy.dead_pods == "delete":
        deleted = ", ".join(pod.name for pod in deletable)
        return Judgement(
            "dead-pod-deleted", f"{uses}, and is dead with it: force deleting pod {deleted}.", action=Remove(deletable)
        )
    sentence = f"{uses}: while it is there, the volume stays attached to the lost node."
    if dead and observation.node:
        sentence += (
            f" It is as dead as its node: `vmdrift taint {observation.node.name}` "
            "has Kubernetes remove all that is there."
        )
    return Judgement("claim-used-by-pod", sentence)


def in_use(observation: Observation) -> bool:
    """Does another pod on the lost node use a volume that is attached there?"""
    return any(volume.users for volume in observation.volumes if volume.held and volume.exclusive)


def _forced_at(manager: Manager | None, policy: Policy, free_at: float) -> float:
    """A controller manager that began later counts its six minutes from its own start (measured).

    One whose clock may be wrong is not used: by it the start could as well be hours from now.
    """
    manager_since = manager.acquired - manager.ahead if manager and manager.ahead is not None else 0.0
    return max(free_at, manager_since) + policy.detach_window


def _waiting(blocking: Sequence[Volume], due: float, now: float) -> Judgement | None:
    names = ", ".join(volume.held.volume for volume in blocking if volume.held)
    if now < due:
        latest = " at the latest" if all(volume.hotplugged for volume in blocking) else ""
        return Judgement(
            "detach-window",
            f"The lost node still holds {names}; Kubernetes detaches by force at {clock_time(due, now)}{latest}.",
            again_at=min(due + DETACH_LOOK, now + LOOK),
        )
    if now < due + _DETACH_TAKES:
        sentence = f"Kubernetes detaches {names} from the lost node by force about now."
        return Judgement("detach-window", sentence, again_at=now + DETACH_LOOK)
    return None


def _overdue(attachments: Sequence[Attachment], due: float, date: float) -> Judgement:
    names = ", ".join(attachment.volume for attachment in attachments)
    if why_kept := _why_kept(attachments, date):
        return Judgement("still-attached", why_kept)
    objects = ", ".join(attachment.name for attachment in attachments)
    return Judgement(
        "still-attached",
        f"The forced detach of {names} was due at {clock_time(due, date)}; VolumeAttachment {objects} is not deleted.",
    )


def _deletion(attachments: Sequence[Attachment], date: float, why: str) -> Judgement:
    to_delete = tuple(attachment for attachment in attachments if not attachment.deleting)
    names = ", ".join(attachment.volume for attachment in attachments)
    if to_delete:
        return Judgement(
            "volumeattachment-deleted",
            f"Detaching {names} from the lost node at once, {why}.",
            action=Detach(to_delete),
        )
    if why_kept := _why_kept(attachments, date):
        return Judgement("still-attached", why_kept)
    return Judgement("volumeattachment-deleted", f"The CSI attacher is detaching {names} from the lost node.")


def _why_kept(attachments: Sequence[Attachment], date: float) -> str:
    """Deleted long ago, by the API server's clock, and still there: reported, never forced."""
    for attachment in attachments:
        if attachment.deleted_at is not None and date >= attachment.deleted_at + _DETACH_TAKES:
            since = clock_time(attachment.deleted_at, date)
            return (
                f"VolumeAttachment {attachment.name} is deleted since {since}, but kept by "
                f"{', '.join(attachment.finalizers) or 'nobody knows what'}: is the CSI attacher alive?"
            )
    return ""
