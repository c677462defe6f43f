"""All nodes as they count for each other: one in an outage that Kubernetes has not noticed is lost as well."""

from collections.abc import Mapping
from dataclasses import replace

from reactor.model.fencing import Fencing
from reactor.model.node import NodeView
from workers.observe.cache import Surroundings

Nodes = tuple[NodeView, ...]


def with_unnoticed(
    nodes: Nodes, renewals: Mapping[str, float], files: Mapping[str, Fencing], cache: Surroundings
) -> Nodes:
    """`files`: what is known of each node's fencing. Nobody keeps Leases of others but as `renewals`."""
    unnoticed = {
        node.name: files[node.name] for node in nodes if node.name in files and _is_unnoticed(node, renewals, files)
    }
    if not unnoticed:
        return nodes
    # The very same objects again, as of `nodes`: what is computed of them is remembered. An entry keeps its `nodes`.
    key = "unnoticed", id(nodes), tuple(sorted(unnoticed))
    _, marked = cache.once(key, lambda: (nodes, tuple(_as_lost(node, unnoticed) for node in nodes)))
    return marked


def _is_unnoticed(node: NodeView, renewals: Mapping[str, float], files: Mapping[str, Fencing]) -> bool:
    seen, outage = replace(node, renewed=renewals.get(node.name, 0.0)), files[node.name].outage
    return not node.is_in(outage) and seen.is_in(outage)


def _as_lost(node: NodeView, unnoticed: Mapping[str, Fencing]) -> NodeView:
    file = unnoticed.get(node.name)
    return replace(node, ready="Unknown", ready_since=float(file.outage.since)) if file else node
