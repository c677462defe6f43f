"""The ConfigMap in which people hold and cancel drifts, as those write it whom people speak to."""

from dataclasses import dataclass
from typing import Protocol

from reactor.doors.cluster import Cluster, Notebook
from reactor.model.intervention import CONFIG_MAP, Intervention, interventions
from reactor.model.times import Clock


class Pages(Cluster, Notebook, Protocol):
    """A cluster that can be asked, and written to."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Methods raise ClusterError. `clock`: the API server's at its last answer, by which holds end."""

    cluster: Pages
    namespace: str
    clock: Clock

    def now(self) -> float:
        """The API server's clock, asked now: whoever speaks to us may have any other."""
        self.written()
        return self.clock()

    def written(self) -> tuple[Intervention, ...]:
        """Everything that people asked for."""
        return interventions(self.cluster.find("configmaps", CONFIG_MAP, self.namespace))

    def write(self, one: Intervention) -> None:
        """Write it down; what is over is taken out on the way."""
        old = {known.key: None for known in self.written() if known.is_over(self.clock())}
        self.cluster.note(CONFIG_MAP, self.namespace, {**old, one.key: one.as_text()})

    def lift(self, one: Intervention) -> None:
        """Take it out."""
        self.cluster.note(CONFIG_MAP, self.namespace, {one.key: None})
