"""`reactor.adapters.redis.store.Store` in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reactor.adapters.redis.clock import ClockReading, StepWatch
from reactor.adapters.redis.deeds import Deeds
from reactor.adapters.redis.fence_drills import FenceDrills
from reactor.adapters.redis.store import Lock
from reactor.adapters.redis.suspicions import Suspicions
from reactor.model.change import Change
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import LockLost
from reactor.model.fencing import Fencing, Heartbeat
from reactor.model.recovery import amounts
from reactor.model.times import Clock
from rehearsal.twins.deeds import MemoryDeeds
from rehearsal.twins.fence_drills import MemoryFenceDrills
from rehearsal.twins.suspicions import MemorySuspicions


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    until: float


class MemoryStore:
    """The Store under an injected clock. It forgets nothing by age: virtual time is short.

    `monotonic`: what the processes compare that clock with; without one, the clock as it is now.
    """

    def __init__(self, clock: Clock, monotonic: Clock | None = None) -> None:
        self._clock, self._watch = clock, StepWatch(monotonic or clock)
        self._reading: ClockReading | None = None
        self.held_locks: dict[str, _Held] = {}
        self.last_fence = 0
        self.outages_by_id: dict[str, OutageRecord] = {}
        self.open_outages: set[str] = set()
        self.records_by_drift: dict[str, Record] = {}
        self.sent_events: list[dict[str, Any]] = []
        self.changes: list[Change] = []
        self.drills: FenceDrills = MemoryFenceDrills()
        self.deeds: Deeds = MemoryDeeds()
        self.suspicions: Suspicions = MemorySuspicions(clock, lambda events: self.publish(events, []))
        self.fencings_by_outage: dict[str, Fencing] = {}
        self._twins = 0
        self.heartbeats_by_outage: dict[str, Heartbeat] = {}
        self._sweeps: defaultdict[str, int] = defaultdict(int)
        self._took: defaultdict[str, float] = defaultdict(float)

    def time(self) -> float:
        return self._read().now

    def _read(self) -> ClockReading:
        now, mono, before = self._clock(), self._watch.monotonic(), self._reading
        stepped = self._watch.stepped(mono, mono, now) or before is None or now < before.now
        self._reading = ClockReading(now, now if stepped or before is None else before.steady_since)
        return self._reading

    def acquire(self, name: str, ttl: float, drift_id: str = "") -> Lock | None:
        read = self._read()
        if self._holder(name):
            return None
        self.last_fence += 1
        self.held_locks[name] = _Held(str(self.last_fence), self._clock() + ttl)
        stored = self.record(drift_id)
        return Lock(name, str(self.last_fence), self.last_fence, read.now, read.steady_since, stored)

    def renew(self, lock: Lock, ttl: float) -> None:
        if self._holder(lock.name) != lock.token:
            raise LockLost(f"the lock of {lock.name} expired")
        self.held_locks[lock.name] = _Held(lock.token, self._clock() + ttl)

    def release(self, lock: Lock) -> None:
        if self._holder(lock.name) == lock.token:
            del self.held_locks[lock.name]

    def _holder(self, name: str) -> str:
        held = self.held_locks.get(name)
        return held.token if held and held.until > self._clock() else ""

    def save_outage(self, record: OutageRecord, *, done: bool) -> None:
        self.outages_by_id[record.outage.id] = record
        (self.open_outages.discard if done else self.open_outages.add)(record.outage.id)

    def outage(self, outage_id: str) -> OutageRecord | None:
        found = self.outages_by_id.get(outage_id)
        return self._with_fencing(found) if found else None

    def _with_fencing(self, record: OutageRecord) -> OutageRecord:
        return replace(record, fencing=self.fencings_by_outage.get(record.outage.id))

    def outages(self) -> list[OutageRecord]:
        found = (self._with_fencing(self.outages_by_id[i]) for i in self.open_outages)
        return sorted(found, key=lambda record: record.seen_at)

    def history(self) -> list[OutageRecord]:
        done = (
            self._with_fencing(one) for one in self.outages_by_id.values() if one.outage.id not in self.open_outages
        )
        return sorted(done, key=lambda record: record.outage.since, reverse=True)

    def record(self, drift_id: str) -> Record | None:
        return self.records_by_drift.get(drift_id)

    def drift_ids(self, outage_id: str) -> list[str]:
        return [record.drift.id for record in self.records(outage_id)]

    def records(self, outage_id: str) -> list[Record]:
        found = [record for record in self.records_by_drift.values() if record.drift.outage.id == outage_id]
        return sorted(found, key=lambda record: record.drift.id)

    def create(self, record: Record, events: Sequence[Mapping[str, Any]]) -> bool:
        if record.drift.id in self.records_by_drift:
            return False
        self._write(record, events)
        return True

    def save(self, record: Record, lock: Lock, events: Sequence[Mapping[str, Any]]) -> None:
        old = self.records_by_drift.get(record.drift.id)
        if old and old.fence > lock.fence:
            raise LockLost(f"a later pass over {record.drift} was recorded meanwhile")
        self._write(replace(record, fence=lock.fence), events)
        self.release(lock)

    def _write(self, record: Record, events: Sequence[Mapping[str, Any]]) -> None:
        old = self.records_by_drift.get(record.drift.id)
        if old is None or old.ended_at is None:
            for field, amount in amounts(record).items():
                self._took[field] += amount
        if old is None or (old.phase, old.reason) != (record.phase, record.reason):
            self.changes.append(Change.into(record))
        self.records_by_drift[record.drift.id] = record
        self.sent_events += [dict(event) for event in events]

    def save_fencing(self, file: Fencing) -> None:
        self.fencings_by_outage[file.outage.id] = file

    def save_heartbeat(self, outage_id: str, heartbeat: Heartbeat) -> None:
        self.heartbeats_by_outage.setdefault(outage_id, heartbeat)

    def heartbeat(self, outage_id: str) -> Heartbeat | None:
        return self.heartbeats_by_outage.get(outage_id)

    def publish(self, events: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
        self.sent_events += [dict(event) for event in events]
        self.changes += changes

    def save_twins(self, nodes: int) -> None:
        self._twins = nodes

    def twins(self) -> int:
        return self._twins

    def count_sweep(self, end: str) -> None:
        self._sweeps[end] += 1

    def sweeps(self) -> dict[str, int]:
        return dict(self._sweeps)

    def took(self) -> dict[str, float]:
        return dict(self._took)

    def events(self, after: str = "0") -> list[tuple[str, dict[str, Any]]]:
        return [(str(number), event) for number, event in enumerate(self.sent_events, 1) if number > int(after)]
