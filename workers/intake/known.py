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
from workers.observe import with_lease
from workers.observe.cache import renewed


def current_node(name: str, tools: Tools, outage: Outage | None = None) -> NodeView | None:
    """With its Lease, unless the Node alone shows whether it is in this outage. Raises ClusterError.

    None where there is none, and where that is no valid name.
    """
    obj = tools.cluster.find("nodes", name) if is_name(name) else None
    if obj is None:
        return None
    node = node_view(obj)

    def read() -> str:
        return renewed(tools.cluster.find("leases", name, NODE_LEASES))

    return with_lease(node, outage, read) if outage else node.with_lease(read())


def outage_of(node: NodeView, tools: Tools) -> Outage | None:
    """The one that this node is in. Raises ClusterError, StoreError."""
    return _known(node, tools) or node.outage


def known(hint: Outage, node: NodeView | None, tools: Tools) -> Outage:
    """The outage that this is about: of a node that is back, one that ended. Raises ClusterError, StoreError.

    A hint may come of an older Lease than the last. One of somebody who knows none is the outage of that moment.
    """
    lasts = goes_on(node, hint)
    if lasts and node and (outage := _known(node, tools) or (node.outage if hint.silence else None)):
        return outage
    others = (record.outage for record in tools.store.outages() if record.outage.node == hint.node)
    return next((outage for outage in others if goes_on(node, outage) == lasts), hint)


def may_begin(node: NodeView | None, tools: Tools) -> bool:
    """Has Kubernetes noticed an outage, or has somebody proven one? Raises ClusterError, StoreError."""
    return node is None or not looks_ready(node) or outage_of(node, tools) is not None


def _known(node: NodeView, tools: Tools) -> Outage | None:
    return next((outage for outage in _all_known(node, tools) if node.is_in(outage)), None)


def _all_known(node: NodeView, tools: Tools) -> Iterator[Outage]:
    """Those that Redis has; then those of which there is something about a fence, if that proves the unnoticed."""
    yield from (record.outage for record in tools.store.outages() if record.outage.node.name == node.name)
    if tools.policy.fencing:
        files = fencing_entries(tools.around.fencings(tools.cluster), node.name).values()
        yield from (file.outage for file in files if not file.closed and (node.lost or whole(file, node)))
