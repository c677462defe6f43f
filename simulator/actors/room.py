"""What pods ask for, and whether a node has so much left.

Source: kubernetes `pkg/scheduler/framework/plugins/noderesources/fit.go` and `pkg/api/v1/resource/helpers.go`
(PodRequests): containers and sidecars together, or the greediest init container, and the overhead.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf

from kubernetes.utils.quantity import parse_quantity

from simulator.client import Obj

_PODS = "pods"
_ALWAYS = frozenset({_PODS, "cpu", "memory", "ephemeral-storage"})  # every kubelet tells; else nobody knows
_SPREAD_BY = ("cpu", "memory")  # what LeastAllocated looks at
Amounts = Mapping[str, float]


class Room:
    """Of every node: what the pods on it ask for."""

    def __init__(self) -> None:
        self._used: dict[str, dict[str, float]] = {}

    def take(self, node: str, asked: Amounts) -> None:
        """A pod that asks for that is there."""
        used = self._used.setdefault(node, {})
        for name, amount in asked.items():
            used[name] = used.get(name, 0.0) + amount

    def give_back(self, node: str, asked: Amounts) -> None:
        """It is not there any more."""
        self.take(node, {name: -amount for name, amount in asked.items()})

    def refusal(self, asked: Amounts, node: Obj) -> str | None:
        """Why a node has no room for a pod, None if it has; the first of the reasons that the scheduler counts."""
        used, there = self._used.get(node["metadata"]["name"], {}), _allocatable(node)
        for name, amount in asked.items():
            most = there.get(name, inf if name in _ALWAYS else 0.0)
            if amount and used.get(name, 0.0) + amount > most:
                return "Too many pods" if name == _PODS else f"Insufficient {name}"
        return None

    def share(self, node: Obj) -> float:
        """How much of its CPU and memory is asked for, each from 0 to 1, together."""
        used, there = self._used.get(node["metadata"]["name"], {}), _allocatable(node)
        return sum(used.get(name, 0.0) / there[name] for name in _SPREAD_BY if there.get(name))


def requested(pod: Obj) -> Amounts:
    """In units: cores, bytes, pieces. Pods first, as the scheduler says it."""
    spec = pod["spec"]
    inits = spec.get("initContainers") or ()
    sidecars = [container for container in inits if container.get("restartPolicy") == "Always"]
    total = _sum(map(_requests, [*spec["containers"], *sidecars]))
    for container in inits:
        for name, amount in _requests(container).items():
            total[name] = max(total.get(name, 0.0), amount)
    return {_PODS: 1.0} | _sum([total, _amounts(spec.get("overhead"))])


def _sum(several: Iterable[Amounts]) -> dict[str, float]:
    total: dict[str, float] = {}
    for amounts in several:
        for name, amount in amounts.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def _requests(container: Obj) -> Amounts:
    return _amounts((container.get("resources") or {}).get("requests"))


def _allocatable(node: Obj) -> Amounts:
    return _amounts(node.get("status", {}).get("allocatable"))


def _amounts(quantities: Obj | None) -> dict[str, float]:
    return {name: _number(str(quantity)) for name, quantity in (quantities or {}).items()}


@lru_cache(maxsize=4096)
def _number(quantity: str) -> float:
    return float(parse_quantity(quantity))
