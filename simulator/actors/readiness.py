"""Of each zone, how many nodes are Ready and how many are not, kept as nodes change."""

from collections import Counter
from collections.abc import Iterable

from simulator.actors import objects
from simulator.client import Obj

_ZONE = "topology.kubernetes.io/zone"
# Partial disruption: at least this share and more than this number not Ready; then nothing is evicted in small zones.
_UNHEALTHY_SHARE, _UNHEALTHY_NODES = 0.55, 2


class Readiness:
    """`version` changes with every number here."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, bool]] = {}  # by node: its zone, and whether it is Ready
        self._counts: Counter[tuple[str, bool]] = Counter()
        self.version = 0

    def take(self, changes: Iterable[tuple[str, Obj]]) -> None:
        """Nodes, as an informer tells of them."""
        for kind, node in changes:
            name = node["metadata"]["name"]
            fresh = None if kind == "DELETED" else (_zone(node), _is_ready(node))
            if fresh != self._of.get(name):
                self._note(name, fresh)

    def disrupted(self, node: Obj) -> bool:
        """Does Kubernetes evict more carefully in its zone? Where all nodes are lost it does not."""
        ready, lost = (self._counts[_zone(node), state] for state in (True, False))
        return ready > 0 and lost > _UNHEALTHY_NODES and lost / (ready + lost) >= _UNHEALTHY_SHARE

    def all_lost(self) -> bool:
        """Is no node Ready anywhere?"""
        return not any(count for (_, ready), count in self._counts.items() if ready)

    def _note(self, name: str, fresh: tuple[str, bool] | None) -> None:
        self.version += 1
        if (old := self._of.pop(name, None)) is not None:
            self._counts[old] -= 1
        if fresh is not None:
            self._of[name] = fresh
            self._counts[fresh] += 1


def _is_ready(node: Obj) -> bool:
    return bool(objects.condition(node, "Ready").get("status") == "True")


def _zone(node: Obj) -> str:
    return str(node["metadata"].get("labels", {}).get(_ZONE, ""))
