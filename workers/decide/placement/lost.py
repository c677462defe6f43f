"""Which instance and which pods are the lost ones, and which instance came after them. Pure."""

from reactor.model.drift import Record
from workers.decide.observation import Observation, PodView, VmiView


def replacement(observation: Observation, record: Record) -> VmiView | None:
    """The VM's new instance, if what is there is a new one. Where the old uid is not known, by its age."""
    vmi = observation.vmi
    if vmi is None:
        return None
    is_new = vmi.uid != record.vmi_uid if record.vmi_uid else vmi.created > record.drift.outage.since
    return vmi if is_new else None


def lost_launchers(observation: Observation, record: Record) -> tuple[PodView, ...]:
    """The launcher pods, and their hotplug attachment pods, that the lost instance still has on the lost node."""
    new = replacement(observation, record)
    node_name = record.drift.outage.node.name
    return tuple(pod for pod in observation.launchers if pod.node == node_name and not (new and pod.vmi_uid == new.uid))
