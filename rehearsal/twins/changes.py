"""`reactor.adapters.redis.changes.Changes` over the store's twin."""

from collections import defaultdict

from reactor.adapters.redis.changes import WHILE
from reactor.model.change import Change
from reactor.model.times import Clock
from rehearsal.twins.store import MemoryStore


class MemoryChanges:
    """Under an injected clock."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._told = 0
        self._similar: dict[str, list[float]] = defaultdict(list)

    def untold(self, most: int) -> list[tuple[str, Change | None]]:
        fresh = self._store.changes[self._told : self._told + most]
        return [(str(number), change) for number, change in enumerate(fresh, self._told + 1)]

    def told(self, change_id: str) -> None:
        self._told = int(change_id)

    def similar(self, what: str) -> int:
        """Counted from the first of them, as a key that expires does."""
        times = self._similar[what]
        if times and self._clock() - times[0] >= WHILE:
            times.clear()
        times.append(self._clock())
        return len(times)
