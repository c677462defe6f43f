"""`reactor.adapters.redis.coverage.Coverage` in memory."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from reactor import timing
from reactor.model.drift import Watched
from reactor.model.identity import Drift
from reactor.model.times import Clock


class MemoryCoverage:
    """The Coverage under an injected clock; it forgets by age only who watches."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watched: dict[str, tuple[float, float]] = {}
        self._stirred: dict[str, float] = {}
        self._awaited: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def cover(self, watched: Mapping[str, float]) -> None:
        until = self._clock() + timing.COVERED
        self._watched |= {outage_id: (since, until) for outage_id, since in watched.items()}

    def stir(self, drift_ids: Collection[str]) -> None:
        self._stirred |= dict.fromkeys(drift_ids, self._clock())

    def watched(self, drift: Drift) -> Watched | None:
        since, until = self._watched.get(drift.outage.id, (0.0, 0.0))
        return Watched(since, self._stirred.get(drift.id, 0.0)) if self._clock() < until else None

    def wait_for(self, drift: Drift, objects: Collection[str], before: Collection[str] = ()) -> None:
        awaited = self._awaited[drift.outage.id]
        for obj in set(before).difference(objects):
            awaited.pop(obj, None)
        awaited |= dict.fromkeys(objects, drift.id)

    def waiting_for(self, outage_id: str, obj: str) -> str:
        return self._awaited[outage_id].get(obj, "")

    def waits(self, outage_id: str) -> bool:
        return bool(self._awaited[outage_id])
