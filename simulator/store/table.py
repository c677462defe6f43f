"""One kind's objects and the ring of their latest changes: what the store is made of."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.client import Obj
from simulator.store import errors
from simulator.store.objects import Key, field

CREATED_BY = "kubevirt.io/created-by"


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `version` is the resource version it made; `before` is the object it replaced (None when ADDED).

    The object of a DELETED event is the last one stored, with the version of its deletion.
    """

    version: int
    type: str
    object: Obj
    before: Obj | None


class Table:
    """Objects by (namespace, name), in that order; objects are never changed in place.

    Pods are also found by node, and by the label that names their instance: clusters have thousands of them.
    """

    def __init__(self, *, ring: int, by_node: bool) -> None:
        self.objects: dict[Key, Obj] = {}
        self._order: list[Key] = []
        self._nodes: dict[str, set[Key]] | None = {} if by_node else None
        self._made_for: dict[str, set[Key]] = {}  # by the value of that label
        self._ring: deque[Event] = deque(maxlen=ring)
        self._trimmed = 0

    def put(self, key: Key, obj: Obj, version: int) -> None:
        """Add or replace an object and note the change."""
        before = self.objects.get(key)
        if before is None:
            insort(self._order, key)
        else:
            self._unindex(key, before)
        self.objects[key] = obj
        self._index(key, obj)
        self._note(Event(version, "MODIFIED" if before else "ADDED", obj, before))

    def drop(self, key: Key, last: Obj, version: int) -> None:
        """Take an object out and note the change, with `last` as what the watchers are told."""
        before = self.objects.pop(key)
        self._unindex(key, before)
        del self._order[bisect_left(self._order, key)]
        self._note(Event(version, "DELETED", last, before))

    @property
    def newest(self) -> int:
        """The version of the last change; 0 before the first."""
        return self._ring[-1].version if self._ring else 0

    def since(self, version: int) -> list[Event]:
        """What changed after `version`, oldest first.

        Raises:
            ApiError: 410 Expired when some of it is no longer in the ring.
        """
        if version < self._trimmed:
            raise errors.expired(f"too old resource version: {version} ({self._trimmed})")
        newest_first: list[Event] = []
        for event in reversed(self._ring):
            if event.version <= version:
                break
            newest_first.append(event)
        return newest_first[::-1]

    def select(self, namespace: str, node: str | None, made_for: frozenset[str] | None = None) -> Iterator[Obj]:
        """Objects in order; of one namespace unless it is ""; of pods those of a node, or made for these, if given."""
        for key in self._keys(namespace, node, made_for):
            yield self.objects[key]

    def _keys(self, namespace: str, node: str | None, made_for: frozenset[str] | None) -> Iterable[Key]:
        if self._nodes is not None and made_for is not None:
            found = (key for value in made_for for key in self._made_for.get(value, ()))
            return sorted(key for key in found if namespace in ("", key[0]))
        if self._nodes is not None and node is not None:
            return sorted(key for key in self._nodes.get(node, ()) if namespace in ("", key[0]))
        if not namespace:
            return self._order
        return self._order[bisect_left(self._order, (namespace, "")) : bisect_left(self._order, (namespace + "\0", ""))]

    def _note(self, event: Event) -> None:
        if len(self._ring) == self._ring.maxlen:
            self._trimmed = self._ring[0].version
        self._ring.append(event)

    def _index(self, key: Key, obj: Obj) -> None:
        if self._nodes is not None:
            self._nodes.setdefault(field(obj, "spec.nodeName"), set()).add(key)
            self._made_for.setdefault(_made_for(obj), set()).add(key)

    def _unindex(self, key: Key, obj: Obj) -> None:
        if self._nodes is not None:
            self._nodes[field(obj, "spec.nodeName")].discard(key)
            self._made_for[_made_for(obj)].discard(key)


def _made_for(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(CREATED_BY, ""))
