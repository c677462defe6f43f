"""What a pass saw that people will ask for: where the VM goes, its disks, and times that Kubernetes sets. Pure."""

from dataclasses import replace

from reactor.model.drift import Disk, Record
from workers.decide.observation import Observation, PodView, Volume


def with_details(record: Record, observation: Observation) -> Record:
    """The record with these details. Nothing is decided on them; `disks` shows which claims a refusal rests on."""
    lost = [pod.ending_at for pod in observation.launchers if pod.node == record.drift.outage.node.name]
    ended = [moment for moment in lost if moment is not None]
    return replace(
        record,
        target=observation.target.name if observation.target else "",
        terminating_at=record.terminating_at or min(ended, default=None),
        scheduled_at=_scheduled(observation) or record.scheduled_at,
        disks=tuple(map(_disk, observation.volumes)) or record.disks,
        awaits=()
        if record.ended
        else tuple(name for volume in observation.volumes for name in _awaits(volume, record)),
    )


def _awaits(volume: Volume, record: Record) -> list[str]:
    """What keeps the volume on the lost node: its attachment, and before that the pods that use it."""
    if volume.held is None or not volume.exclusive:
        return []
    namespace = record.drift.vm.namespace
    return [f"pods/{namespace}/{name}" for name in volume.users] or [f"volumeattachments/{volume.held.name}"]


def _scheduled(observation: Observation) -> float | None:
    return next((pod.scheduled_at for pod in observation.launchers if _starts(pod, observation)), None)


def _starts(pod: PodView, observation: Observation) -> bool:
    return observation.target is not None and pod.node == observation.target.name and not pod.hotplug


def _disk(volume: Volume) -> Disk:
    holders = [attachment.node for attachment in (volume.held, volume.attached) if attachment and attachment.attached]
    return Disk(
        volume.name, volume.kind, volume.claim, volume.driver, tuple(volume.modes), tuple(dict.fromkeys(holders))
    )
