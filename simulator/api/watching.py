"""Watches: what a client is told of the changes, filtered by its selectors."""

import threading
from collections.abc import Mapping

from simulator.client import ApiError, Obj
from simulator.store.objects import Key, key_of
from simulator.store.selectors import Selection
from simulator.store.store import Store
from simulator.store.table import Event

_EXPIRED = 410
Change = tuple[str, Obj]


class Watch:
    """One client's place in a kind's history. `version` is how far it has been told.

    Args:
        store: what is watched.
        lock: held while the store is read.
        selection: which objects.
        since: resource version to go on from; 0 reports every existing object as ADDED first.
    """

    def __init__(self, store: Store, lock: threading.RLock, selection: Selection, since: int = 0) -> None:
        self._store, self._lock, self._selection = store, lock, selection
        self._matches = selection.predicate()
        self.version = since

    def poll(self) -> list[Change]:
        """What changed since the last call, oldest first; objects are shared: read only.

        Raises:
            ApiError: 410 Expired when changes were missed, 504 Timeout when asked to go on from the future.
        """
        if self.version == self._store.version:  # as nearly always
            return []
        with self._lock:
            if not self.version:
                listing = self.restart()
                return [("ADDED", obj) for obj in listing]
            if self.version > self._store.version:
                message = f"Too large resource version: {self.version}, current: {self._store.version}"
                raise ApiError(504, "Timeout", message)
            changes = self._changes() if self._store.newest(self._selection.resource) > self.version else []
            self.version = self._store.version
        return [change for change in changes if change]

    def _changes(self) -> list[Change | None]:
        return [self._change(event) for event in self._store.events(self._selection.resource, self.version)]

    def restart(self) -> list[Obj]:
        """Everything there is now (shared: read only); the watch goes on from here."""
        with self._lock:
            listing = self._store.list(self._selection)
            self.version = listing.version
            return listing.items

    def _change(self, event: Event) -> Change | None:
        """The event as this client sees it: what begins to match is ADDED, what no longer does DELETED."""
        was = event.before is not None and self._matches(event.before)
        now = event.type != "DELETED" and self._matches(event.object)
        if was and now:
            return "MODIFIED", event.object
        if was or now:
            return ("ADDED" if now else "DELETED"), event.object
        return None


class StoreInformer:
    """A list kept up to date by a watch in the same process: `simulator.client.Informer`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._objects: dict[Key, Obj] = {}

    @property
    def objects(self) -> Mapping[Key, Obj]:
        """Every object by (namespace, name), as of the last `poll`."""
        return self._objects

    def poll(self) -> list[Change]:
        """Take in what changed since the last call, oldest first; lists anew when it slept too long."""
        try:
            changes = self._watch.poll()
        except ApiError as error:
            if error.code != _EXPIRED:
                raise
            changes = self._difference({key_of(obj): obj for obj in self._watch.restart()})
        for kind, obj in changes:
            if kind == "DELETED":
                self._objects.pop(key_of(obj), None)
            else:
                self._objects[key_of(obj)] = obj
        return changes

    def _difference(self, present: Mapping[Key, Obj]) -> list[Change]:
        gone = [("DELETED", obj) for key, obj in self._objects.items() if key not in present]
        fresh = [("ADDED", obj) for key, obj in present.items() if key not in self._objects]
        changed = [
            ("MODIFIED", obj) for key, obj in present.items() if key in self._objects and self._objects[key] is not obj
        ]
        return [*gone, *fresh, *changed]
