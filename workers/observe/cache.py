"""What many passes read and no pass changes: all nodes, their Leases, drivers, namespaces, the lost node's pods.

A worker that releases 250 VMs of one node reads these once in a few seconds, and not 250 times. All nodes and Leases
come from the watchers' summary where that is young enough, but for the first deletion (`current`). What a pass is about
(the VM, its pods, attachments) is never taken from here. The lost node and its Lease are, for a second, where something
is only judged: whoever is about to delete anything reads them again (workers.drift.act).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from copy import copy
from typing import Any, TypeVar

from reactor import timing
from reactor.adapters.kubernetes.cluster import PAGE, STREAMED, Cluster, Page
from reactor.adapters.redis.summaries import Summaries
from reactor.model.fencing import CONFIG_MAP as FENCINGS
from reactor.model.identity import Drift, Outage
from reactor.model.intervention import CONFIG_MAP, Intervention, interventions
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject, text
from reactor.model.summary import Summary
from reactor.model.times import Clock
from workers.decide.observation import Neighbour
from workers.observe.parse import neighbour_view

TTL = 5.0  # seconds
MOMENT = 1.0  # seconds, for the lost node and its Lease
_TIDY = 10.0  # seconds between two looks for what is too old
NEARBY = 30.0  # seconds, for the pods of a namespace
_AHEAD = 1.0  # seconds; by so much two readings of the same clock in two processes may differ
_LEASES = 5000  # in a page: they are small
BOUND = 600.0  # seconds, for what does not change once a claim is bound
_T = TypeVar("_T")


class Surroundings:
    """One process' memory of what it read within the last seconds. Methods raise ClusterError.

    `steady` is a clock that nobody sets, for the ages of entries; `clock` is that of the pass.
    """

    def __init__(
        self,
        clock: Clock,
        ttl: float = TTL,
        namespace: str = "vm-drift",
        csi_addons: tuple[tuple[str, str], ...] = (),
        summaries: Summaries | None = None,
    ) -> None:
        """`namespace`: where the ConfigMaps are; `csi_addons`: as in VMDRIFT_CSI_ADDONS_NAMESPACES.

        `summaries`: the watchers'; None to read all Nodes and Leases itself.
        """
        self.clock = self.steady = clock
        self.steady_since, self._summaries = 0.0, summaries
        self._ttl, self.namespace, self.csi_addons = ttl, namespace, csi_addons
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._tidy_at = [clock()]  # shared by all copies (`by`)
        self._supposed: NodeView | None = None

    def by(self, clock: Clock, steady_since: float = 0.0) -> "Surroundings":
        """The same memory, for a pass whose clock this is. It is not known to have stepped since `steady_since`."""
        view = copy(self)
        view.clock, view.steady_since = clock, steady_since
        return view

    def apart(
        self,
        lost: NodeView,
        nodes: tuple[NodeView, ...],
        renewals: Mapping[str, float],
        neighbours: Mapping[str, tuple[Neighbour, ...]],
    ) -> "Surroundings":
        """With a memory of its own, for what is only supposed: it knows these already. `neighbours`: by namespace."""
        view, until = copy(self), self.steady() + BOUND
        known: dict[Hashable, tuple[float, Any]] = {"nodes": (until, nodes), "leases": (until, renewals)}
        known |= {("neighbours", namespace): (until, pods) for namespace, pods in neighbours.items()}
        vars(view).update(_supposed=lost, _summaries=None, _tidy_at=[until], _known=known)
        return view

    def interventions(self, cluster: Cluster) -> tuple[Intervention, ...]:
        """People's interventions as they are now: for what is about to be deleted."""
        return interventions(cluster.find("configmaps", CONFIG_MAP, self.namespace))

    def asked(self, cluster: Cluster, drift: Drift) -> tuple[Intervention, ...]:
        """The same, for a decision that is checked again before it is acted on: as they were a moment ago.

        If one concerns this drift, they are read again, so that nobody has to wait for what was lifted.
        """
        cached = interventions(self.find(cluster, "configmaps", CONFIG_MAP, self.namespace))
        return self.interventions(cluster) if any(intervention.meets(drift) for intervention in cached) else cached

    def fencings(self, cluster: Cluster) -> JsonObject | None:
        """The ConfigMap of what is known of nodes' fencing, as it is now: a proof should not wait."""
        return cluster.find("configmaps", FENCINGS, self.namespace)

    def nodes(self, cluster: Cluster, *, own: bool = False) -> tuple[NodeView, ...]:
        """All nodes, as of at most five seconds ago. `own`: by a list of this process, never by a summary."""
        if not own and (summary := self._summary()):
            return summary.nodes
        return self.once("nodes", lambda: _all_nodes(cluster))

    def lost(self, cluster: Cluster, name: str, ttl: float) -> NodeView | None:
        """The lost node, as of at most `ttl` seconds ago; or as it is supposed to be."""
        if self._supposed:
            return self._supposed
        obj = self.find(cluster, "nodes", name, ttl=ttl)
        return node_view(obj) if obj else None

    def node(self, cluster: Cluster, name: str) -> NodeView | None:
        """As of at most ten seconds ago: where a VM starts, or the lost one after a release."""
        if self._supposed and self._supposed.name == name:
            return self._supposed
        summary = self._summary(timing.SUMMARY_KEPT)
        if summary and (view := next((node for node in summary.nodes if node.name == name), None)):
            return view
        obj = self.find(cluster, "nodes", name, ttl=MOMENT)
        return node_view(obj) if obj else None

    def renewals(self, cluster: Cluster, *, own: bool = False) -> Mapping[str, float]:
        """When each node last renewed its Lease, by its own clock: seconds since the epoch. `own`: as above."""
        if not own and (summary := self._summary()):
            return summary.renewals
        return self.once("leases", lambda: dict(map(renewal, items(cluster, "leases", NODE_LEASES, _LEASES))))

    def current(self, cluster: Cluster, outage: Outage) -> tuple[tuple[NodeView, ...], Mapping[str, float]]:
        """Both, for whoever is about to delete: the first time in an outage by this process' own lists.

        That it has read them is noted for all workers.
        """
        own = self._summaries is None or not self._summaries.was_read(outage.id)
        nodes, renewals = self.nodes(cluster, own=own), self.renewals(cluster, own=own)
        if own and self._summaries:
            self._summaries.note_read(outage.id)
        return nodes, renewals

    def _summary(self, most: float = timing.SUMMARY_FRESH) -> Summary | None:
        """The watchers', if it is young enough, and the clock by which that is known has not stepped since."""
        if self._summaries is None:
            return None
        summary = self.once("summary", self._summaries.latest, timing.SUMMARY_EVERY)
        if summary is None or summary.as_of < self.steady_since:
            return None
        return summary if -_AHEAD <= self.clock() - summary.as_of <= most else None

    def find(
        self, cluster: Cluster, resource: str, name: str, namespace: str = "", ttl: float | None = None
    ) -> JsonObject | None:
        """One object, or None when there is none of that name. `ttl`: seconds, if not the common ones."""
        return self.once((resource, namespace, name), lambda: cluster.find(resource, name, namespace), ttl)

    def pods_on(self, cluster: Cluster, node: str, namespace: str) -> list[JsonObject]:
        """Everything of a namespace that is bound to a node."""
        fields = f"spec.nodeName={node}"
        return self.once((node, namespace), lambda: listed(cluster, "pods", namespace=namespace, fields=fields))

    def neighbours(self, cluster: Cluster, namespace: str) -> tuple[Neighbour, ...]:
        """The pods of a namespace that are bound to a node and have not ended, as they were within half a minute.

        They decide where a pod may go; workers.drift.act reads none of them.
        """

        def read() -> tuple[Neighbour, ...]:
            return tuple(placed(listed(cluster, "pods", namespace=namespace)))

        return self.once(("neighbours", namespace), read, NEARBY)

    def repelling(self, cluster: Cluster, namespace: str) -> tuple[Neighbour, ...]:
        """Those of them that keep others away, which are few."""

        def read() -> tuple[Neighbour, ...]:
            return tuple(pod for pod in self.neighbours(cluster, namespace) if pod.repels)

        return self.once(("repelling", namespace), read, NEARBY)

    def remember(self, resource: str, name: str, namespace: str, obj: JsonObject | None) -> None:
        """Keep what was read just now: `find` returns it for some minutes."""
        self._known[resource, namespace, name] = (self.steady() + BOUND, obj)

    def once(self, key: Hashable, read: Callable[[], _T], ttl: float | None = None) -> _T:
        """What `read` returned within the last seconds, or returns now."""
        now = self.steady()
        self._tidy(now)
        until, entry = self._known.get(key, (now, None))
        if now < until:
            value: _T = entry
            return value
        value = read()
        self._known[key] = (now + (self._ttl if ttl is None else ttl), value)
        return value

    def _tidy(self, now: float) -> None:
        if now < self._tidy_at[0]:
            return
        self._tidy_at[0] = now + _TIDY
        for key in [key for key, (until, _) in self._known.items() if now >= until]:
            del self._known[key]


def placed(pods: Iterable[JsonObject]) -> Iterator[Neighbour]:
    """Those that are bound to a node and have not ended."""
    return (neighbour_view(pod) for pod in pods if _runs(pod))


def _runs(pod: JsonObject) -> bool:
    return bool(text(pod, "spec", "nodeName")) and text(pod, "status", "phase") not in {"Succeeded", "Failed"}


def _all_nodes(cluster: Cluster) -> tuple[NodeView, ...]:
    """Where they are more than a page, by one request for all of them."""
    first = next(iter(cluster.pages("nodes")), Page([], ""))
    nodes, gone = dict[str, NodeView](), set[str]()
    for page in cluster.pages("nodes", limit=STREAMED) if first.more else (first,):
        nodes |= {node.name: node for node in map(node_view, page.items)}
        gone |= page.gone
    return tuple(node for node in nodes.values() if node.uid not in gone)


def items(cluster: Cluster, resource: str, namespace: str = "", limit: int = PAGE) -> Iterator[JsonObject]:
    """A whole list, page by page: who keeps only a part of each object never has all of them in memory."""
    for page in cluster.pages(resource, namespace=namespace, limit=limit):
        yield from page.items


def listed(
    cluster: Cluster, resource: str, *, namespace: str = "", labels: str = "", fields: str = ""
) -> list[JsonObject]:
    """A whole list."""
    pages = cluster.pages(resource, namespace=namespace, labels=labels, fields=fields)
    return [item for page in pages for item in page.items]


def renewed(lease: JsonObject | None) -> str:
    """A Lease's renewTime as it is written; "" when there is none."""
    return text(lease, "spec", "renewTime")
