"""One look ahead at the VMs of an outage, while their windows run: whoever has no forecast gets one, if it is known.

It starts from the records and from what the cluster shows now, so it may come at any time, twice, or after it was
killed at any line; what is recorded meanwhile by a drift's own pass stays.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Self

import structlog

from reactor.adapters.rq import forecast_entry
from reactor.model.drift import Again, Ended, Outcome, Phase, Policy, Record
from reactor.model.errors import ClusterUnreachable, LockLost, StoreError, StoreRefused
from reactor.model.forecast import Forecast
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.outlook import WINDOW
from reactor.model.sweep import some
from workers.context import Tools
from workers.decide import decide
from workers.decide.decision import Decision, Release
from workers.decide.node import is_back, looks_ready, with_notice
from workers.decide.observation import Observation
from workers.drift.details import with_details
from workers.drift.forecast import with_forecast
from workers.drift.run import LOCK_TTL, recorded
from workers.fencing.decide.allowed import providers
from workers.forecast.lists import Lists
from workers.forecast.where import where
from workers.forecast.windows_over import WindowsOver
from workers.observe import observe, with_users
from workers.observe.cache import Surroundings
from workers.observe.launchers import UNREADABLE
from workers.pass_time import timed

log = structlog.get_logger()

FIRST = 10.0  # seconds from Unknown: by then others that were lost with this one are Unknown, too
_SHARE = 30  # of a window that was set shorter than usual, nothing takes more than this part
_NEAR = 10.0  # seconds before a VM is judged, from which on that is waited for
_MOST_VMS, _MOST_TIME = 1000, 10.0  # VMs, and seconds, of one look
_GIVES_WAY = 2.0  # seconds
_WHY = 200  # characters
# What proof lifts, which may come while somebody can prove the node dead: then it is too early to say.
_LIFTED_BY_PROOF = frozenset({"shared-volume-not-fenced", "not-terminating"})
_OBSERVES = "observe-only"


class _DriftWaits(Exception):
    """A drift waits for a worker: it goes first."""


def due(outage: Outage, policy: Policy, now: float) -> float:
    """When to look next, for whoever asks now. The pause doubles: five looks fit into a window of 300 s."""
    begun, first = min(float(outage.unknown_since), now), _at_most(FIRST, policy)
    return max(now, begun + first) if now < begun + 2 * first else now + max(first, now - begun)


def _at_most(seconds: float, policy: Policy) -> float:
    return min(seconds, policy.unreachable_window / _SHARE)


def wake(outage: Outage, records: Sequence[Record], tools: Tools) -> None:
    """Make sure that its VMs are foreseen, where any waits for its window without a forecast. StoreUnreachable.

    A Redis that does not let us, because it has the rights of an older version, keeps nobody from searching for VMs.
    """
    now = tools.clock()
    if not any(_is_open(record, tools.policy, now) for record in records):
        return
    try:
        tools.queue.wake(forecast_entry(outage), due(outage, tools.policy, now))
    except StoreRefused as error:
        log.warning("nothing is foreseen", outage=outage.id, node=outage.node.name, why=str(error)[:_WHY])


def run_forecast(outage: Outage, tools: Tools) -> Outcome:
    """Raises ClusterError, StoreError: then what was foreseen before is kept, and it is tried again."""
    tools = timed(tools)
    now = tools.clock()
    records = [record for record in tools.store.records(outage.id) if _is_open(record, tools.policy, now)]
    if not records:
        return Ended("foreseen", "outage", f"{outage.node.name}: no VM waits for its window without a forecast.")
    try:
        foreseen = _look(records, tools)
    except _DriftWaits:
        return Again(tools.clock() + _GIVES_WAY, "gives-way", "A drift waits for a worker; it goes first.")
    moves = sum(one.moves for one in foreseen)
    stays, unknown = len(foreseen) - moves, len(records) - len(foreseen)
    sentence = f"{outage.node.name}: {moves} will move, {stays} will stay down, {unknown} not foreseen yet."
    log.info("forecasts made", outage=outage.id, node=outage.node.name, sentence=sentence)
    if unknown:
        again_at = max(due(outage, tools.policy, now), now + _at_most(FIRST, tools.policy))
        return Again(again_at, "not-foreseen-yet", sentence)
    return Ended("foreseen", "outage", sentence)


def _is_open(record: Record, policy: Policy, now: float) -> bool:
    """Does it wait for its window, and is there nothing foreseen of it yet?"""
    waits = record.phase is Phase.WAITING and record.reason == WINDOW and record.released_at is None
    return waits and record.forecast is None and (record.again_at or 0.0) > now + _at_most(_NEAR, policy)


def _look(records: Sequence[Record], tools: Tools) -> list[Forecast]:
    """What is foreseen and kept of these VMs. Raises _DriftWaits; ClusterError for what all of them need."""
    began, chosen = tools.clock(), sorted(records, key=lambda one: str(one.drift.vm))[:_MOST_VMS]
    outage = chosen[0].drift.outage
    lists = Lists(tools.cluster, outage.node.name, lambda: _give_way(tools))
    nodes = tools.around.nodes(lists)
    lost = next((node for node in nodes if node.name == outage.node.name), None)
    if lost is None or is_back(lost, outage) or looks_ready(lost):
        return []
    lists.read(chosen)
    ahead = _Ahead.of(lists, lost, nodes, tools)
    found = list[Forecast]()
    for record in chosen:
        _give_way(tools)
        if tools.clock() > began + _MOST_TIME:
            break
        forecast = ahead.foreseen(record)
        if forecast and _kept(record, forecast, tools):
            found.append(forecast)
    if ahead.unread:
        log.warning("VMs cannot be foreseen", outage=outage.id, node=lost.name, sentence=some(ahead.unread))
    return found


def _give_way(tools: Tools) -> None:
    if tools.queue.drift_waits():
        raise _DriftWaits


def _kept(record: Record, forecast: Forecast, tools: Tools) -> bool:
    """Write it into the VM's record as that is now, unless a pass has begun, or has judged the VM. StoreError."""
    lock = tools.store.acquire(record.drift.vm.uid, LOCK_TTL, record.drift.id)
    if lock is None:
        return False
    try:
        stored = lock.record
        if stored is None or not _is_open(stored, tools.policy, lock.now):
            return False
        tools.store.save(replace(stored, forecast=forecast), lock, [])
    except LockLost:
        return False
    finally:
        with suppress(StoreError):
            tools.store.release(lock)
    return True


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What the judgement rests on that is the same for all VMs of the outage; and which of them could not be read."""

    over: WindowsOver
    policy: Policy
    around: Surroundings
    unread: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, lists: Lists, lost: NodeView, nodes: tuple[NodeView, ...], tools: Tools) -> Self:
        """Those that renew their Leases now will go on with that, and who came back a moment ago will have stayed."""
        now, policy = tools.clock(), tools.policy
        renewals = {node.name: now + policy.unreachable_window for node in nodes if node.ready == "True"}
        over = WindowsOver(lists, lost, nodes, policy, now)
        return cls(over, policy, tools.around.apart(over.node, nodes, renewals, lists.neighbours))

    def foreseen(self, record: Record) -> Forecast | None:
        """None where it is not known. Who cannot be read costs only itself. Raises ClusterUnreachable, StoreError."""
        try:
            return self._of(with_notice(record, self.over.node, self.over.now))
        except (ClusterUnreachable, StoreError):
            raise
        except UNREADABLE as error:
            self.unread.append(f"{record.drift.vm}: {type(error).__name__}: {str(error)[:_WHY]}")
            return None

    def _of(self, record: Record) -> Forecast | None:
        over, policy = self.over.of(record), self.policy
        since = float(min(record.created_at, record.drift.outage.unknown_since))
        supposed = replace(record, created_at=since, noticed_at=record.noticed_at and since)
        observation, decision = self._decided(over, supposed)
        after = with_details(recorded(supposed, decision, over.at), observation, policy)
        found = with_forecast(after, decision.checks, policy, over.at, decision.judgement.again_at).forecast
        if after.reason == _OBSERVES and found is None:
            return Forecast(over.now, moves=False, reason=_OBSERVES, sentence="Only observing: nothing is moved.")
        if found is None or (not found.moves and self._may_be_lifted(found, over.node)):
            return None
        if not found.moves:
            return replace(found, at=over.now)
        later = self._blocked_later(over, after, observation, decision)
        return later or replace(
            found,
            at=over.now,
            reason=record.reason,
            sentence=record.sentence,
            where=where(observation, supposed) or found.where,
        )

    def _decided(self, over: WindowsOver, record: Record) -> tuple[Observation, Decision]:
        observation = observe(over, record, self.policy, over.at, self.around)
        observation = replace(observation, date=over.time())
        return observation, decide(observation, record, self.policy, over.at)

    def _may_be_lifted(self, forecast: Forecast, node: NodeView) -> bool:
        return forecast.reason in _LIFTED_BY_PROOF and bool(providers(node, self.policy))

    def _blocked_later(
        self, over: WindowsOver, record: Record, seen: Observation, decision: Decision
    ) -> Forecast | None:
        """After its release, by another pod that keeps its volume there. Read only where there is such a pod."""
        action = decision.judgement.action
        if not isinstance(action, Release):
            return None
        later = over.without(action.pods)
        disks = [volume for volume in seen.volumes if volume.exclusive and not volume.left]
        if not any(with_users(later, volume, record, self.around).helpers for volume in disks):
            return None
        _, after = self._decided(later, record)
        if after.judgement.reason != "claim-used-by-pod":
            return None
        return Forecast(over.now, moves=False, reason=after.judgement.reason, sentence=after.judgement.sentence)
