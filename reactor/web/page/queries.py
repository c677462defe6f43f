"""What the page reads, again for each request: outages, drifts, interventions, and what keeps drifts from going on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.clock_offsets import off, offset_sentence
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.store import Store
from reactor.health import HealthRow, Seen, lame, strip
from reactor.interventions import NO_CLUSTER
from reactor.model.audit import Audit
from reactor.model.deed import Deed, about
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import ClusterError, StoreError
from reactor.model.fence_drill import headline
from reactor.model.groups import Wanted
from reactor.model.intervention import ALL, Intervention, node_target, vm_target
from reactor.model.node import NodeView
from reactor.model.summary import Summary
from reactor.model.times import Clock, clock_time
from reactor.settings import Settings, deaf_after
from reactor.web.page.drills import DrillRow, drill_rows, with_proof
from reactor.web.page.view_models import OutageRow, Shown, VmRow, outage_row, vm_row

_CACHED_FOR = 2.0  # seconds; every open browser polls as often
_HISTORY_SHOWN = 50  # outages of the past
_ALL = Wanted()


@dataclass(frozen=True, slots=True)
class CurrentInterventions:
    """Interventions that are not over; `trouble` says why they are not known, "" where they are."""

    found: tuple[Intervention, ...] = ()
    trouble: str = ""


@dataclass
class Queries:
    """`wishes` is None where the page has no cluster. Methods raise StoreError.

    `heard`: when a watcher last heard from the API server, seconds since the epoch; None if none ever did. `clocks`: by
    process, how many seconds its clock is ahead of Redis', which is `clock`. `summary`: all Nodes as a watcher knows
    them, None while none says. `audit`: the last one, None where there is none.
    """

    store: Store
    queues: Callable[[], Iterator[QueueFigures]]
    heard: Callable[[], float | None]
    wishes: InterventionsConfigMap | None
    settings: Settings
    clock: Clock
    clocks: Callable[[], Mapping[str, float]] = dict
    summary: Callable[[], Summary | None] = lambda: None
    audit: Callable[[], Audit | None] = lambda: None
    _cached: tuple[float, CurrentInterventions] = field(default=(0.0, CurrentInterventions()))
    _away_since: float | None = None

    def outages(self, wanted: Wanted = _ALL) -> list[OutageRow]:
        """Those that are not done with, newest first; of their VMs those that are wanted are in groups."""
        return self._views(reversed(self.store.outages()), wanted)

    def health(self) -> tuple[HealthRow, ...]:
        """Is everything alive that a recovery needs?"""
        drills = tuple(self.store.drills.all())
        seen = Seen(tuple(self.queues()), self.heard(), self.clocks(), drills, self.summary(), self.audit())
        return strip(seen, self.settings, self.clock())

    def suspects(self) -> list[str]:
        """Nodes that are suspected, in sentences."""
        return self.store.suspicions.shown().sentences(self.clock())

    def not_fenceable(self) -> str:
        """Which nodes cannot be fenced, as a sentence; "" while each can."""
        return headline(self.store.drills.all())

    def drills(self) -> list[DrillRow]:
        """By node, those first that cannot be fenced."""
        return drill_rows(self.store.drills.all(), self.settings.to_policy())

    def history(self, most: int = _HISTORY_SHOWN) -> list[OutageRow]:
        """Those that are done with, newest first."""
        return self._views(self.store.history()[:most], going_on=False)

    def node(self, name: str) -> list[OutageRow]:
        """All outages of a node, newest first."""
        outages = (outage for outage in self._all_outages() if outage.outage.node.name == name)
        return self._views(outages)

    def vm(self, name: str) -> list[VmRow]:
        """All drifts of NAMESPACE/NAME, newest first."""
        records = (record for outage in self._all_outages() for record in self.store.records(outage.outage.id))
        return [self._vm(record) for record in records if str(record.drift.vm) == name]

    def nodes(self) -> Sequence[NodeView]:
        """All Nodes as a watcher knows them; none while none says."""
        summary = self.summary()
        return summary.nodes if summary else ()

    def node_names(self) -> frozenset[str] | None:
        """Their names; None while no watcher says."""
        summary = self.summary()
        return frozenset(node.name for node in summary.nodes) if summary else None

    def deeds(self, rows: Sequence[OutageRow]) -> dict[str, list[str]]:
        """Who did what about each of these outages, in sentences by the outage's id, oldest first."""
        log, now = self.store.deeds, self.clock()
        own, elsewhere = log.of([row.record.outage.id for row in rows]), log.elsewhere()
        found = {}
        for row in rows:
            deeds = about(row.record, [vm.record for vm in row.vms], own[row.record.outage.id], elsewhere)
            found[row.record.outage.id] = [deed.said(now) for deed in deeds]
        return found

    def deeds_of_vm(self, rows: Sequence[VmRow]) -> list[str]:
        """Who did what about this VM, its node or everything in its outages, in sentences, oldest first."""
        drifts = {row.record.drift.outage.id: row.record for row in rows}
        own, elsewhere = self.store.deeds.of(list(drifts)), self.store.deeds.elsewhere()
        found: list[Deed] = []
        for outage_id, record in drifts.items():
            if outage := self.store.outage(outage_id):
                mine = {ALL, node_target(record.drift.outage.node.name), vm_target(record.drift.vm)}
                found += [d for d in about(outage, [record], own[outage_id], elsewhere) if d.target in mine]
        now = self.clock()
        return [deed.said(now) for deed in sorted(dict.fromkeys(found), key=lambda deed: deed.at)]

    def _all_outages(self) -> list[OutageRecord]:
        return [*reversed(self.store.outages()), *self.store.history()]

    def _vm(self, record: Record) -> VmRow:
        row = vm_row(record, self.asked().found, self._shown(_ALL))
        return replace(row, proven=with_proof(record, self.settings.to_policy()))

    def _shown(self, wanted: Wanted, *, going_on: bool = True) -> Shown:
        """Of what does not go on any more, it does not matter who is alive."""
        queues = tuple(self.queues()) if going_on else ()
        return Shown(self.settings.to_windows(), self.clock(), lame(queues), wanted)

    def _views(
        self, outages: Iterable[OutageRecord], wanted: Wanted = _ALL, *, going_on: bool = True
    ) -> list[OutageRow]:
        chosen, interventions = list(outages), self.asked().found
        shown = self._shown(wanted, going_on=going_on and bool(chosen))
        return [outage_row(one, self.store.records(one.outage.id), interventions, shown) for one in chosen]

    def asked(self) -> CurrentInterventions:
        """The interventions, at most _CACHED_FOR seconds old."""
        now = self.clock()
        if now >= self._cached[0]:
            self._cached = (now + _CACHED_FOR, self._read_interventions())
        return self._cached[1]

    def forget_asked(self) -> None:
        """Read them again next time: somebody has just changed them."""
        self._cached = (0.0, CurrentInterventions())

    def _read_interventions(self) -> CurrentInterventions:
        if self.wishes is None:
            return CurrentInterventions(trouble=NO_CLUSTER)
        try:
            return CurrentInterventions(self.wishes.in_force())
        except ClusterError as error:
            return CurrentInterventions(trouble=f"Holds cannot be read: {error}.")

    def troubles(self) -> list[str]:
        """What keeps drifts from going on, in sentences; empty if all is well."""
        sentences = [
            *self._watcher_silence(),
            *(offset_sentence(name, ahead) for name, ahead in off(self.clocks()).items()),
        ]
        for queue in self.queues():
            if not queue.scheduler and queue.scheduled:
                sentences.append(
                    f"No scheduler serves the queue {queue.name}: jobs with a due time never start. Start "
                    "`vmdrift work scheduler`."
                )
            elif queue.is_late:
                sentences.append(f"The oldest job of the queue {queue.name} is {queue.late:.0f} s late.")
        return sentences

    def _watcher_silence(self) -> Iterator[str]:
        heard_at = self.heard()
        if heard_at is None:
            yield "No watcher has heard from the API server yet: no lost node is noticed. Start `vmdrift watch`."
        elif (silent := self.clock() - heard_at) > deaf_after(self.settings):
            yield (
                f"No watcher has heard from the API server for {silent:.0f} s: no lost node is noticed. Check "
                "`vmdrift watch` and the API server."
            )

    def away(self, error: StoreError) -> str:
        """Redis does not answer: since when, and what that means."""
        if self._away_since is None:
            self._away_since = self.clock()
        why = str(error).removeprefix("Redis is away: ")
        return f"Redis is away since {clock_time(self._away_since)}; recovery goes on when it is back. ({why})"

    def back(self) -> None:
        """Redis answered."""
        self._away_since = None
