"""Which outage is a node in? The one that is known already, whatever its identity, or else a new one.

An outage may have been begun before Kubernetes noticed it, by an earlier version that knew no silence, or before Redis
lost everything: it is the same one, and so are its drifts.
"""

from collections.abc import Sequence
from typing import NamedTuple

from reactor.model.fencing import Fencing, fencing_entries
from reactor.model.identity import Outage
from reactor.model.lease import NODE_LEASES
from reactor.model.names import is_name
from reactor.model.node import NodeView, goes_on, node_view
from workers.context import Tools
from workers.decide.node import looks_ready
from workers.observe import with_lease
from workers.observe.cache import renewed


class Known(NamedTuple):
    """An outage, and whether it counts before Kubernetes has noticed it: where it was taken in, or may be."""

    outage: Outage
    counts: bool


def all_known(name: str, tools: Tools) -> list[Known]:
    """Of a node: those that Redis has, then those of which there is something about a fence. ClusterError, StoreError.

    Only proof of the whole machine's death lets one begin before Kubernetes has noticed it.
    """
    recorded = [Known(record.outage, counts=True) for record in tools.store.outages()]
    config_map = tools.around.fencings(tools.cluster) if tools.policy.fencing else None
    files = [file for file in fencing_entries(config_map, name).values() if not file.closed]
    fenced = [Known(file.outage, counts=_is_dead(file)) for file in files]
    return [known for known in (*recorded, *fenced) if known.outage.node.name == name]


def _is_dead(file: Fencing) -> bool:
    return file.proof is not None and not file.proof.storage


def current_node(name: str, tools: Tools, outages: Sequence[Known] | None = None) -> NodeView | None:
    """With its Lease, unless the Node alone shows which of these outages it is in. Raises ClusterError.

    None where there is none, and where that is no valid name.
    """
    obj = tools.cluster.find("nodes", name) if is_name(name) else None
    if obj is None:
        return None
    node = node_view(obj)

    def read() -> str:
        return renewed(tools.cluster.find("leases", name, NODE_LEASES))

    if outages is None:
        return node.with_lease(read())
    return next((seen for known in outages if (seen := with_lease(node, known.outage, read)) is not node), node)


def among(outages: Sequence[Known], node: NodeView) -> Outage | None:
    """The one of them that this node is in."""
    return next((known.outage for known in outages if node.is_in(known.outage) and (known.counts or node.lost)), None)


def outage_of(node: NodeView, tools: Tools) -> Outage | None:
    """The one that this node is in. Raises ClusterError, StoreError."""
    outage = among(all_known(node.name, tools), node) or node.outage
    return _or_again(outage, node, tools) if outage else None


def suspected(node: NodeView, tools: Tools) -> Outage | None:
    """The same, or one that is yet to be proven. Raises ClusterError, StoreError."""
    outages = [known._replace(counts=True) for known in all_known(node.name, tools)]
    return among(outages, node) or node.outage


def look_up(hint: Outage, tools: Tools) -> tuple[NodeView | None, Outage, bool]:
    """The node, the outage that this is about, and whether it counts. Raises ClusterError, StoreError.

    It does once Kubernetes has noticed it, or somebody has proven it.
    """
    stored = tools.store.outage(hint.id)
    outages = [Known(stored.outage, counts=True)] if stored else all_known(hint.node.name, tools)
    node = current_node(hint.node.name, tools, outages if stored or not hint.silence else None)
    outage = stored.outage if stored else _meant(hint, node, outages)
    counts = node is None or not looks_ready(node) or among(outages, node) is not None
    return node, _or_again(outage, node, tools) if node else outage, counts


def _or_again(outage: Outage, node: NodeView, tools: Tools) -> Outage:
    """It; where that is over, and the node still says the same, whoever wrote to it in between began another one."""
    record, since = tools.store.outage(outage.id), int(node.ready_since)
    is_over = record is not None and record.recovered_at is not None
    if not is_over or not node.lost or node.undated or since == outage.unknown_since:
        return outage
    return Outage(outage.node, since)


def _meant(hint: Outage, node: NodeView | None, outages: Sequence[Known]) -> Outage:
    """Of a node that is back, one that ended.

    A hint may come of an older Lease than the last. One of somebody who knows none is the outage of that moment.
    """
    lasts = goes_on(node, hint)
    if lasts and node and (outage := among(outages, node) or (node.outage if hint.silence else None)):
        return outage
    others = (known.outage for known in outages if known.outage.node == hint.node)
    return next((outage for outage in others if goes_on(node, outage) == lasts), hint)
