"""The ConfigMap in which people hold and cancel drifts, as the page and the command line write it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Writer
from reactor.model.errors import Conflict
from reactor.model.intervention import CONFIG_MAP, Intervention, entries, interventions
from reactor.model.times import Clock

_TRIES = 5
_Data = Mapping[str, str | None]  # what is written under a key; None: the key is removed


class WritableCluster(Cluster, Writer, Protocol):
    """A cluster that can be read and written."""


@dataclass(frozen=True, slots=True)
class InterventionsConfigMap:
    """Methods raise ClusterError. `clock`: the API server's at its last response, by which holds end.

    Every change is computed from what the ConfigMap holds at that moment: if somebody else writes first, it is read and
    computed again.
    """

    cluster: WritableCluster
    namespace: str
    clock: Clock

    def now(self) -> float:
        """The API server's clock, read now: the caller's own may show any other time."""
        self.written()
        return self.clock()

    def written(self) -> tuple[Intervention, ...]:
        """Everything that people asked for."""
        return interventions(self.cluster.find("configmaps", CONFIG_MAP, self.namespace))

    def in_force(self) -> tuple[Intervention, ...]:
        """The same without what is over."""
        return tuple(entry for entry in self.written() if not entry.is_over(self.clock()))

    def write(self, intervention: Intervention) -> None:
        """Store it; entries that are over are removed at the same time."""

        def changed(current: Mapping[str, Intervention]) -> _Data:
            return {
                **{key: None for key, entry in current.items() if entry.is_over(self.clock())},
                intervention.key: intervention.as_text(),
            }

        self._change(changed)

    def lift(self, matches: Callable[[Intervention], bool]) -> tuple[Intervention, ...]:
        """Remove all that match, whoever wrote them and under whatever key; returns them."""
        lifted: dict[str, Intervention] = {}

        def changed(current: Mapping[str, Intervention]) -> _Data:
            lifted.clear()
            lifted.update({key: entry for key, entry in current.items() if matches(entry)})
            return dict.fromkeys(lifted)

        self._change(changed)
        return tuple(lifted.values())

    def _change(self, changed: Callable[[Mapping[str, Intervention]], _Data]) -> None:
        for _ in range(_TRIES):
            with suppress(Conflict):
                return self._change_once(changed)
        raise Conflict(f"ConfigMap {CONFIG_MAP} was changed by others at each of {_TRIES} attempts; try again")

    def _change_once(self, changed: Callable[[Mapping[str, Intervention]], _Data]) -> None:
        config_map = self.cluster.find("configmaps", CONFIG_MAP, self.namespace)
        data = changed(entries(config_map))
        if config_map is not None and data:
            self.cluster.change("configmaps", config_map, {"data": dict(data)})
        elif data:
            new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP}, "data": dict(data)}
            self.cluster.create("configmaps", new, self.namespace)
