"""The node lifecycle controller: a node that is not heard for the grace period is Unknown, tainted, its pods not Ready.

Source: kubernetes `pkg/controller/nodelifecycle/node_lifecycle_controller.go`. A heartbeat counts by being *another*
value than at the last look, so clocks are never compared; this memory is lost with the controller.
"""

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from simulator.actors import objects
from simulator.client import ApiError, Client, Obj
from simulator.objects import rfc3339
from simulator.timing import Timing

UNREACHABLE, NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"
_KEYS = {"Unknown": UNREACHABLE, "False": NOT_READY}
_COMPONENT = "node-controller"
_LEASE = "kube-system", "kube-controller-manager"
_ROUNDING = 1e-4  # the grace period is a multiple of the period: a sum of floats may fall just short of it
_ZONE = "topology.kubernetes.io/zone"
# Partial disruption: at least this share and more than this number not Ready; then nothing is evicted in small zones.
_UNHEALTHY_SHARE, _UNHEALTHY_NODES = 0.55, 2


@dataclass
class _Health:
    seen: Any
    at: float


class NodeLifecycle:
    """One controller for all nodes.

    Args:
        client: the controller's access.
        timing: `node_monitor_period` and `node_monitor_grace` are used.
        phase: seconds after the first step at which the first look at all nodes is due.
    """

    name = "node-lifecycle"
    watches = ("nodes",)

    def __init__(self, client: Client, timing: Timing, phase: float = 0.0) -> None:
        self._client, self._timing, self._phase = client, timing, phase
        self._nodes, self._leases = client.informer("nodes"), client.informer("leases", "kube-node-lease")
        self._health: dict[str, _Health] = {}
        self._look: float | None = None

    def step(self, now: float) -> float:
        """Taint what has changed; at each period, look at all nodes."""
        if self._look is None:
            self._look = now + self._phase
        changed = [obj for kind, obj in self._nodes.poll() if kind != "DELETED"]
        if now >= self._look:
            self._look += self._timing.node_monitor_period
            self._leases.poll()
            self._renew(now)
            for node in list(self._nodes.objects.values()):
                self._monitor(node, now)
            for execute in (False, True):
                self._nodes.poll()
                for node in [node for node in self._nodes.objects.values() if _concerned(node)]:
                    self._taint(node, now, execute=execute)
        else:
            for node in {node["metadata"]["name"]: node for node in changed if _concerned(node)}.values():
                self._taint(node, now, execute=False)
        return self._look

    def _renew(self, now: float) -> None:
        """Keep the controller manager's own Lease: every period here, every 2 s in a real one."""
        spec: Obj = {"leaseDurationSeconds": 15, "holderIdentity": "kube-controller-manager-0"}
        spec["renewTime"] = objects.micro_time(now)
        try:
            self._client.patch("leases", _LEASE[1], {"spec": spec}, _LEASE[0])
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            meta = {"namespace": _LEASE[0], "name": _LEASE[1]}
            self._client.create("leases", {"metadata": meta, "spec": spec})

    def _monitor(self, node: Obj, now: float) -> None:
        """Mark the node Unknown when it was not heard for the grace period."""
        name, ready = node["metadata"]["name"], objects.condition(node, "Ready")
        lease = self._leases.objects.get(("kube-node-lease", name), {})
        heard = (lease.get("spec", {}).get("renewTime"), ready.get("lastHeartbeatTime"))
        health = self._health.get(name)
        if health is None or health.seen != heard:
            self._health[name] = _Health(heard, now)
        elif now - health.at >= self._timing.node_monitor_grace - _ROUNDING and ready.get("status") != "Unknown":
            self._lose(node, now)

    def _lose(self, node: Obj, now: float) -> None:
        lost = {
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastTransitionTime": rfc3339(now),
        }
        name = node["metadata"]["name"]
        patch = {"status": {"conditions": [entry | lost for entry in objects.conditions(node)]}}
        self._client.patch("nodes", name, patch, subresource="status")
        message = f"Node {name} status is now: NodeNotReady"
        self._client.create("events", objects.event(node, ("NodeNotReady", message), _COMPONENT, now))
        for pod in self._client.list("pods", fields=f"spec.nodeName={name}"):
            self._not_ready(pod, now)

    def _not_ready(self, pod: Obj, now: float) -> None:
        ready = objects.condition(pod, "Ready")
        if ready.get("status") != "True":
            return
        ready = ready | {"status": "False", "lastTransitionTime": rfc3339(now)}
        patch = {"status": {"conditions": objects.with_condition(objects.conditions(pod), ready)}}
        meta = pod["metadata"]
        self._client.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")
        happened = objects.event(pod, ("NodeNotReady", "Node is not ready"), _COMPONENT, now, kind="Warning")
        self._client.create("events", happened)

    def _taint(self, node: Obj, now: float, *, execute: bool) -> None:
        """Bring the node's taints in line with its Ready condition; NoExecute only at a look at all nodes."""
        key = _KEYS.get(objects.condition(node, "Ready").get("status", ""))
        present = objects.taints(node)
        wanted = {(key, "NoSchedule")} if key else set()
        if execute:
            wanted |= self._execute(node, key)
        else:
            wanted |= {(t["key"], t["effect"]) for t in present if t["effect"] == "NoExecute"}
        kept = [t for t in present if t["key"] not in _KEYS.values() or (t["key"], t["effect"]) in wanted]
        missing = wanted - {(t["key"], t["effect"]) for t in kept}
        new = [{"key": k, "effect": e, "timeAdded": rfc3339(now)} for k, e in sorted(missing, reverse=True)]
        if kept + new != present:
            self._client.patch("nodes", node["metadata"]["name"], {"spec": {"taints": (kept + new) or None}})

    def _execute(self, node: Obj, key: str | None) -> set[tuple[str, str]]:
        """The NoExecute taint that the node should carry: none while Kubernetes itself has stopped evicting."""
        if key is None or self._all_lost():
            return set()
        has = any(taint["key"] == key and taint["effect"] == "NoExecute" for taint in objects.taints(node))
        return {(key, "NoExecute")} if has or not self._disrupted(_zone(node)) else set()

    def _disrupted(self, zone: str) -> bool:
        ready = self._readiness()[zone]
        lost = ready.count(False)
        return any(ready) and lost > _UNHEALTHY_NODES and lost / len(ready) >= _UNHEALTHY_SHARE

    def _all_lost(self) -> bool:
        return not any(ready for zone in self._readiness().values() for ready in zone)

    def _readiness(self) -> dict[str, list[bool]]:
        zones: dict[str, list[bool]] = defaultdict(list)
        for node in self._nodes.objects.values():
            zones[_zone(node)].append(objects.condition(node, "Ready").get("status") == "True")
        return zones


def _concerned(node: Obj) -> bool:
    return bool(objects.taints(node)) or objects.condition(node, "Ready").get("status") != "True"


def _zone(node: Obj) -> str:
    return str(node["metadata"].get("labels", {}).get(_ZONE, ""))
