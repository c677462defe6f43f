"""Which nodes are lost together, and for how long we go on where there are many such sets."""

from dataclasses import dataclass

from reactor.model.drift import Policy
from reactor.model.errors import BadInput
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.survival import Fate, any_of, survival
from vmdrift.plan.what_if import no_node
from vmdrift.rehearse.play import Nodes
from vmdrift.snapshot import ClusterSnapshot

_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be lost: exactly one of these. `pairs`: those that `audit --any 2` cannot decide, the worst first."""

    nodes: Nodes = ()
    zone: str = ""
    each: bool = False
    pairs: bool = False

    def sets(self, snapshot: ClusterSnapshot, policy: Policy) -> list[Nodes]:
        """Raises BadInput for a node or a zone that is not there."""
        known = [view.name for view in snapshot.nodes]
        if self.pairs:
            return _undecided(snapshot, policy)
        if self.each:
            return [(name,) for name in known]
        if self.zone:
            return [_of_zone(snapshot, self.zone)]
        if wrong := [name for name in self.nodes if name not in known]:
            raise BadInput(no_node(wrong[0], known))
        return [tuple(dict.fromkeys(self.nodes))]


def _of_zone(snapshot: ClusterSnapshot, zone: str) -> Nodes:
    lost = tuple(view.name for view in snapshot.nodes if view.labels.get(_ZONE) == zone)
    if not lost:
        raise BadInput(f"no node has the label {_ZONE}={zone[:60]}")
    return lost


def _undecided(snapshot: ClusterSnapshot, policy: Policy) -> list[Nodes]:
    nodes = audited(snapshot, policy)
    judged = survival(any_of(nodes, 2), nodes, FreeRoom.of(snapshot), policy)
    return [one.nodes for one in judged if one.fate is Fate.PERHAPS]
