"""`reactor.adapters.redis.plug_memory.PlugMemory` in memory."""

from collections.abc import Collection

from reactor import timing
from reactor.model.times import Clock


class MemoryPlugMemory:
    """Under an injected clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], float] = {}

    def saw_on(self, uid: str, ids: Collection[str]) -> None:
        self._seen |= {(uid, id_): self._clock() for id_ in ids}

    def seen_on(self, uid: str, ids: Collection[str]) -> dict[str, float]:
        seen = {id_: self._seen.get((uid, id_)) for id_ in ids}
        return {id_: at for id_, at in seen.items() if at is not None and self._clock() < at + timing.PLUG_SEEN}

    def forget(self, uid: str, ids: Collection[str]) -> None:
        for id_ in ids:
            self._seen.pop((uid, id_), None)
