"""What a pass saw that people will ask for: where the VM goes, its disks, and moments of Kubernetes' own. Pure."""

from dataclasses import replace

from reactor.model.drift import Disk, Record
from workers.decide.observation import Observation, PodView, Volume


def noted(record: Record, seen: Observation) -> Record:
    """The record with it. Nothing is decided on it; by `disks` it is known which claims a refusal rests on."""
    lost = [pod.ending_at for pod in seen.launchers if pod.node == record.drift.outage.node.name]
    ended = [moment for moment in lost if moment is not None]
    return replace(
        record,
        target=seen.target.name if seen.target else "",
        terminating_at=record.terminating_at or min(ended, default=None),
        scheduled_at=_scheduled(seen) or record.scheduled_at,
        disks=tuple(map(_disk, seen.volumes)) or record.disks,
    )


def _scheduled(seen: Observation) -> float | None:
    return next((pod.scheduled_at for pod in seen.launchers if _starts(pod, seen)), None)


def _starts(pod: PodView, seen: Observation) -> bool:
    return seen.target is not None and pod.node == seen.target.name and not pod.hotplug


def _disk(volume: Volume) -> Disk:
    holders = [one.node for one in (volume.held, volume.attached) if one and one.attached]
    return Disk(
        volume.name, volume.kind, volume.claim, volume.driver, tuple(volume.modes), tuple(dict.fromkeys(holders))
    )
