"""Where a drift's VM can go: what its next launcher asks for, among which nodes and pods. Pure."""

from dataclasses import replace

from reactor.model.drift import Record
from reactor.model.node import NodeView
from workers.decide.observation import Observation
from workers.decide.placement import Candidates, targets, with_doubts
from workers.decide.placement.lost import lost_launchers
from workers.decide.placement.next_launcher import PlacementNeeds, next_launcher


def placement_needs(observation: Observation, record: Record) -> PlacementNeeds:
    """What the VM's next launcher asks for."""
    return next_launcher(observation, record.drift.vm.namespace, lost_launchers(observation, record))


def candidate_nodes(observation: Observation, record: Record) -> Candidates:
    """The nodes and pods among which it is placed; the lost instance's own pods are gone by then."""
    own_pods = {pod.uid for pod in lost_launchers(observation, record)}
    others = tuple(pod for pod in observation.neighbours if pod.uid not in own_pods)
    return Candidates(observation.nodes, record.drift.outage.node.name, others)


def candidates(observation: Observation, record: Record) -> list[NodeView]:
    """The nodes that it could go to now."""
    among = candidate_nodes(observation, record)
    needs, _ = with_doubts(placement_needs(observation, record), observation.volumes, among)
    fitting = [*targets(needs, observation.volumes, among)]
    return fitting or [*targets(needs, observation.volumes, replace(among, pods=among.staying))]
