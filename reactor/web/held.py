"""The interventions in force, for metrics: anybody may ask for those, so the API server is asked seldom."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.errors import ClusterError
from reactor.model.intervention import Intervention
from reactor.model.times import Clock

_KEPT = 10.0  # seconds


@dataclass(eq=False)  # metrics are collected by what can be hashed
class HeldNow:
    """Of one process. `wishes` returns None without a cluster."""

    wishes: Callable[[], InterventionsConfigMap | None]
    clock: Clock
    _read: tuple[float, tuple[Intervention, ...] | None] = field(default=(0.0, None))

    def __call__(self) -> tuple[Intervention, ...] | None:
        """None where the cluster does not say."""
        now = self.clock()
        if not 0 <= now - self._read[0] < _KEPT:
            self._read = (now, self._asked())
        return self._read[1]

    def _asked(self) -> tuple[Intervention, ...] | None:
        wishes = self.wishes()
        try:
            return wishes.in_force() if wishes else None
        except ClusterError:
            return None
