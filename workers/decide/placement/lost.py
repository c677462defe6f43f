"""Which instance and which pods are the lost ones, and which instance came after them. Pure."""

from reactor.model.drift import Record
from reactor.model.node import NodeView
from workers.decide.decision import Passed
from workers.decide.node import still_lost
from workers.decide.observation import Observation, PodView, VmiView
from workers.decide.placement import repelling
from workers.decide.placement.selectors import SCHEDULABLE


def replacement(observation: Observation, record: Record) -> VmiView | None:
    """The VM's new instance, if what is there is a new one. Where the old uid is not known, by its age."""
    vmi = observation.vmi
    if vmi is None:
        return None
    is_new = vmi.uid != record.vmi_uid if record.vmi_uid else vmi.created > record.drift.outage.since
    return vmi if is_new else None


def lost_launchers(observation: Observation, record: Record) -> tuple[PodView, ...]:
    """The launcher pods, and their hotplug attachment pods, that the lost instance still has on the lost node.

    While that node is lost, a new instance that was put onto it is lost with it: the scheduler takes a dead node for
    alive until Kubernetes notices, unless a taint keeps it away, which somebody may remove. Not where it would be put
    back there again and again.
    """
    new, node_name = replacement(observation, record), record.drift.outage.node.name
    pods = tuple(pod for pod in observation.launchers if pod.node == node_name)
    if new is None or _was_put_back(observation, record, new):
        return pods
    return tuple(pod for pod in pods if pod.vmi_uid != new.uid)


def _was_put_back(observation: Observation, record: Record, new: VmiView) -> bool:
    """Onto a node that is still lost, and by now admits it no more."""
    node = observation.node
    lost = isinstance(still_lost(node, record.drift.outage), Passed)
    return lost and node is not None and bool(repelling(new.spec, node) or _takes_none(node))


def _takes_none(node: NodeView) -> bool:
    """Every launcher asks for this label, whatever taints it tolerates; KubeVirt takes it from a silent node."""
    return node.labels.get(SCHEDULABLE) != "true"
