"""A pod beside the VMs that writes to a disk of its own, and is made again elsewhere as soon as its object is gone."""

from simulator import shapes
from simulator.client import Client, Obj
from simulator.vms import ClaimPod


class StatefulSet:
    """An actor: as a StatefulSet does, it waits until the old pod's object is gone, whatever became of its node."""

    name = "statefulset"
    watches = ("pods",)

    def __init__(self, client: Client, pod: ClaimPod) -> None:
        self._client, self._pod, self.made = client, pod, 0
        self._pods, self._nodes = client.informer("pods", pod.namespace), client.informer("nodes")

    def step(self, now: float) -> float | None:
        """Make it again."""
        self._pods.poll()
        self._nodes.poll()
        if (self._pod.namespace, self._pod.name) in self._pods.objects:
            return None
        ready = [name for (_, name), node in sorted(self._nodes.objects.items()) if _is_ready(node)]
        if not ready:
            return now + 10
        pod = shapes.plain_pod(self._pod.namespace, self._pod.name, ready[-1], self._pod.claim)
        self._client.create("pods", pod)
        self.made += 1
        return None


def _is_ready(node: Obj) -> bool:
    conditions = node["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
