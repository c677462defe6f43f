"""`reactor.adapters.redis.summaries.Summaries` in memory."""

from collections.abc import Callable

from reactor import timing
from reactor.model.summary import Summary
from reactor.model.times import Clock


class MemorySummaries:
    """Under an injected clock. `before_reading`: whoever publishes every few seconds may do so then, and save time."""

    def __init__(self, clock: Clock, before_reading: Callable[[], None] = lambda: None) -> None:
        self._clock, self._before_reading = clock, before_reading
        self.published: tuple[float, Summary] | None = None  # and when it expires
        self.read_in: set[str] = set()

    def publish(self, current: Summary) -> None:
        self.published = self._clock() + timing.SUMMARY_KEPT, current

    def latest(self) -> Summary | None:
        self._before_reading()
        until, current = self.published or (0.0, None)
        return current if self._clock() < until else None

    def was_read(self, outage_id: str) -> bool:
        return outage_id in self.read_in

    def note_read(self, outage_id: str) -> None:
        self.read_in.add(outage_id)

    def clear(self) -> None:
        """Redis lost everything."""
        self.published, self.read_in = None, set()
