"""All Nodes and Leases as a watcher holds them, for whoever only judges by them."""

from collections.abc import Mapping
from dataclasses import dataclass

from reactor.model.node import NodeView


@dataclass(frozen=True, slots=True)
class Summary:
    """`nodes` by name; `renewals`: when each node last renewed its Lease, by its own clock. Seconds since the epoch.

    `as_of`, by the clock that all processes share: whatever had reached the watcher by then is in it.
    """

    as_of: float
    nodes: tuple[NodeView, ...]
    renewals: Mapping[str, float]
