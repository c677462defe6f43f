"""What the API would show if a node had been lost so long ago that every window is over by now.

So it is read and judged by the same code as a drift (`workers.observe`, `workers.decide`), and no rule is written
twice. A node that is lost already keeps its own outage and its own taints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Self

from reactor.adapters.kubernetes.cluster import PAGE, Page
from reactor.model.drift import Policy, Signs
from reactor.model.errors import BadInput
from reactor.model.identity import Outage
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject, part, parts, text
from reactor.model.times import format_time
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.readonly import ReadOnly
from workers.decide.observation import PodView
from workers.forecast.eviction import evicted, evicts, soon_tainted, unreachable
from workers.observe import lease

_NOT_READY = "node.kubernetes.io/not-ready"
_MARGIN = 60.0  # seconds; more than any clock that is believed may be off, so that the windows are over by every clock


class IfLost(ReadOnly):
    """A Cluster in which this node is lost and Kubernetes has evicted its launcher pods, as far as it ever would.

    `now` is a moment at which the outage's windows are over, seconds since the epoch; `released`: launcher pods that
    were force-deleted since.
    """

    def __init__(
        self, snapshot: ClusterSnapshot, node: JsonObject, policy: Policy, released: Sequence[PodView] = ()
    ) -> None:
        elapsed = max(policy.unreachable_window, policy.virt_handler_grace) + _MARGIN
        self.there, self._policy, self._released = snapshot, policy, frozenset(pod.uid for pod in released)
        self._node = self._lost(node, elapsed)
        self.node = node_view(self._node)
        self.outage = _outage(self.node)
        self.now = max(snapshot.at, self.outage.since + elapsed)

    def _lost(self, node: JsonObject, elapsed: float) -> JsonObject:
        """It as it would be, or as it is and soon will be."""
        there = self.there
        if node_view(node).outage:
            return soon_tainted(node, there.nodes, there.at)
        return _as_lost(node, int(there.at - elapsed), evicts=evicts(there.nodes, node_view(node)))

    @classmethod
    def of(cls, snapshot: ClusterSnapshot, node: str, policy: Policy) -> Self:
        """By the node's name. Raises BadInput for one that does not exist."""
        obj = snapshot.find("nodes", node) if is_name(node) else None
        if obj is None:
            raise BadInput(no_node(node, [view.name for view in snapshot.nodes]))
        return cls(snapshot, obj, policy)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster's."""
        obj = self.there.find(resource, name, namespace)
        return self._changed(resource, obj) if obj else None

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """As the Cluster's."""
        for page in self.there.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit):
            changed = (self._changed(resource, obj) for obj in page.items)
            yield replace(page, items=[obj for obj in changed if obj])

    def time(self) -> float | None:
        """When the snapshot was read."""
        return self.there.at

    def after(self, released: Sequence[PodView]) -> "IfLost":
        """The same, after these pods were force-deleted."""
        return IfLost(self.there, self._node, self._policy, released)

    def signs(self) -> Signs:
        """The node's last signs of life, unchanged since the beginning of the outage."""
        return Signs(lease(self.there, self.outage), self.node.heartbeat, float(self.outage.since))

    def _changed(self, resource: str, obj: JsonObject) -> JsonObject | None:
        if resource == "nodes" and obj["metadata"]["name"] == self.node.name:
            return self._node
        if resource == "pods" and obj["spec"].get("nodeName") == self.node.name:
            return None if obj["metadata"]["uid"] in self._released else evicted(obj, self.node, self.now)
        return obj


def no_node(name: str, names: Sequence[str]) -> str:
    """What to say where there is none of this name."""
    similar = get_close_matches(name, names, 3) or sorted(names)[:5]
    return f"there is no node {name[:60]!r}. Did you mean {' or '.join(similar)}?" if similar else "there are no nodes"


def _outage(node: NodeView) -> Outage:
    if node.outage is None:  # _lost made it Unknown
        raise AssertionError(node)
    return node.outage


def _as_lost(node: JsonObject, since: int, *, evicts: bool) -> JsonObject:
    """The Node as the node lifecycle controller leaves it."""
    at = format_time(since)
    status, spec = part(node, "status"), part(node, "spec")
    ready = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": at}
    others = [condition for condition in parts(status, "conditions") if text(condition, "type") != "Ready"]
    taints = [unreachable("NoSchedule", since), *([unreachable("NoExecute", since)] if evicts else [])]
    kept = [taint for taint in parts(spec, "taints") if not text(taint, "key").startswith(_NOT_READY)]
    return {
        **node,
        "spec": {**spec, "taints": kept + taints},
        "status": {**status, "conditions": [*others, ready]},
    }
