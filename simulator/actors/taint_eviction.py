"""The taint eviction controller: a NoExecute taint deletes the pods that do not, or no longer, tolerate it.

Source: kubernetes `pkg/controller/tainteviction/taint_eviction.go`. The time a pod is tolerated counts from when this
controller first saw the taint, in memory; it starts again when the controller is replaced.
"""

from dataclasses import dataclass

from simulator.actors import objects
from simulator.actors.leader import Leader
from simulator.actors.retry import WorkQueue
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of
from simulator.timing import Timing

_COMPONENT = "taint-eviction-controller"


@dataclass
class _Eviction:
    since: float
    due: float
    uid: str


class TaintEviction:
    """One controller for all nodes. Uses `timing.declared` for `tolerationSeconds`."""

    name = "taint-eviction"
    watches = ("nodes", "pods")

    def __init__(self, client: Client, timing: Timing, leader: Leader | None = None) -> None:
        self._client, self._timing, self._leader = client, timing, leader or Leader()
        self._nodes, self._pods = client.informer("nodes"), client.informer("pods")
        self._taints: dict[str, list[Obj]] = {}
        self._evictions: dict[Key, _Eviction] = {}
        self._queue: WorkQueue[Key] = WorkQueue()

    def step(self, now: float) -> float | None:
        """Plan and cancel evictions for what has changed, and carry out those that are due."""
        for pod in self._concerned():
            self._plan(pod, now)
        due = [key for key, eviction in self._evictions.items() if eviction.due <= now]
        self._queue.add(due, now)
        again = self._queue.work(lambda key: self._evict(key, now), now)
        dues = [eviction.due for eviction in self._evictions.values()]
        return min([*dues, *([] if again is None else [again])], default=None)

    def _concerned(self) -> list[Obj]:
        """The pods to be judged anew: those that changed; of nodes whose taints did, those on their way out too."""
        keys = set()
        for kind, pod in self._pods.poll():
            if kind == "DELETED" or objects.deleting(pod):
                self._evictions.pop(key_of(pod), None)
            else:
                keys.add(key_of(pod))
        nodes = set()
        for kind, node in self._nodes.poll():
            name = node["metadata"]["name"]
            execute = [t for t in objects.taints(node) if t["effect"] == "NoExecute" and kind != "DELETED"]
            if execute != self._taints.get(name, []):
                self._taints[name] = execute
                nodes.add(name)
        found = self._pods.objects
        if nodes:
            keys |= {key for key, pod in found.items() if pod["spec"].get("nodeName") in nodes}
        return [found[key] for key in sorted(keys) if key in found]

    def _plan(self, pod: Obj, now: float) -> None:
        key, uid = key_of(pod), pod["metadata"]["uid"]
        taints = self._taints.get(pod["spec"].get("nodeName", ""), [])
        planned = self._evictions.pop(key, None)
        if planned and planned.uid != uid:
            planned = None
        tolerated = self._tolerated(pod, taints)
        if planned and tolerated is None:
            self._tell(pod, f"Cancelling deletion of Pod {key[0]}/{key[1]}", now)
        # A taint that is not tolerated at all evicts once more what is Terminating already (recorded).
        if tolerated is not None and not (tolerated and objects.deleting(pod)):
            since = planned.since if planned and tolerated else now
            self._evictions[key] = _Eviction(since, since + tolerated, uid)

    def _tolerated(self, pod: Obj, taints: list[Obj]) -> float | None:
        """For how many seconds the pod tolerates all the taints, None for ever.

        Of each taint's tolerations only the first that matches counts (`GetMatchingTolerations` in kubernetes
        `pkg/apis/core/v1/helper/helpers.go`), of these the shortest (`getMinTolerationTime`).
        """
        used = [next(iter(objects.tolerations(pod, taint)), None) for taint in taints]
        if None in used:
            return 0.0
        seconds = [max(0, t["tolerationSeconds"]) for t in used if t and t.get("tolerationSeconds") is not None]
        return self._timing.declared(min(seconds)) if seconds else None

    def _evict(self, key: Key, now: float) -> None:
        pod = self._pods.objects.get(key)
        if pod is None or key not in self._evictions:
            return
        self._tell(pod, f"Marking for deletion Pod {key[0]}/{key[1]}", now)
        if objects.condition(pod, "DisruptionTarget").get("status") != "True":
            self._mark(pod, now)
        self._client.delete("pods", key[1], key[0], uid=pod["metadata"]["uid"])
        del self._evictions[key]

    def _mark(self, pod: Obj, now: float) -> None:
        target = objects.pod_condition(
            "DisruptionTarget",
            "True",
            self._leader.clock(now),
            reason="DeletionByTaintManager",
            message="Taint manager: deleting due to NoExecute taint",
            observedGeneration=pod["metadata"].get("generation", 1),
        )
        patch = {"status": {"conditions": objects.with_condition(objects.conditions(pod), target)}}
        self._client.patch("pods", key_of(pod)[1], patch, key_of(pod)[0], subresource="status")

    def _tell(self, pod: Obj, message: str, now: float) -> None:
        happened = objects.event(pod, ("TaintManagerEviction", message), _COMPONENT, self._leader.clock(now))
        self._client.create("events", happened)
