"""Which pods are on which nodes, as the scheduler's cache has it: finished ones are nowhere.

Source: kubernetes `pkg/scheduler/eventhandlers.go` (it watches no pod in phase Succeeded or Failed). A pod counts from
the moment of its binding, and while it is Terminating.
"""

from collections import Counter
from collections.abc import Iterator

from simulator.actors import objects
from simulator.actors.nodefit import REQUIRED
from simulator.actors.room import Amounts, Room, requested
from simulator.client import Client, Informer, Obj
from simulator.store.objects import Key, key_of


class Placed:
    """The pods that have a node. `client` is asked for namespaces, and only where a term selects some by label.

    `room`: is told of each.
    """

    def __init__(self, client: Client, pods: Informer, nodes: Informer, room: Room | None = None) -> None:
        self._room, self._asked = room, dict[Key, Amounts]()
        self._client, self._pods, self._nodes = client, pods, nodes
        self._where: dict[Key, str] = {}
        self._repelling: set[Key] = set()
        self.load: Counter[str] = Counter()

    def note(self, kind: str, pod: Obj) -> None:
        """A pod has changed."""
        key, node = key_of(pod), pod["spec"].get("nodeName")
        if kind == "DELETED" or pod["status"]["phase"] in objects.FINISHED:
            self.forget(key)
        elif node and key not in self._where:
            self.put(pod, node)

    def put(self, pod: Obj, node: str) -> None:
        """A pod is bound to a node."""
        key = key_of(pod)
        self._where[key] = node
        self.load[node] += 1
        if self._room:
            self._asked[key] = requested(pod)
            self._room.take(node, self._asked[key])
        if required(pod, "podAntiAffinity"):
            self._repelling.add(key)

    def forget(self, key: Key) -> None:
        """A pod is nowhere any more."""
        if key in self._where:
            node = self._where.pop(key)
            self.load[node] -= 1
            if self._room:
                self._room.give_back(node, self._asked.pop(key))
            self._repelling.discard(key)

    def all(self) -> Iterator[tuple[Obj, Obj]]:
        """Every pod on a node that is there, with that node."""
        yield from self._with_nodes(self._where)

    def repelling(self) -> Iterator[tuple[Obj, Obj]]:
        """Those of them that keep others away."""
        yield from self._with_nodes(sorted(self._repelling))

    def nodes(self) -> Iterator[Obj]:
        """Every node."""
        yield from self._nodes.objects.values()

    def namespaces(self) -> dict[str, Obj]:
        """The labels of every namespace, by name."""
        return {obj["metadata"]["name"]: obj["metadata"].get("labels") or {} for obj in self._client.list("namespaces")}

    def _with_nodes(self, keys: dict[Key, str] | list[Key]) -> Iterator[tuple[Obj, Obj]]:
        for key in keys:
            node = self._nodes.objects.get(("", self._where[key]))
            if node is not None:
                yield self._pods.objects[key], node


def required(pod: Obj, kind: str) -> list[Obj]:
    """The terms that a pod's affinity of a kind ("podAffinity", "podAntiAffinity") requires."""
    rules = (pod["spec"].get("affinity") or {}).get(kind) or {}
    return list(rules.get(REQUIRED) or ())
