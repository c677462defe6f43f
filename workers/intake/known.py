"""Which outage is a node in? The one that is known already, whatever its identity, or else a new one.

An outage may have been begun before Kubernetes noticed it, by an earlier version that knew no silence, or before Redis
lost everything: it is the same one, and so are its drifts.
"""

from collections.abc import Iterator

from reactor.model.fencing import fencing_entries
from reactor.model.identity import Outage
from reactor.model.lease import NODE_LEASES
from reactor.model.names import is_name
from reactor.model.node import NodeView, goes_on, node_view
from workers.context import Tools
from workers.decide.node import looks_ready
from workers.decide.proof import whole
from workers.observe.cache import renewed


def current_node(name: str, tools: Tools) -> NodeView | None:
    """With its Lease. None where there is none, and where that is no valid name. Raises ClusterError."""
    if not is_name(name):
        return None
    lease, obj = tools.cluster.find("leases", name, NODE_LEASES), tools.cluster.find("nodes", name)
    return node_view(obj).with_lease(renewed(lease)) if obj else None


def outage_of(node: NodeView, tools: Tools) -> Outage | None:
    """The one that this node is in. One that Kubernetes has not noticed counts if somebody has proven it.

    Raises ClusterError, StoreError.
    """
    return next((outage for outage in _known(node, tools) if node.is_in(outage)), node.outage)


def known(hint: Outage, node: NodeView | None, tools: Tools) -> Outage:
    """The outage that this is about: of a node that is back, one that ended. Raises ClusterError, StoreError."""
    if stored := tools.store.outage(hint.id):
        return stored.outage
    lasts = goes_on(node, hint)
    if lasts and node and (outage := outage_of(node, tools)):
        return outage
    others = (record.outage for record in tools.store.outages() if record.outage.node == hint.node)
    return next((outage for outage in others if goes_on(node, outage) == lasts), hint)


def may_begin(node: NodeView | None, tools: Tools) -> bool:
    """Has Kubernetes noticed an outage, or has somebody proven one? Raises ClusterError, StoreError."""
    return node is None or not looks_ready(node) or outage_of(node, tools) is not None


def _known(node: NodeView, tools: Tools) -> Iterator[Outage]:
    """Those that Redis has, and then those of which there is something about a fence."""
    yield from (record.outage for record in tools.store.outages() if record.outage.node.name == node.name)
    if tools.policy.fencing:
        files = fencing_entries(tools.around.fencings(tools.cluster), node.name).values()
        yield from (file.outage for file in files if not file.closed and (node.lost or whole(file, node)))
