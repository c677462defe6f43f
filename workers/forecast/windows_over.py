"""What the API would show if a lost node's windows were over and nothing else had happened.

So its VMs are read and judged by the very code of their drifts (`workers.observe`, `workers.decide`).
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace

from reactor.adapters.kubernetes.cluster import PAGE, Page
from reactor.model.drift import Policy, Record
from reactor.model.errors import Rejected
from reactor.model.lease import NODE_LEASES
from reactor.model.node import UNREACHABLE_TAINT, NodeView, Taint
from reactor.model.objects import JsonObject, text
from workers.decide.observation import PodView
from workers.forecast.eviction import evicted, is_soon_tainted
from workers.forecast.lists import Lists
from workers.observe.cache import listed
from workers.observe.parse import pod_view

_TAKES = 10.0  # seconds from the moment a VM may be released until it is: Kubernetes evicts it, and it has its turn


class WindowsOver:
    """A Cluster. `lost`: its node as it is; `nodes`: all of them, as they are.

    Not shown, because no forecast rests on it: the controller manager, and a later sign of life than the record has.
    """

    def __init__(self, lists: Lists, lost: NodeView, nodes: Sequence[NodeView], policy: Policy, now: float) -> None:
        self._lists, self._policy, self.now = lists, policy, now
        taint = Taint(UNREACHABLE_TAINT, "", "NoExecute", now)
        self.node = replace(lost, taints=(*lost.taints, taint)) if is_soon_tainted(lost, nodes, now) else lost
        self._released, self._lease, self.at = frozenset[str](), "", now

    def of(self, record: Record) -> "WindowsOver":
        """For one VM: `at` is when it would be released, at the latest, seconds since the epoch."""
        view, policy = copy(self), self._policy
        outage, seen_at = record.drift.outage, record.noticed_at or record.created_at
        windows = max(policy.unreachable_window, policy.virt_handler_grace)
        at = max(self.now, outage.unknown_since + windows, seen_at + windows, *self._evictions(record)) + _TAKES
        vars(view).update(at=at, _lease=record.signs.lease if record.signs else "")
        return view

    def without(self, pods: Sequence[PodView]) -> "WindowsOver":
        """After these were deleted."""
        view = copy(self)
        vars(view).update(_released=frozenset(pod.uid for pod in pods))
        return view

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster's."""
        if resource == "leases":
            own = (name, namespace) == (self.node.name, NODE_LEASES) and self._lease
            return {"spec": {"renewTime": self._lease}} if own else None
        obj = self._lists.find(resource, name, namespace)
        return self._changed(obj) if obj and resource == "pods" else obj

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """As the Cluster's."""
        for page in self._lists.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit):
            changed = map(self._changed, page.items) if resource == "pods" else page.items
            yield replace(page, items=[obj for obj in changed if obj])

    def delete(self, resource: str, name: str, namespace: str = "", **more: object) -> None:  # noqa: ARG002
        """Nothing is changed."""
        raise Rejected("what is only supposed is never acted on")

    def time(self) -> float | None:
        """As the Cluster's."""
        return self._lists.time()

    def _changed(self, pod: JsonObject) -> JsonObject | None:
        if text(pod, "spec", "nodeName") != self.node.name:
            return pod
        return None if pod["metadata"]["uid"] in self._released else evicted(pod, self.node, self.at)

    def _evictions(self, record: Record) -> list[float]:
        """When each of its launchers would be evicted."""
        labels = f"kubevirt.io/created-by in ({record.vmi_uid})"
        pods = listed(self._lists, "pods", namespace=record.drift.vm.namespace, labels=labels) if record.vmi_uid else []
        tainted, waits = self.node.unreachable_since, map(pod_view, pods)
        if tainted is None or self._policy.delete_unevicted:
            return []
        return [min(tainted, self.now) + pod.tolerates for pod in waits if not pod.terminating and pod.tolerates]
