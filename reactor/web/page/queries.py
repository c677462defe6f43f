"""What the page reads, each time anew: outages and drifts, what people asked for, and whether the works turn."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.clock_offsets import off, said
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.store import Store
from reactor.interventions import NO_CLUSTER
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import ClusterError, StoreError
from reactor.model.intervention import Intervention
from reactor.model.times import Clock, clock_time
from reactor.settings import Settings, deaf_after
from reactor.web.page.view_models import OutageRow, VmRow, outage_view, vm_view

_REMEMBERED = 2.0  # seconds; every open browser asks as often
_SHOWN = 50  # outages of the past


@dataclass(frozen=True, slots=True)
class CurrentInterventions:
    """What people asked for and is not over; `trouble` says why it is not known, "" where it is."""

    found: tuple[Intervention, ...] = ()
    trouble: str = ""


@dataclass
class Queries:
    """`wishes` is None where the page knows no cluster. Methods raise StoreError.

    `heard`: when a watcher last heard from the API server, seconds since the epoch; None if none ever did. `clocks`: by
    process, how many seconds its clock is ahead of Redis', which is `clock`.
    """

    store: Store
    queues: Callable[[], Iterator[QueueFigures]]
    heard: Callable[[], float | None]
    wishes: InterventionsConfigMap | None
    settings: Settings
    clock: Clock
    clocks: Callable[[], Mapping[str, float]] = dict
    _asked: tuple[float, CurrentInterventions] = field(default=(0.0, CurrentInterventions()))
    _away: float | None = None

    def outages(self) -> list[OutageRow]:
        """Those that are not done with, newest first."""
        return self._views(reversed(self.store.outages()))

    def history(self, most: int = _SHOWN) -> list[OutageRow]:
        """Those that are, newest first."""
        return self._views(self.store.history()[:most])

    def node(self, name: str) -> list[OutageRow]:
        """All outages of a node, newest first."""
        mine = (one for one in self._everything() if one.outage.node.name == name)
        return self._views(mine)

    def vm(self, name: str) -> list[VmRow]:
        """All drifts of NAMESPACE/NAME, newest first."""
        records = (r for outage in self._everything() for r in self.store.records(outage.outage.id))
        return [self._vm(record) for record in records if str(record.drift.vm) == name]

    def _everything(self) -> list[OutageRecord]:
        return [*reversed(self.store.outages()), *self.store.history()]

    def _vm(self, record: Record) -> VmRow:
        return vm_view(record, self.asked().found, self.settings.to_windows(), self.clock())

    def _views(self, outages: Iterable[OutageRecord]) -> list[OutageRow]:
        now, asked, windows = self.clock(), self.asked().found, self.settings.to_windows()
        return [outage_view(one, self.store.records(one.outage.id), asked, windows, now) for one in outages]

    def asked(self) -> CurrentInterventions:
        """What people asked for, as it was within the last seconds."""
        now = self.clock()
        if now >= self._asked[0]:
            self._asked = (now + _REMEMBERED, self._read())
        return self._asked[1]

    def forget_asked(self) -> None:
        """Somebody has just written there."""
        self._asked = (0.0, CurrentInterventions())

    def _read(self) -> CurrentInterventions:
        if self.wishes is None:
            return CurrentInterventions(trouble=NO_CLUSTER)
        try:
            return CurrentInterventions(self.wishes.in_force())
        except ClusterError as error:
            return CurrentInterventions(trouble=f"What is held is not known: {error}.")

    def troubles(self) -> list[str]:
        """What keeps drifts from going on, in sentences; empty if all is well."""
        found = [*self._deaf(), *(said(name, ahead) for name, ahead in off(self.clocks()).items())]
        for one in self.queues():
            if not one.scheduler and one.scheduled:
                found.append(
                    f"No scheduler looks after the queue {one.name}: nothing that waits for its time goes on. Start "
                    "`vmdrift work scheduler`."
                )
            elif one.is_late:
                found.append(f"The oldest job of the queue {one.name} is {one.late:.0f} s late.")
        return found

    def _deaf(self) -> Iterator[str]:
        heard = self.heard()
        if heard is None:
            yield "No watcher has heard from the API server yet: no lost node is noticed. Start `vmdrift watch`."
        elif (silent := self.clock() - heard) > deaf_after(self.settings):
            yield (
                f"No watcher has heard from the API server for {silent:.0f} s: no lost node is noticed. Look at "
                "`vmdrift watch` and at the API server."
            )

    def away(self, error: StoreError) -> str:
        """Redis does not answer: since when, and what that means."""
        if self._away is None:
            self._away = self.clock()
        why = str(error).removeprefix("Redis is away: ")
        return f"Redis is away since {clock_time(self._away)}; drifts go on when it is back. ({why})"

    def back(self) -> None:
        """Redis answered."""
        self._away = None
