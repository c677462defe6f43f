"""The garbage collectors of pods: out-of-service and deleted nodes, finished owners.

Source: kubernetes `pkg/controller/podgc/gc_controller.go` (gcTerminating, gcOrphaned) and
`pkg/controller/garbagecollector`.
"""

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.timing import Timing

_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
_OWNERS = {"Pod": "pods", "VirtualMachineInstance": "virtualmachineinstances"}


class PodGc:
    """One collector. Uses `timing.pod_gc` and `timing.pod_quarantine`.

    Args:
        client: the collector's access.
        timing: how long things take.
        phase: seconds after the first step at which stranded pods are first looked for.
    """

    name = "pod-gc"
    watches = ("pods", "virtualmachineinstances")

    def __init__(self, client: Client, timing: Timing, phase: float = 0.0) -> None:
        self._client, self._timing, self._phase = client, timing, phase
        self._pods, self._nodes = client.informer("pods"), client.informer("nodes")
        self._owners = {kind: client.informer(resource) for kind, resource in _OWNERS.items()}
        self._look: float | None = None
        self._orphaned: dict[str, float] = {}  # name of a node that is gone -> since when

    def step(self, now: float) -> float:
        """Delete what lost its owner; at each period, what its node cannot finish."""
        lost = any(kind == "DELETED" for informer in self._owners.values() for kind, _ in informer.poll())
        self._pods.poll()
        if lost:
            self._collect_disowned()
        if self._look is None:
            self._look = now + self._phase
        if now >= self._look:
            self._look = now + self._timing.pod_gc
            self._collect_stranded(now)
        return self._look

    def _collect_disowned(self) -> None:
        for pod in list(self._pods.objects.values()):
            for owner in pod["metadata"].get("ownerReferences") or ():
                informer = self._owners.get(owner["kind"])
                found = informer.objects.get((pod["metadata"]["namespace"], owner["name"])) if informer else pod
                gone = informer is not None and (found is None or found["metadata"]["uid"] != owner["uid"])
                if gone and not objects.deleting(pod):
                    self._delete(pod, None)

    def _collect_stranded(self, now: float) -> None:
        self._nodes.poll()
        for pod in list(self._pods.objects.values()):
            name = pod["spec"].get("nodeName")
            node = self._nodes.objects.get(("", name)) if name else None
            if name and node is None:
                since = self._orphaned.setdefault(name, now)
                if now - since >= self._timing.pod_quarantine:
                    self._force(pod, [_orphaned(pod, now)])
            elif node is not None and objects.deleting(pod) and _out_of_service(node):
                self._force(pod, [])
        self._orphaned = {name: at for name, at in self._orphaned.items() if ("", name) not in self._nodes.objects}

    def _force(self, pod: Obj, more: list[Obj]) -> None:
        """End the pod first, with these conditions: no kubelet will, and who waits for its end looks at its phase."""
        meta, conditions = pod["metadata"], objects.conditions(pod)
        if pod["status"]["phase"] not in objects.FINISHED:
            for condition in more:
                conditions = objects.with_condition(conditions, condition)
            failed = {"status": {"phase": "Failed", "conditions": conditions}}
            self._client.patch("pods", meta["name"], failed, meta["namespace"], subresource="status")
        self._delete(pod, 0)

    def _delete(self, pod: Obj, grace: int | None) -> None:
        meta = pod["metadata"]
        self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"], grace=grace)


def _orphaned(pod: Obj, now: float) -> Obj:
    why = {"reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}
    generation = pod["metadata"].get("generation", 1)
    return objects.pod_condition("DisruptionTarget", "True", now, **why, observedGeneration=generation)


def _out_of_service(node: Obj) -> bool:
    not_ready = objects.condition(node, "Ready").get("status") != "True"
    return not_ready and any(taint["key"] == _OUT_OF_SERVICE for taint in objects.taints(node))
