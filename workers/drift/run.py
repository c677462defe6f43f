"""One pass over one drift: lock the VM, observe, decide, act, record. It knows no RQ.

Every pass starts from what the cluster looks like now, so it may come at any time, twice, late, or after a crash at
any line of the one before.
"""

from contextlib import suppress
from dataclasses import replace

import structlog

from reactor import timing
from reactor.adapters.cloudevents import encode
from reactor.adapters.kubernetes.cluster import Cluster
from reactor.adapters.redis.store import Lock, Store
from reactor.model.drift import Again, Check, Ended, Outcome, Phase, Record, Signs
from reactor.model.errors import (
    ClusterError,
    ClusterUnreachable,
    Forbidden,
    InvalidName,
    LockLost,
    NotServed,
    StoreError,
    Unauthorized,
)
from reactor.model.identity import Drift
from reactor.model.objects import Obj
from reactor.model.times import ahead, clock_time
from workers.context import Tools
from workers.decide import decide
from workers.decide.decision import Decision, Judgement, backoff
from workers.decide.node import with_notice
from workers.decide.observation import Observation
from workers.delivery.events import step_events
from workers.drift.act import ChangedUnderwayError, act
from workers.drift.details import with_details
from workers.drift.forecast import with_forecast
from workers.drift.locked_cluster import LockedCluster
from workers.drift.quick import quick_look
from workers.observe import observe, with_current_nodes
from workers.pass_time import locked

LOCK_TTL, _RENEW_EVERY = timing.VM_LOCK, timing.VM_LOCK_RENEWED_EVERY
_LOCKED_RETRY = 2.0  # seconds

log = structlog.get_logger()


def run_pass(drift: Drift, tools: Tools) -> Outcome:
    """One pass. Raises StoreError when Redis is away: then it is not known what was done."""
    lock, tools = locked(tools, drift.vm.uid, LOCK_TTL, drift.id)
    if lock is None:
        return Again(tools.clock() + _LOCKED_RETRY, "locked", "Another worker is checking this VM right now.")
    try:
        return _locked_pass(drift, tools, lock)
    except LockLost as error:
        return Again(tools.clock() + _LOCKED_RETRY, "locked", str(error))
    finally:
        with suppress(StoreError):  # it expires by itself
            tools.store.release(lock)


def first_record(drift: Drift, tools: Tools, vmi_uid: str = "", signs: Signs | None = None) -> Record:
    """Where a drift begins, or begins again after its record was lost. `signs`: of its node, if they were read."""
    # The first pass finds out by which clock that was written; this is only when to look first.
    now = tools.clock()
    since = drift.outage.unknown_since
    due = min(since, now) + tools.policy.unreachable_window
    sentence = (
        f"Node {drift.outage.node.name} is unreachable since {clock_time(since, now)}; "
        f"the window of {tools.policy.unreachable_window:g} s ends at {clock_time(due, now)}."
    )
    first = Record(drift, Phase.WAITING, "unreachable-window", sentence, now, now, again_at=due, vmi_uid=vmi_uid)
    return replace(first, signs=signs)


def retried(record: Record, by: str, now: float) -> Record:
    """An ended drift to be retried, because `by` wants it. What was done stays recorded."""
    sentence = f"Retried by {by}, after {record.phase}: {record.sentence}"
    return replace(record.moved(now, Phase.WAITING, "taken-up-again", sentence, now), tries=0)


def log_fields(record: Record) -> dict[str, str]:
    """The fields of every log line about a decision."""
    drift = record.drift
    return {
        "outage": drift.outage.id,
        "vm": str(drift.vm),
        "node": drift.outage.node.name,
        "phase": record.phase.value,
        "reason": record.reason,
        "sentence": record.sentence,
    }


def begin_again(stored: Record, by: str, store: Store) -> Record:
    """A drift that has ended by now, to be retried; another one stays as it is. LockLost while a pass goes on.

    Under its lock: a pass that has not finished yet may be about to end it.
    """
    lock = store.acquire(stored.drift.vm.uid, LOCK_TTL)
    if lock is None:
        raise LockLost(f"a worker is checking {stored.drift.vm} right now")
    try:
        record = store.record(stored.drift.id) or stored
        if record.phase.is_end:
            record = retried(record, by, lock.now)
            store.save(record, lock, [])
    finally:
        store.release(lock)
    return record


def _locked_pass(drift: Drift, tools: Tools, lock: Lock) -> Outcome:
    stored = lock.record
    before = (stored or first_record(drift, tools)).seen_by(tools.clock())
    if before.ended:
        return Ended(before.phase, before.reason, before.sentence)
    cluster = LockedCluster(tools.cluster, lambda: tools.store.renew(lock, LOCK_TTL), tools.clock, _RENEW_EVERY)
    after = _step(before, cluster, tools)
    events = [encode(event) for event in step_events(before, after, tools.source, tools.clock())]
    tools.store.save(after, lock, events)
    if after.awaits != before.awaits:
        tools.coverage.wait_for(drift, after.awaits, before.awaits)
    if stored is None or (before.phase, before.reason) != (after.phase, after.reason):
        log.info("drift decided", **log_fields(after))
    if after.again_at is None:
        return Ended(after.phase, after.reason, after.sentence)
    return Again(after.again_at, after.reason, after.sentence)


def _step(record: Record, cluster: Cluster, tools: Tools) -> Record:
    """Observe, decide, act; whatever goes wrong on the way becomes a reason to try again."""
    now = began = tools.clock()
    try:
        looked = quick_look(record, cluster, tools, now)
        if isinstance(looked, Record):
            return looked
        observation, decision, now = _decided(record, cluster, tools, now, looked)
        if decision.judgement.action:
            judged = replace(record, signs=decision.signs, proof=decision.proof)
            act(decision.judgement.action, cluster, judged, tools.around)
    except ChangedUnderwayError as error:
        return _blocked(record, now, "changed-underway", str(error), None)
    except (Unauthorized, Forbidden, NotServed, InvalidName) as error:
        return _blocked(record, now, "api-refused", str(error), None)
    except ClusterError as error:
        later = error.retry_after if isinstance(error, ClusterUnreachable) else None
        return _blocked(record, now, "api-unavailable", str(error), later)
    record = with_notice(record, observation.node, now)
    after = with_details(recorded(record, decision, now), observation, tools.policy)
    after = with_forecast(after, decision.checks, tools.policy, now, decision.judgement.again_at)
    # Within the window nothing of the VM itself is read.
    return after if after.reason == "unreachable-window" else replace(after, looked_at=began)


def _decided(
    record: Record, cluster: Cluster, tools: Tools, now: float, instance: Obj | None
) -> tuple[Observation, Decision, float]:
    """What is seen, what is decided, and when; decided once more where a deletion needs newer Nodes and Leases."""
    observation = observe(cluster, record, tools.policy, now, tools.around, instance=instance)
    observation = _with_clocks(observation, cluster, tools)
    now = tools.clock()  # what was read just now was not read any earlier, however long that took
    decision = decide(observation, record, tools.policy, now)
    if not decision.judgement.action or not observation.nodes:
        return observation, decision, now
    current = with_current_nodes(cluster, observation, record, tools.policy, tools.around)
    if current is observation:
        return observation, decision, now
    observation, now = _with_clocks(current, cluster, tools), tools.clock()
    return observation, decide(observation, record, tools.policy, now), now


def _with_clocks(observation: Observation, cluster: Cluster, tools: Tools) -> Observation:
    """With what is known of the clocks."""
    date = cluster.time()
    dated = replace(observation, date=date, server_ahead=ahead(date, tools.clock()))
    return replace(dated, steady_since=tools.steady_since, clock_off=tools.clock_off)


def recorded(record: Record, decision: Decision, now: float) -> Record:
    """The record after a pass that came to this decision."""
    judgement = decision.judgement
    after = record.moved(now, judgement.phase, judgement.reason, judgement.sentence, decision.again_at)
    released_at = now if judgement.phase is Phase.RELEASED else decision.released_at
    detached_at = record.detached_at or (now if decision.detached else None)
    return replace(
        after,
        checks=_merged_checks(record.checks, decision.checks),
        released_at=released_at,
        detached_at=detached_at,
        signs=decision.signs,
        unsteady_at=now if decision.unsteady else record.unsteady_at,
        in_use_at=now if decision.in_use else record.in_use_at,
        hotplugs=decision.hotplugs,
        proof=decision.proof,
        weighed=decision.weighed,
        basis=decision.basis,
    )


def _merged_checks(before: tuple[Check, ...], now: tuple[Check, ...]) -> tuple[Check, ...]:
    """What passed and is not checked any more stays on the list: it is why the drift went on."""
    looked_at = {check.name: check for check in now}
    earlier = {check.name: check for check in before if check.held or check.name in looked_at}
    return tuple({**earlier, **looked_at}.values())


def _blocked(record: Record, now: float, reason: str, sentence: str, later: float | None) -> Record:
    """The checks of the last complete pass stay: they are still the best that is known."""
    judgement = Judgement(reason, sentence)
    same = (record.phase, record.reason) == (judgement.phase, reason)
    again_at = now + later if later else backoff(now, record.tries + 1 if same else 0)
    return record.moved(now, judgement.phase, reason, sentence, again_at)
