"""What is kept between passes: records, locks, and the stream of outgoing events.

The keyspace (prefix `vmdrift:`; RQ's own keys start with `rq:`):

    outage:<outage>     JSON OutageRecord                            until HISTORY_TTL after it is done
    again:<job>         when a running job was asked to run again   (adapters.rq)
    outages             set of outage ids that are not done
    history             sorted set of the ids of done ones, by when the node was lost; the last 1,000
    drift:<drift>       JSON Record                                  until HISTORY_TTL after its end
    drifts:<outage>     set of the outage's drift ids                as long as the last of its drifts
    fencing:twins       how many nodes have a systemUUID that another one has too         HISTORY_TTL
    fencing:<outage>    JSON Fencing: a copy for people of what is in the ConfigMap       HISTORY_TTL
    heartbeat:<outage>  JSON Heartbeat: the node's last one, by the first watcher to report it    HISTORY_TTL
    lock:<VM uid>       token of the holder                          expires by itself
    fence               counter: every lock taken gets the next one; a lost one goes on from Redis' time, in us
    clock               what is known of Redis' own clock           (`clock`)
    changes             stream of changes of phase or reason, for Kubernetes Events (`changes`)
    events              stream of outgoing CloudEvents, capped at about 10,000 (delivered by `outbox`)
    took                hash: what ended drifts add up to, by the fields of model.recovery since Redis was emptied last
    sweeps              hash: sweeps for the VMs of a lost node, by how they ended  since Redis was emptied last
    suspicions...       nodes that are suspected                    (`suspicions`)
    drills              the last fence drills                       (`fence_drills`)
    deeds...            who did what when                           (`deeds`)

All of it may be lost: the sweep finds outages and VMs again, and `decide` finds out again what was done.
A lock only saves work. It can expire under a holder that was paused, so a record is written only while no later
holder wrote it (the fencing counter), and what changes the cluster carries preconditions of its own.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeVar

import orjson
from redis import Redis

from reactor.adapters.redis.clock import RedisClock
from reactor.adapters.redis.contents import a_number, an_object, events_of, numbers, passed_over, text_of
from reactor.adapters.redis.deeds import Deeds, RedisDeeds
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.fence_drills import FenceDrills, RedisFenceDrills
from reactor.adapters.redis.keys import CHANGES, PREFIX, STREAM, STREAM_LENGTH
from reactor.adapters.redis.lua import script
from reactor.adapters.redis.suspicions import RedisSuspicions, Suspicions
from reactor.model.change import Change
from reactor.model.drift import OutageRecord, Record
from reactor.model.errors import BadInput, LockLost
from reactor.model.fencing import Fencing, Heartbeat, read_fencing
from reactor.model.objects import number, text
from reactor.model.recovery import amounts
from reactor.model.times import Clock

_HISTORY = f"{PREFIX}history"
_TOOK, _SWEEPS = f"{PREFIX}took", f"{PREFIX}sweeps"
_TWINS = f"{PREFIX}fencing:twins"
_HISTORY_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Lock:
    """One acquisition of one lock; `fence` grows with every acquisition of any lock.

    `now`: Redis' time when it was taken, in seconds since the epoch; `steady_since`: when that clock stepped last;
    `record`: that of the drift for which it was taken, as it was then (`Store.record`).
    """

    name: str
    token: str
    fence: int
    now: float = 0.0
    steady_since: float = 0.0
    record: Record | None = None


class Store(Protocol):
    """Every method raises StoreUnreachable or StoreRefused. `ttl` in seconds."""

    suspicions: Suspicions
    drills: FenceDrills
    deeds: Deeds

    def time(self) -> float:
        """Redis' clock, the one that all processes share: seconds since the epoch."""

    def acquire(self, name: str, ttl: float, drift_id: str = "") -> Lock | None:
        """The lock, with the record of this drift, or None while another holder has it."""

    def renew(self, lock: Lock, ttl: float) -> None:
        """Keep it for `ttl` more; LockLost if another holder may have had it meanwhile."""

    def release(self, lock: Lock) -> None:
        """Release it; nothing happens if it is no longer ours."""

    def save_outage(self, record: OutageRecord, *, done: bool) -> None:
        """Write an outage; `done` takes it off the list of outages."""

    def outage(self, outage_id: str) -> OutageRecord | None:
        """One outage; None if it is not known, or not readable by this version."""

    def outages(self) -> list[OutageRecord]:
        """Those that are not done, oldest first."""

    def history(self) -> list[OutageRecord]:
        """Those that are done and not forgotten yet, newest first."""

    def record(self, drift_id: str) -> Record | None:
        """A drift's record; None if there is none, or none that this version can read."""

    def drift_ids(self, outage_id: str) -> list[str]:
        """Of all drifts of an outage, sorted."""

    def records(self, outage_id: str) -> list[Record]:
        """All records of an outage."""

    def create(self, record: Record, events: Sequence[Mapping[str, Any]]) -> bool:
        """Write a first record and its events at once; False, and nothing written, if there is one already."""

    def save(self, record: Record, lock: Lock, events: Sequence[Mapping[str, Any]]) -> None:
        """Write a record and its events, and release the lock, at once.

        LockLost, and nothing written or released, if a later holder wrote it.
        """

    def save_fencing(self, file: Fencing) -> None:
        """Write what is known of a lost node's boot, for people to read: it comes with the record of its outage."""

    def save_heartbeat(self, outage_id: str, heartbeat: Heartbeat) -> None:
        """Write what a watcher saw of a node that is lost; what the first one wrote stays."""

    def heartbeat(self, outage_id: str) -> Heartbeat | None:
        """The lost node's last heartbeat; None if no watcher wrote it, or none that this version can read."""

    def publish(self, events: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
        """Send outgoing events, and have changes reported as Kubernetes Events, that come with no record."""

    def save_twins(self, nodes: int) -> None:
        """Write how many nodes have a systemUUID that another one has too."""

    def twins(self) -> int:
        """How many, as of the last check."""

    def count_sweep(self, end: str) -> None:
        """One more sweep for the VMs of a lost node has ended, and how (model.sweep)."""

    def sweeps(self) -> dict[str, int]:
        """How many ended how."""

    def took(self) -> dict[str, float]:
        """What ended drifts add up to (model.recovery); each end that is saved counts once."""

    def events(self, after: str = "0") -> list[tuple[str, dict[str, Any]]]:
        """Outgoing events after an id of the stream, oldest first: (id, CloudEvent as JSON)."""


class RedisStore:
    """The Store on a Redis or Valkey server. `history_ttl` in seconds; `monotonic`: a clock that nobody sets."""

    def __init__(self, redis: Redis, history_ttl: float, monotonic: Clock = time.monotonic) -> None:
        self._redis, self._clock = redis, RedisClock(redis, monotonic)
        self.suspicions: Suspicions = RedisSuspicions(redis)
        self.drills: FenceDrills = RedisFenceDrills(redis)
        self._history_ms = int(history_ttl * 1000)
        self.deeds: Deeds = RedisDeeds(redis, self._history_ms)
        self._acquire = redis.register_script(script("clock", "acquire"))
        self._renew_or_release, self._save = (redis.register_script(script(name)) for name in ("hold", "save"))
        self._released = ""

    def acquire(self, name: str, ttl: float, drift_id: str = "") -> Lock | None:
        token, keys = secrets.token_hex(16), [f"{PREFIX}lock:{name}", f"{PREFIX}fence"]
        drift = [f"{PREFIX}drift:{drift_id}"] if drift_id else []
        with translated():
            reading, (fence, *stored) = self._clock.read(self._acquire, keys + drift, [token, int(ttl * 1000)])
        record = next(iter(_readable(stored, Record)), None)
        return Lock(name, token, fence, reading.now, reading.steady_since, record) if fence else None

    def time(self) -> float:
        with translated():
            return self._clock.read()[0].now

    def renew(self, lock: Lock, ttl: float) -> None:
        with translated():
            renewed = self._renew_or_release([f"{PREFIX}lock:{lock.name}"], [lock.token, int(ttl * 1000)])
        if not renewed:
            raise LockLost(f"the lock of {lock.name} expired")

    def release(self, lock: Lock) -> None:
        if lock.token == self._released:
            return
        with translated():
            self._renew_or_release([f"{PREFIX}lock:{lock.name}"], [lock.token, 0])

    def save_outage(self, record: OutageRecord, *, done: bool) -> None:
        key = f"{PREFIX}outage:{record.outage.id}"
        with translated(), self._redis.pipeline() as pipe:
            pipe.set(key, orjson.dumps(record.as_json()), px=self._history_ms if done else None)
            (pipe.srem if done else pipe.sadd)(f"{PREFIX}outages", record.outage.id)
            if done:
                pipe.zadd(_HISTORY, {record.outage.id: record.outage.since})
                pipe.zremrangebyrank(_HISTORY, 0, -_HISTORY_LENGTH - 1)
                pipe.pexpire(_HISTORY, self._history_ms)
            pipe.execute()

    def outage(self, outage_id: str) -> OutageRecord | None:
        with translated():
            value = self._redis.get(f"{PREFIX}outage:{outage_id}")
            return next(iter(self._with_fencing(_readable([value], OutageRecord))), None)

    def outages(self) -> list[OutageRecord]:
        with translated():
            records = self._listed([text_of(member) for member in self._redis.smembers(f"{PREFIX}outages")])
        return sorted(records, key=lambda record: record.seen_at)

    def history(self) -> list[OutageRecord]:
        with translated():
            ids: Any = self._redis.zrange(_HISTORY, 0, -1)
            return self._listed([text_of(outage_id) for outage_id in reversed(ids)])

    def _listed(self, ids: Sequence[str]) -> list[OutageRecord]:
        values = self._redis.mget([f"{PREFIX}outage:{i}" for i in ids]) if ids else []
        return self._with_fencing(_readable(values, OutageRecord))

    def _with_fencing(self, records: Sequence[OutageRecord]) -> list[OutageRecord]:
        keys = [f"{PREFIX}fencing:{record.outage.id}" for record in records]
        texts: Any = self._redis.mget(keys) if keys else []
        files = [read_fencing(text_of(text)) if text else None for text in texts]
        return [replace(record, fencing=file) for record, file in zip(records, files, strict=True)]

    def record(self, drift_id: str) -> Record | None:
        with translated():
            value = self._redis.get(f"{PREFIX}drift:{drift_id}")
        return next(iter(_readable([value], Record)), None)

    def drift_ids(self, outage_id: str) -> list[str]:
        with translated():
            return sorted(text_of(member) for member in self._redis.smembers(f"{PREFIX}drifts:{outage_id}"))

    def records(self, outage_id: str) -> list[Record]:
        with translated():
            ids = self.drift_ids(outage_id)
            values = self._redis.mget([f"{PREFIX}drift:{i}" for i in ids]) if ids else []
        return _readable(values, Record)

    def create(self, record: Record, events: Sequence[Mapping[str, Any]]) -> bool:
        return self._write(record, events)

    def save(self, record: Record, lock: Lock, events: Sequence[Mapping[str, Any]]) -> None:
        if not self._write(replace(record, fence=lock.fence), events, lock):
            raise LockLost(f"a later pass over {record.drift} was recorded meanwhile")
        self._released = lock.token

    def _write(self, record: Record, events: Sequence[Mapping[str, Any]], lock: Lock | None = None) -> bool:
        outage = record.drift.outage.id
        keys = [f"{PREFIX}drift:{record.drift.id}", f"{PREFIX}drifts:{outage}", STREAM, _TOOK, CHANGES]
        keys += [f"{PREFIX}lock:{lock.name}"] if lock else []
        ttl = self._history_ms if record.ended else 0
        head: list[bytes | str | int] = [
            orjson.dumps(record.kept()),
            record.fence,
            record.drift.id,
            ttl,
            STREAM_LENGTH,
            orjson.dumps(amounts(record)),
            orjson.dumps(Change.into(record)),
            lock.token if lock else "",
        ]
        with translated():
            return bool(self._save(keys, head + [orjson.dumps(dict(event)) for event in events]))

    def save_fencing(self, file: Fencing) -> None:
        with translated():
            self._redis.set(f"{PREFIX}fencing:{file.outage.id}", file.as_text(), px=self._history_ms)

    def save_heartbeat(self, outage_id: str, heartbeat: Heartbeat) -> None:
        with translated():
            written = orjson.dumps(asdict(heartbeat))
            self._redis.set(f"{PREFIX}heartbeat:{outage_id}", written, nx=True, px=self._history_ms)

    def heartbeat(self, outage_id: str) -> Heartbeat | None:
        with translated():
            value: Any = self._redis.get(f"{PREFIX}heartbeat:{outage_id}")
        try:
            data = an_object(value) if value is not None else {}
        except BadInput as error:
            passed_over(f"heartbeat of outage {outage_id}", error)
            return None
        at = number(data, "at")
        return None if at is None else Heartbeat(text(data, "value"), at)

    def publish(self, events: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
        entries = [(STREAM, b"event", orjson.dumps(dict(event))) for event in events]
        entries += [(CHANGES, b"change", orjson.dumps(change.as_json())) for change in changes]
        with translated(), self._redis.pipeline() as pipe:
            for stream, field, text in entries:
                pipe.xadd(stream, {field: text}, maxlen=STREAM_LENGTH)
            pipe.execute()

    def save_twins(self, nodes: int) -> None:
        with translated():
            self._redis.set(_TWINS, nodes, px=self._history_ms)

    def twins(self) -> int:
        with translated():
            value: Any = self._redis.get(_TWINS)
        return int(a_number(value) or 0)

    def count_sweep(self, end: str) -> None:
        with translated():
            self._redis.hincrby(_SWEEPS, end, 1)

    def sweeps(self) -> dict[str, int]:
        with translated():
            counters: Any = self._redis.hgetall(_SWEEPS)
        return {end: int(count) for end, count in numbers(counters).items()}

    def took(self) -> dict[str, float]:
        with translated():
            counters: Any = self._redis.hgetall(_TOOK)
        return numbers(counters)

    def events(self, after: str = "0") -> list[tuple[str, dict[str, Any]]]:
        start = "-" if after == "0" else f"({after}"
        with translated():
            entries: Any = self._redis.xrange(STREAM, start, "+")
        return events_of(entries)


_Stored = TypeVar("_Stored", OutageRecord, Record)


def _readable(values: Sequence[bytes | str | None], kind: type[_Stored]) -> list[_Stored]:
    """What this version can read; the rest counts as missing, so that it is derived again from the cluster."""
    records: list[_Stored] = []
    for value in values:
        try:
            records += [kind.of(an_object(value))] if value is not None else []
        except BadInput as error:
            passed_over(kind.__name__, error)
    return records
