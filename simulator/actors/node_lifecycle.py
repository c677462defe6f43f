"""The node lifecycle controller: a node that is not heard for the grace period is Unknown, tainted, its pods not Ready.

Source: kubernetes `pkg/controller/nodelifecycle/node_lifecycle_controller.go`. A heartbeat counts by being *another*
value than at the last look, so clocks are never compared; this memory is lost with the controller.
"""

from dataclasses import dataclass
from typing import Any

from simulator.actors import objects
from simulator.actors.leader import Leader
from simulator.actors.readiness import Readiness
from simulator.client import ApiError, Client, Obj
from simulator.store.objects import rfc3339
from simulator.timing import Timing

UNREACHABLE, NOT_READY = "node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"
_KEYS = {"Unknown": UNREACHABLE, "False": NOT_READY}
_COMPONENT = "node-controller"
_ROUNDING = 1e-4  # the grace period is a multiple of the period: a sum of floats may fall just short of it


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
        leader: the process; its clock is the time of every condition, taint and event written here.
    """

    name = "node-lifecycle"
    watches = ("nodes",)
    renews = "leases"
    on_demand = False

    def __init__(self, client: Client, timing: Timing, phase: float = 0.0, leader: Leader | None = None) -> None:
        self._client, self.timing, self._phase = client, timing, phase
        self.leader = leader or Leader()
        self._nodes, self._leases = client.informer("nodes"), client.informer("leases", "kube-node-lease")
        self._health: dict[str, _Health] = {}
        self._look: float | None = None
        self._renew: float | None = None
        self._evicting: set[tuple[str, str]] = set()  # (node, taint's key) that this process put NoExecute on
        self._ready = Readiness()  # as of the last poll
        self._settled: dict[str, tuple[Obj, int]] = {}  # by node, at a look: nothing was to be tainted

    def step(self, now: float) -> float:
        """Taint what has changed; at each period, look at all nodes."""
        if self._look is None:
            self._look = now + self._phase
        self.renew(now)
        at = self.leader.clock(now)
        changed = self._hear()
        if now >= self._look:
            self._look += self.timing.node_monitor_period
            self._leases.poll()
            for node in list(self._nodes.objects.values()):
                self._monitor(node, now)
            for execute in (False, True):
                self._hear()
                for node in [node for node in self._nodes.objects.values() if _concerned(node)]:
                    self._taint(node, at, execute=execute)
        else:
            for node in {node["metadata"]["name"]: node for node in changed if _concerned(node)}.values():
                self._taint(node, at, execute=False)
        return self._look if self.on_demand or self._renew is None else min(self._look, self._renew)

    def renew(self, now: float) -> None:
        """Renew the Lease as was due by `now`: of several renewals only the last can be seen any more."""
        due = now if self._renew is None else self._renew
        if now >= due:
            period = self.timing.leader_renew
            last = due + (now - due) // period * period
            self._renew = last + period  # first: who takes the Lease over reads it
            try:
                self.leader.renew(self._client, last)
            except ApiError:
                self._renew = last
                raise

    def _hear(self) -> list[Obj]:
        """The nodes that have changed."""
        changes = self._nodes.poll()
        self._ready.take(changes)
        return [obj for kind, obj in changes if kind != "DELETED"]

    def _monitor(self, node: Obj, now: float) -> None:
        """Mark the node Unknown when it was not heard for the grace period."""
        name, ready = node["metadata"]["name"], objects.condition(node, "Ready")
        lease = self._leases.objects.get(("kube-node-lease", name), {})
        heard = (lease.get("spec", {}).get("renewTime"), ready.get("lastHeartbeatTime"))
        health = self._health.get(name)
        if health is None or health.seen != heard:
            self._health[name] = _Health(heard, now)
        elif now - health.at >= self.timing.node_monitor_grace - _ROUNDING and ready.get("status") != "Unknown":
            self._lose(node, self.leader.clock(now))

    def _lose(self, node: Obj, now: float) -> None:
        lost = {
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastTransitionTime": rfc3339(now),
        }
        name = node["metadata"]["name"]
        never = [{"type": "Ready", "lastHeartbeatTime": node["metadata"]["creationTimestamp"]}]
        if not objects.conditions(node):
            lost |= {"reason": "NodeStatusNeverUpdated", "message": "Kubelet never posted node status."}
        patch = {"status": {"conditions": [entry | lost for entry in objects.conditions(node) or never]}}
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
        """Bring the node's taints in line with its Ready condition; NoExecute only at a look at all nodes.

        Of the same node among the same others it was clear at the last look that there is nothing to do.
        """
        name = node["metadata"]["name"]
        settled = self._settled.get(name)
        if settled and settled[0] is node and settled[1] == self._ready.version:
            return
        key = _KEYS.get(objects.condition(node, "Ready").get("status", ""))
        present = objects.taints(node)
        wanted = {(key, "NoSchedule")} if key else set()
        if execute:
            wanted |= self._execute(node, key)
            present = self._inherited_dropped(node, key, wanted)
        else:
            wanted |= {(t["key"], t["effect"]) for t in present if t["effect"] == "NoExecute"}
        kept = [t for t in present if t["key"] not in _KEYS.values() or (t["key"], t["effect"]) in wanted]
        missing = wanted - {(t["key"], t["effect"]) for t in kept}
        new = [{"key": k, "effect": e, "timeAdded": rfc3339(now)} for k, e in sorted(missing, reverse=True)]
        if kept + new != objects.taints(node):
            self._client.patch("nodes", name, {"spec": {"taints": (kept + new) or None}})
        elif execute:
            self._settled[name] = node, self._ready.version

    def _inherited_dropped(self, node: Obj, key: str | None, wanted: set[tuple[str, str]]) -> list[Obj]:
        """The node's taints; without a NoExecute of another process, which a new one puts on again, once (recorded)."""
        mine, present = (node["metadata"]["name"], key or ""), objects.taints(node)
        if (key, "NoExecute") not in wanted:
            self._evicting = {known for known in self._evicting if known[0] != mine[0]}
        elif mine not in self._evicting and not self._ready.disrupted(node):
            self._evicting.add(mine)
            return [taint for taint in present if (taint["key"], taint["effect"]) != (key, "NoExecute")]
        return present

    def _execute(self, node: Obj, key: str | None) -> set[tuple[str, str]]:
        """The NoExecute taint that the node should carry: none while Kubernetes itself has stopped evicting."""
        if key is None or self._ready.all_lost():
            return set()
        has = any(taint["key"] == key and taint["effect"] == "NoExecute" for taint in objects.taints(node))
        return {(key, "NoExecute")} if has or not self._ready.disrupted(node) else set()


def _concerned(node: Obj) -> bool:
    return bool(objects.taints(node)) or objects.condition(node, "Ready").get("status") != "True"
