"""Where a drift begins, and how it is woken."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import structlog

from reactor import timing
from reactor.adapters.cloudevents import encode
from reactor.adapters.rq import drift_entry
from reactor.model.drift import Record, Signs
from reactor.model.forecast import Forecast
from reactor.model.identity import Drift, Outage, VmRef
from reactor.model.node import NodeView
from workers.context import Tools
from workers.decide.node import unnoticed
from workers.delivery.events import step_events
from workers.drift.run import first_record, log_fields
from workers.observe import lease

log = structlog.get_logger()

_LATEST = 60.0  # seconds from a sweep until every drift that waits was looked at, whatever it waits for
_REFUSED = 300.0  # seconds, the same of a drift that was refused or has failed: nothing of it is about to happen


def begin(vm: VmRef, vmi_uid: str, node: NodeView, outage: Outage, tools: Tools) -> Record:
    """The drift of one VM, as it is or new, and of no other VM of its node. Raises ClusterError, StoreError."""
    drift = Drift(vm, outage)
    return tools.store.record(drift.id) or first(drift, vmi_uid, (node, signs(node, outage, tools)), tools)


def first(
    drift: Drift,
    vmi_uid: str,
    lost: tuple[NodeView | None, Signs | None],
    tools: Tools,
    forecast: Forecast | None = None,
) -> Record:
    """The record of a new drift, or the one that somebody else wrote meanwhile. StoreError.

    `lost`: its node and the signs of life of that; `forecast`: what is known to keep the VM down already.
    """
    record = _new(drift, vmi_uid, lost, tools, forecast)
    if tools.store.create(record, _events(record, tools)):
        log.info("drift decided", **log_fields(record))
        return record
    return tools.store.record(drift.id) or record


def once_more(ended: Record, vmi_uid: str, lost: tuple[NodeView | None, Signs | None], tools: Tools) -> Record:
    """The VM of a drift that has ended was put back onto the lost node: it begins again, as a new one. StoreError.

    The scheduler takes a dead node for alive until Kubernetes notices, unless a taint keeps it away, which others may
    remove; and the VM may need a node again because the one that it runs on by now is lost, too.
    """
    lock = tools.store.acquire(ended.drift.vm.uid, timing.VM_LOCK, ended.drift.id)
    if lock is None:
        return ended  # it is looked at again at the next sweep
    try:
        if lock.record and lock.record.ended and lock.record.vmi_uid != vmi_uid:
            ended = _begun_again(lock.record, _new(ended.drift, vmi_uid, lost, tools, None))
            tools.store.save(ended, lock, _events(ended, tools))
            log.info("drift decided", **log_fields(ended))
        return ended
    finally:
        tools.store.release(lock)


def _begun_again(before: Record, record: Record) -> Record:
    sentence = f"The VM was put back onto the lost node after this: {before.sentence} {record.sentence}"
    return replace(record, sentence=sentence, again=before.again + 1)


def _new(
    drift: Drift,
    vmi_uid: str,
    lost: tuple[NodeView | None, Signs | None],
    tools: Tools,
    forecast: Forecast | None,
) -> Record:
    node, node_signs = lost
    record = replace(first_record(drift, tools, vmi_uid, node_signs), forecast=forecast)
    if objection := unnoticed(node, drift.outage):  # only proof releases it, which may be there
        phase, reason, sentence = objection.phase, objection.reason, objection.sentence
        record = replace(record, phase=phase, reason=reason, sentence=sentence, again_at=record.created_at)
    return record


def _events(record: Record, tools: Tools) -> list[dict[str, Any]]:
    return [encode(event) for event in step_events(None, record, tools.source, tools.clock())]


def signs(node: NodeView, outage: Outage, tools: Tools) -> Signs:
    """The lost node's last signs of life. Read now, so that at the window's end it is known whether they changed."""
    return Signs(lease(tools.cluster, outage), node.heartbeat, tools.clock())


def wake(records: Iterable[Record], tools: Tools) -> int:
    """Those that have not ended, so that no old due time puts a pass off for long. How many. StoreError."""
    going, now = [record for record in records if not record.ended], tools.clock()
    tools.queue.wake_all([(drift_entry(record.drift), _due(record, now)) for record in going])
    return len(going)


def _due(record: Record, now: float) -> float:
    """As its record says, but soon: a header, a toleration or a clock that was wrong may have asked for hours.

    At once where the clock was set back since.
    """
    if record.again_at is None or record.changed_at > now:
        return now
    return min(record.again_at, now + (_REFUSED if record.phase.is_end else _LATEST))
