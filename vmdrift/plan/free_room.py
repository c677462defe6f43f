"""Free-room arithmetic: what each node has left, by what the pods bound there request, as the scheduler counts it.

Source: kubernetes `pkg/api/v1/resource/helpers.go` (PodRequests). Room blocks nothing: a VM without room is Pending.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog

from reactor.adapters.kubernetes.quantities import quantity
from reactor.model.objects import Obj, part, parts, text
from vmdrift.snapshot import ClusterSnapshot
from workers.observe.cache import listed

Amounts = Mapping[str, int]  # resource -> thousandths of its unit (cores, bytes, pieces)

_TERMINAL = frozenset({"Succeeded", "Failed"})
_UNKNOWN = 2**63 * 1000  # what a request that is no quantity counts as: no node has so much

log = structlog.get_logger()


def requests(pod: Obj) -> Amounts:
    """What the scheduler reserves for a pod: its containers together, or its greediest init container."""
    inits = parts(pod, "spec", "initContainers")
    sidecars = [container for container in inits if text(container, "restartPolicy") == "Always"]
    total = _sum([*parts(pod, "spec", "containers"), *sidecars])
    for container in inits:
        for name, amount in _requested(container).items():
            total[name] = max(total[name], amount)
    total.update(_amounts(part(pod, "spec", "overhead"), _UNKNOWN))
    total["pods"] += 1000
    return {name: amount for name, amount in total.items() if amount}


def _sum(containers: Iterable[Obj]) -> Counter[str]:
    total: Counter[str] = Counter()
    for container in containers:
        total.update(_requested(container))
    return total


def _requested(container: Obj) -> dict[str, int]:
    return _amounts(part(container, "resources", "requests"), _UNKNOWN)


def _amounts(quantities: Obj, unknown: int) -> dict[str, int]:
    return {name: _amount(quantities[name], unknown) for name in quantities}


def _amount(value: object, unknown: int) -> int:
    try:
        return quantity(str(value))
    except ValueError:
        return unknown


def _warn(pod: Obj, node: str, requested: Amounts) -> None:
    """The API server takes no such pod; a file may hold one."""
    if unreadable := [name for name, amount in requested.items() if amount >= _UNKNOWN]:
        pod_name = f"{text(pod, 'metadata', 'namespace')}/{text(pod, 'metadata', 'name')}"
        asked = " and ".join(unreadable)
        sentence = f"What pod {pod_name} requests of {asked} is no quantity: nothing else finds {asked} on {node}."
        log.warning("pod's request unreadable", sentence=sentence)


class FreeRoom:
    """What is left on each node; `take` uses it up."""

    def __init__(self, free: Mapping[str, Amounts], whole: Mapping[str, Amounts] | None = None) -> None:
        self._free = dict(free)  # what it holds is replaced and never changed: copies share it
        self._whole = whole or free

    @classmethod
    def of(cls, snapshot: ClusterSnapshot) -> "FreeRoom":
        """As the snapshot shows it."""
        free: dict[str, Counter[str]] = {}
        for node in listed(snapshot, "nodes"):
            free[node["metadata"]["name"]] = Counter(_amounts(part(node, "status", "allocatable"), 0))
        whole = {node: dict(amounts) for node, amounts in free.items()}
        for pod in listed(snapshot, "pods"):
            name = text(pod, "spec", "nodeName")
            if name in free and text(pod, "status", "phase") not in _TERMINAL:
                requested = requests(pod)
                free[name].subtract(requested)
                _warn(pod, name, requested)
        return cls(free, whole)

    def copy(self) -> "FreeRoom":
        """One that can be used up by itself."""
        return FreeRoom(self._free, self._whole)

    def copy_without(self, nodes: Collection[str]) -> "FreeRoom":
        """The same, of all nodes but these."""
        return FreeRoom({node: amounts for node, amounts in self._free.items() if node not in nodes}, self._whole)

    def left(self, nodes: Iterable[str], name: str) -> int:
        """How much of it these have together."""
        return sum(max(0, self._free[node].get(name, 0)) for node in nodes)

    def fitting(self, nodes: Iterable[str], needs: Amounts) -> list[str]:
        """Those of the nodes that have room for all that is needed."""
        return [node for node in nodes if self._fits(node, needs)]

    def _fits(self, node: str, needs: Amounts) -> bool:
        free = self._free[node]
        return all(free.get(name, 0) >= amount for name, amount in needs.items())

    def missing(self, node: str, needs: Amounts) -> dict[str, int]:
        """How much more of what would have to be free there."""
        free = self._free[node]
        lacking = {name: amount - free.get(name, 0) for name, amount in needs.items()}
        return {name: amount for name, amount in lacking.items() if amount > 0}

    def beyond(self, nodes: Sequence[str], needs: Amounts) -> tuple[str, ...]:
        """What of it none of the nodes has so much of, even if nobody else were there."""
        if not nodes:
            return ()
        return tuple(name for name, amount in needs.items() if all(self._of(node, name) < amount for node in nodes))

    def _of(self, node: str, name: str) -> int:
        return self._whole.get(node, {}).get(name, 0)

    def take(self, nodes: Iterable[str], needs: Amounts) -> str:
        """Use up what is needed on the first of the nodes that has it: its name, "" when none has."""
        node = next((node for node in nodes if self._fits(node, needs)), "")
        if node:
            free = self._free[node]
            self._free[node] = {**free, **{name: free.get(name, 0) - amount for name, amount in needs.items()}}
        return node
