"""The ConfigMap in which people hold and cancel drifts, as those write it whom people speak to."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Writer
from reactor.model.errors import Conflict
from reactor.model.intervention import CONFIG_MAP, Intervention, entries, interventions
from reactor.model.times import Clock

_TRIES = 5
_Data = Mapping[str, str | None]  # what is written under a key; None: nothing any more


class Pages(Cluster, Writer, Protocol):
    """A cluster that can be asked, and written to."""


@dataclass(frozen=True, slots=True)
class InterventionsConfigMap:
    """Methods raise ClusterError. `clock`: the API server's at its last answer, by which holds end.

    Whatever is written was decided on what stands there at that moment: if somebody else writes first, it is read and
    decided again.
    """

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

    def in_force(self) -> tuple[Intervention, ...]:
        """The same without what is over."""
        return tuple(one for one in self.written() if not one.is_over(self.clock()))

    def write(self, one: Intervention) -> None:
        """Write it down; what is over is taken out on the way."""

        def changed(known: Mapping[str, Intervention]) -> _Data:
            return {**{key: None for key, old in known.items() if old.is_over(self.clock())}, one.key: one.as_text()}

        self._change(changed)

    def lift(self, meant: Callable[[Intervention], bool]) -> tuple[Intervention, ...]:
        """Take out all that are meant, whoever wrote them and under whatever key; which they were."""
        lifted: dict[str, Intervention] = {}

        def changed(known: Mapping[str, Intervention]) -> _Data:
            lifted.clear()
            lifted.update({key: one for key, one in known.items() if meant(one)})
            return dict.fromkeys(lifted)

        self._change(changed)
        return tuple(lifted.values())

    def _change(self, changed: Callable[[Mapping[str, Intervention]], _Data]) -> None:
        for _ in range(_TRIES):
            with suppress(Conflict):
                return self._change_once(changed)
        raise Conflict(f"ConfigMap {CONFIG_MAP} was changed by somebody else at each of {_TRIES} tries; try again")

    def _change_once(self, changed: Callable[[Mapping[str, Intervention]], _Data]) -> None:
        found = self.cluster.find("configmaps", CONFIG_MAP, self.namespace)
        data = changed(entries(found))
        if found is not None and data:
            self.cluster.change("configmaps", found, {"data": dict(data)})
        elif data:
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP}, "data": dict(data)}
            self.cluster.create("configmaps", made, self.namespace)
