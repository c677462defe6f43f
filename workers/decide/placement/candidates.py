"""Where a drift's VM can go: what its next launcher will bear, among which nodes and pods. Pure."""

from dataclasses import replace

from reactor.model.drift import Record
from reactor.model.node import NodeView
from workers.decide.observation import Observation
from workers.decide.placement import Candidates, settled, targets
from workers.decide.placement.lost import lost_launchers
from workers.decide.placement.next_launcher import PlacementNeeds, next_launcher


def bearing(seen: Observation, record: Record) -> PlacementNeeds:
    """What the VM's next launcher will bear."""
    return next_launcher(seen, record.drift.vm.namespace, lost_launchers(seen, record))


def field(seen: Observation, record: Record) -> Candidates:
    """Where it has to find its place; the lost instance's own pods are gone by then."""
    own = {pod.uid for pod in lost_launchers(seen, record)}
    others = tuple(pod for pod in seen.neighbours if pod.uid not in own)
    return Candidates(seen.nodes, record.drift.outage.node.name, others)


def candidates(seen: Observation, record: Record) -> list[NodeView]:
    """The nodes that it could go to now."""
    around = field(seen, record)
    bears, _ = settled(bearing(seen, record), seen.volumes, around)
    now = targets(bears, seen.volumes, around)
    return now or targets(bears, seen.volumes, replace(around, pods=around.staying))
