"""What `/metrics` says when there is something of every kind to say: the real doors on a real Redis."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from reactor.adapters.redis.clock_offsets import Comparer, clocks
from reactor.adapters.redis.inbox import RedisInbox
from reactor.adapters.redis.outbox import RedisOutbox
from reactor.adapters.redis.process_reports import Reporter, Requests, reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.rq import RqQueue, drift_entry
from reactor.model.audit import Audit, Loss
from reactor.model.drift import Phase
from reactor.model.event import NODE_UNREACHABLE, Event
from reactor.model.fencing import Fencing
from reactor.model.intervention import HOLD, Intervention
from reactor.model.suspicion import Suspects
from reactor.process import Stop
from reactor.web.metrics import Sources, exposition
from tests.contracts.samples import DRILLS, LOST_AT, SUSPICION, drift, outage_record, record
from workers.rq.worker import Worker

NOW = LOST_AT + 1000.0
AUDIT = Audit(NOW - 60.0, NOW - 5.0, 2.0, "auto", 3, 10, 0, (Loss("any-1", 3, 3, 1),))
HELD = (Intervention(HOLD, "node/node-a", "ann", "firmware", LOST_AT + 10.0),)


@dataclass(frozen=True)
class Metric:
    """`samples`: the names that a query may use."""

    kind: str
    labels: frozenset[str]
    samples: frozenset[str]


def metrics(redis: Redis) -> Mapping[str, Metric]:
    """By name, as people write it."""
    _happened(redis)
    store = RedisStore(redis, 3600)
    inbox, outbox = RedisInbox(redis, lambda: NOW, 3600, 0.0), RedisOutbox(redis, 3600)
    sources = Sources(
        inbox,
        outbox,
        store,
        lambda: figures(redis, NOW),
        lambda: reports(redis),
        lambda: NOW,
        lambda: clocks(redis),
        lambda: HELD,
        lambda: AUDIT,
    )
    families = text_string_to_metric_families(exposition(sources).decode())
    return dict(_metric(family) for family in families)


def _metric(family: Any) -> tuple[str, Metric]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = {label for sample in family.samples for label in sample.labels} - {"le"}
    assert family.samples, f"{name} has nothing to say"
    assert family.documentation, name
    return name, Metric(family.type, frozenset(labels), frozenset(sample.name for sample in family.samples))


def _happened(redis: Redis) -> None:
    """A bit of everything."""
    store, inbox = RedisStore(redis, 3600), RedisInbox(redis, lambda: NOW, 3600, 0.0)
    lock = store.acquire("vm", 60)
    assert lock
    ended = replace(record("web", phase=Phase.COMPLETED), released_at=LOST_AT + 301.0, detached_at=LOST_AT + 302.0)
    told = {"specversion": "1.0", "id": "1", "source": "/s", "type": "io.vmdrift.vm.drift.completed"}
    store.save_outage(outage_record(), done=False)
    store.count_sweep("finished")
    store.drills.write(DRILLS)
    store.suspicions.begin(SUSPICION, [])
    store.suspicions.end(SUSPICION, "life", [])
    store.suspicions.show(Suspects((SUSPICION,)))
    store.save_fencing(Fencing(outage_record().outage, "boot-1", NOW, reason="awaiting-proof"))
    store.save(replace(ended, ended_at=LOST_AT + 400.0), lock, [told, {**told, "id": "2"}])
    store.save(replace(record("db", phase=Phase.BLOCKED), reason="held"), lock, [])
    store.save(replace(record("pinned", phase=Phase.REFUSED), again_at=NOW + 60), lock, [])
    inbox.accept([Event(NODE_UNREACHABLE, "/s", "1", "node-a", NOW)], "me")
    inbox.count(NODE_UNREACHABLE, "accepted")
    RqQueue(redis, lambda: NOW, 3600).wake(drift_entry(drift()), NOW + 10)
    _delivered(RedisOutbox(redis, 3600))
    _reported(redis)


def _delivered(outbox: RedisOutbox) -> None:
    first, second = (outbox.letter(letter_id) for letter_id in outbox.post(NOW))
    assert first
    assert second
    outbox.delivered(first)
    outbox.bury(second, "It was refused.", NOW)


def _reported(redis: Redis) -> None:
    requests = Requests()
    requests.count("watch", "200")
    Reporter(redis, "watcher", requests, look=Comparer(redis, "watcher").look).report(NOW)
    worker: Any = Worker("drifts", redis, Stop())
    worker.register_birth()
