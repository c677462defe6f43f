"""The pure heart of the simulated API server: objects with Kubernetes' semantics, under an injected clock.

It knows resource versions, watch rings, selectors, pages, preconditions, grace periods and finalizers. It does not know
users nor judge what a writer may change: a scene can be set up with it, status and uids included. What a request may
change is `simulator.api.strategy`'s part, who may send it `simulator.api`'s.

Objects are shared: what goes in belongs to the store, what comes out must not be changed. A write makes a new object.
"""

import random
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from simulator.api import preconditions
from simulator.client import Obj
from simulator.store import deletion, errors
from simulator.store.objects import Key, key_of, rfc3339
from simulator.store.paging import Listing, Pages
from simulator.store.resources import SERVED, Resource
from simulator.store.selectors import Selection
from simulator.store.table import CREATED_BY, Event, Table

# Kubernetes' alphabet for generated names: no vowels, so no words (apimachinery `util/rand`).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
# metadata that only the server writes
_KEPT = frozenset(
    {"uid", "creationTimestamp", "generateName", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"}
)


@dataclass(frozen=True)
class DeleteOptions:
    """Preconditions (uid, resource version), the grace period in seconds (pods; None for their own), and `dry`.

    A dry run checks everything and changes nothing.
    """

    uid: str | None = None
    version: str | None = None
    grace: int | None = None
    dry: bool = False


_PLAINLY = DeleteOptions()


class Store:
    """All objects of a cluster.

    Args:
        clock: seconds since the epoch.
        seed: decides uids and generated names.
        ring: how many changes of each kind a watch can look back on.
        resources: the kinds served.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        seed: int = 0,
        ring: int = 10_000,
        resources: Iterable[Resource] = SERVED,
    ) -> None:
        self.clock = clock
        self.version = 1  # 0 means "any version" to a client
        self.resources = {kind.plural: kind for kind in resources}
        self.listeners: list[Callable[[str], None]] = []
        self._tables = {name: Table(ring=ring, by_node=name == "pods") for name in self.resources}
        self.pages = Pages(clock)
        self._random = random.Random(seed)  # noqa: S311 - names and uids must repeat with the seed; nothing is secret

    def kind(self, resource: str) -> Resource:
        """The kind of a plural name; ApiError 404 when it is not served."""
        try:
            return self.resources[resource]
        except KeyError:
            raise errors.not_served() from None

    def get(self, resource: str, name: str, namespace: str = "") -> Obj:
        """The stored object (shared: read only); ApiError 404 when there is none."""
        kind = self.kind(resource)
        try:
            return self._tables[resource].objects[namespace, name]
        except KeyError:
            raise errors.not_found(kind, name) from None

    def find(self, resource: str, name: str, namespace: str = "") -> Obj | None:
        """As `get`, None when there is no such object."""
        return self._tables[self.kind(resource).plural].objects.get((namespace, name))

    def objects(self, resource: str) -> dict[Key, Obj]:
        """The stored objects themselves, by (namespace, name); a change of one is nobody's write."""
        return self._tables[self.kind(resource).plural].objects

    def list(self, selection: Selection) -> Listing:
        """The selected objects (shared: read only), ordered by namespace and name.

        Raises:
            ApiError: 400 for a malformed selector, 404 for an unknown kind.
        """
        self.kind(selection.resource)
        matches = selection.predicate()
        made_for = selection.values_of(CREATED_BY)
        candidates = self._tables[selection.resource].select(selection.namespace, selection.node(), made_for)
        return Listing([obj for obj in candidates if matches(obj)], self.version)

    def newest(self, resource: str) -> int:
        """The version of a kind's last change; 0 before the first."""
        return self._tables[resource].newest

    def events(self, resource: str, since: int) -> Sequence[Event]:
        """The changes of a kind after a resource version, oldest first; ApiError 410 when too old."""
        self.kind(resource)
        return self._tables[resource].since(since)

    def create(self, resource: str, obj: Obj, *, dry: bool = False) -> Obj:
        """Add an object; uid and creationTimestamp are kept when given. `dry` checks everything and stores nothing.

        Raises:
            ApiError: 400 without a needed namespace, 409 AlreadyExists, 422 without a name.
        """
        kind = self.kind(resource)
        meta = dict(obj.get("metadata") or {})
        meta["name"] = self._name(kind, meta)
        meta.setdefault("uid", str(uuid.UUID(int=self._random.getrandbits(128), version=4)))
        meta.setdefault("creationTimestamp", rfc3339(self.clock()))
        if kind.counts_generation:
            meta.setdefault("generation", 1)
        new = {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
        if key_of(new) in self._tables[resource].objects:
            raise errors.already_exists(kind, meta["name"])
        return self._save(kind, new, dry=dry)

    def update(self, resource: str, obj: Obj, *, dry: bool = False) -> Obj:
        """Replace an object; it goes instead when its deletion has begun and nothing holds it any more.

        Raises:
            ApiError: 404, or 409 Conflict when metadata.uid or metadata.resourceVersion is given and another.
        """
        kind, key = self.kind(resource), key_of(obj)
        old, meta = self.get(resource, key[1], key[0]), obj["metadata"]
        preconditions.for_update(kind, old, meta)
        before = old["metadata"]
        meta = {name: value for name, value in meta.items() if name not in _KEPT}
        meta |= {name: value for name, value in before.items() if name in _KEPT}
        meta["resourceVersion"] = before["resourceVersion"]
        new = {**obj, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
        if _outdated(kind, old, new):
            meta["generation"] = meta.get("generation", 0) + 1
        if new == old:
            return old
        if "deletionTimestamp" in meta and deletion.may_go(new):
            return self._remove(kind, old, dry=dry)
        return self._save(kind, new, dry=dry)

    def delete(self, resource: str, name: str, namespace: str = "", options: DeleteOptions = _PLAINLY) -> Obj:
        """Delete, or begin to; the last state of the object.

        Raises:
            ApiError: 404, or 409 Conflict when a precondition does not hold.
        """
        kind = self.kind(resource)
        old = self.get(resource, name, namespace)
        preconditions.for_delete(kind, old, options.uid, options.version)
        new = deletion.marked(kind, old, self.clock(), options.grace)
        if new is not old:
            new = self._save(kind, new, dry=options.dry)
        return self._remove(kind, new, dry=options.dry) if deletion.may_go(new) else new

    def _save(self, kind: Resource, obj: Obj, *, dry: bool) -> Obj:
        if dry:
            return obj
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self._tables[kind.plural].put(key_of(obj), obj, self.version)
        self._tell(kind)
        return obj

    def _remove(self, kind: Resource, stored: Obj, *, dry: bool) -> Obj:
        if dry:
            return stored
        self.version += 1
        last = {**stored, "metadata": {**stored["metadata"], "resourceVersion": str(self.version)}}
        self._tables[kind.plural].drop(key_of(stored), last, self.version)
        self._tell(kind)
        return last

    def _tell(self, kind: Resource) -> None:
        for listener in self.listeners:
            listener(kind.plural)

    def _name(self, kind: Resource, meta: Obj) -> str:
        if kind.namespaced != bool(meta.get("namespace")):
            word = "an empty namespace may not" if kind.namespaced else "namespace may not"
            raise errors.bad_request(f"{word} be set during creation of {kind.qualified}")
        if name := meta.get("name"):
            return str(name)
        prefix = meta.get("generateName")
        if not prefix:
            raise errors.invalid(kind, "", "metadata.name: Required value: name or generateName is required")
        return self._generated(kind, prefix, meta.get("namespace", ""))

    def _generated(self, kind: Resource, prefix: str, namespace: str) -> str:
        while True:
            name = prefix + "".join(self._random.choices(_ALPHABET, k=_SUFFIX_LENGTH))
            key: Key = (namespace, name)
            if key not in self._tables[kind.plural].objects:
                return name


def _outdated(kind: Resource, old: Obj, new: Obj) -> bool:
    """Whether the change counts a generation: anything but metadata and, where it is a subresource, status."""
    if not kind.counts_generation:
        return False
    ignored = {"metadata", "status"} if kind.has_status else {"metadata"}
    return any(old.get(part) != new.get(part) for part in (old.keys() | new.keys()) - ignored)
