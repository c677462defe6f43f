"""`reactor.adapters.redis.witness_reports.WitnessReports` in memory."""

from collections.abc import Callable

from reactor import timing
from reactor.model.times import Clock
from reactor.model.witness import WitnessReport


class MemoryWitnessReports:
    """Under an injected clock. `through`: what a test makes of each report, and of whom it is, before it is written."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.through: Callable[[str, WitnessReport], WitnessReport] = lambda _, report: report
        self.written: dict[str, dict[str, WitnessReport]] = {}
        self._until: dict[str, float] = {}

    def write(self, uid: str, report: WitnessReport) -> None:
        if self._is_over(uid):
            self.written.pop(uid, None)
        self.written.setdefault(uid, {})[report.witness] = self.through(uid, report)
        self._until[uid] = self._clock() + timing.WITNESS_KEPT

    def of(self, uid: str) -> list[WitnessReport]:
        if self._is_over(uid):
            return []
        return [report for _, report in sorted(self.written.get(uid, {}).items())]

    def _is_over(self, uid: str) -> bool:
        return self._clock() >= self._until.get(uid, 0.0)
