"""What a pass saw that people will ask for: where the VM goes, its disks, and times that Kubernetes sets. Pure."""

from dataclasses import replace

from reactor.model.drift import Disk, Phase, Policy, Record
from workers.decide.annotations import wished
from workers.decide.observation import Observation, PodView, Volume
from workers.decide.quick_look import ATTACHMENTS


def with_details(record: Record, observation: Observation, policy: Policy) -> Record:
    """The record with these details. `disks` shows which claims a refusal rests on."""
    lost = [pod.ending_at for pod in observation.launchers if pod.node == record.drift.outage.node.name]
    ended = [moment for moment in lost if moment is not None]
    return replace(
        record,
        target=observation.target.name if observation.target else "",
        terminating_at=record.terminating_at or min(ended, default=None),
        scheduled_at=_scheduled(observation) or record.scheduled_at,
        disks=tuple(_disk(volume, record) for volume in observation.volumes) or record.disks,
        awaits=_awaits(record, observation, policy),
    )


def _awaits(record: Record, observation: Observation, policy: Policy) -> tuple[str, ...]:
    """What keeps its volumes on the lost node: pods that use them, and then their attachments.

    Before anything is attached elsewhere that is known without a look, if nobody asks for more than to wait.
    """
    if record.ended or (record.phase is Phase.RELEASED and wished(observation, policy).detach != "wait"):
        return ()
    namespace = record.drift.vm.namespace
    users = [f"pods/{namespace}/{name}" for volume in observation.volumes for name in volume.users]
    names = [name for volume in observation.volumes if (name := _held_by(volume, record))]
    return tuple(users or [f"{ATTACHMENTS}/{name}" for name in names])


def _held_by(volume: Volume, record: Record) -> str:
    """The attachment that keeps it on the lost node, "" where none does."""
    if not volume.exclusive or volume.left:
        return ""
    if record.phase is Phase.RELEASED:
        return volume.attachment_name(record.drift.outage.node.name)
    return volume.held.name if volume.held else ""


def _scheduled(observation: Observation) -> float | None:
    return next((pod.scheduled_at for pod in observation.launchers if _starts(pod, observation)), None)


def _starts(pod: PodView, observation: Observation) -> bool:
    return observation.target is not None and pod.node == observation.target.name and not pod.hotplug


def _disk(volume: Volume, record: Record) -> Disk:
    holders = [attachment.node for attachment in (volume.held, volume.attached) if attachment and attachment.attached]
    return Disk(
        volume.name,
        volume.kind,
        volume.claim,
        volume.driver,
        tuple(volume.modes),
        tuple(dict.fromkeys(holders)),
        _held_by(volume, record),
    )
