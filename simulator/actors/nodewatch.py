"""virt-controller's look at nodes: whose virt-handler has not been heard for five minutes is not schedulable.

Source: KubeVirt `pkg/virt-controller/watch/node/node.go`. It does derive this window from the annotation, in
whole seconds.
"""

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.store.objects import epoch
from simulator.timing import Timing

_SCHEDULABLE, _HEARTBEAT = "kubevirt.io/schedulable", "kubevirt.io/heartbeat"


class NodeWatch:
    """A part of virt-controller. Uses `timing.node_look` and `node_unresponsive`."""

    def __init__(self, client: Client, timing: Timing, phase: float) -> None:
        self._client, self._timing, self._phase = client, timing, phase
        self._nodes = client.informer("nodes")
        self._look: float | None = None

    def step(self, now: float) -> float:
        """Look at all nodes when it is time; when the next look is due."""
        if self._look is None:
            self._look = now + self._phase
        self._nodes.poll()
        if now >= self._look:
            self._look += self._timing.node_look
            for node in list(self._nodes.objects.values()):
                self._judge(node, now)
        return self._look

    def unresponsive(self, node: str) -> bool:
        """Whether a node is marked, or gone."""
        found = self._nodes.objects.get(("", node))
        return found is None or _schedulable(found) == "false"

    def _judge(self, node: Obj, now: float) -> None:
        heartbeat = node["metadata"].get("annotations", {}).get(_HEARTBEAT)
        silent = heartbeat is not None and now - epoch(heartbeat) > self._timing.node_unresponsive
        if not silent or _schedulable(node) == "false":
            return
        message = "virt-handler is not responsive, marking node as unresponsive"
        self._client.create("events", objects.event(node, ("NodeUnresponsive", message), "node-controller", now))
        self._client.patch("nodes", node["metadata"]["name"], {"metadata": {"labels": {_SCHEDULABLE: "false"}}})


def _schedulable(node: Obj) -> str:
    return str(node["metadata"].get("labels", {}).get(_SCHEDULABLE, ""))
