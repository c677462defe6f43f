"""What other systems tell: each event is a hint, looked up in the API server, and answered with what was found there.

A sender can say where to look, never what to do: windows, prerequisites and pods are the cluster's and ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from reactor.adapters.cloudevents import decode
from reactor.adapters.redis.inbox import Inbox, post_entry
from reactor.adapters.rq import drift_entry, fence_entry
from reactor.interventions import newest
from reactor.model.confirmation_source import EVENT, Source
from reactor.model.drift import Ended, Record
from reactor.model.errors import BadInput, ClusterError, Forbidden, NotFound, Rejected
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.event import recovered as over
from reactor.model.event import unreachable as lost
from reactor.model.fencing import CLAIMS, Claim, files
from reactor.model.identity import NodeRef, Outage, VmRef
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from reactor.model.objects import text
from reactor.model.receipt import Receipt, Result
from reactor.model.times import clock_time
from workers.config_maps import creating
from workers.context import Tools
from workers.drift.run import begin_anew
from workers.fencing.decide.allowed import providers
from workers.intake.begin import begin
from workers.intake.outage import take_event
from workers.observe.cache import NODE_LEASES, renewed
from workers.observe.launchers import launchers, whose
from workers.pass_time import timed

log = structlog.get_logger()

_LONG = 60.0  # seconds after which an accepted event should have been looked at


def take_post(events: Mapping[str, object], inbox: Inbox, tools: Tools) -> Ended:
    """The events of one POST, by their receipts. Raises ClusterError, StoreError: then those not settled come again."""
    tools = timed(tools)
    for receipt_id, carried in events.items():
        known = inbox.receipt(receipt_id)
        if known is not None and known.result is not None:
            continue
        result = _taken(carried, known, tools)
        inbox.settle(receipt_id, result)
        facts = {"receipt": receipt_id, "outcome": result.outcome, "reason": result.reason}
        log.info("event handled", sentence=result.sentence, **facts)
    return Ended("taken", "post", f"{len(events)} events.")


def look_after(inbox: Inbox, tools: Tools) -> int:
    """Wake the jobs of events that were accepted and not looked at since; RQ can lose one. How many. StoreError."""
    now = tools.store.time()
    waiting = inbox.unsettled(now - _LONG)
    for receipt in waiting:
        tools.queue.wake(post_entry({receipt.id: receipt.hint}), now)
    return len(waiting)


def _taken(carried: object, receipt: Receipt | None, tools: Tools) -> Result:
    try:
        event = decode(carried if isinstance(carried, dict) else {})
    except BadInput as error:
        return Result("nothing", "bad-input", f"{error}.")
    if event.type == NODE_FENCED:
        return _fenced(receipt, tools)
    if event.type == DRIFT_RETRY:
        return _retried(event, receipt.sender if receipt and receipt.person else event.source, tools)
    if event.type not in _KINDS:
        return Result("nothing", "unknown-type", f"Events of type {event.type[:80]!r} are not taken in here.")
    return _KINDS[event.type](event, tools)


def _unreachable(event: Event, tools: Tools) -> Result:
    node = _node(event.subject, tools)
    if node is None or node.outage is None:
        return _not_lost(event.subject, node)
    take_event(lost(node.outage, event.source), tools)
    return _outage(node.outage, tools)


def _node(name: str, tools: Tools) -> NodeView | None:
    """None where there is none, and where that is no name."""
    found = tools.cluster.find("nodes", name) if is_name(name) else None
    return node_view(found) if found else None


def _not_lost(name: str, node: NodeView | None) -> Result:
    if node is None:
        return Result("nothing", "no-such-node", f"There is no node {name}.")
    if node.ready == "False":
        told = f"Node {name} itself says that it is not Ready, so its kubelet is alive and its VMs may well run."
        return Result("nothing", "kubelet-reports-not-ready", told)
    since = f" since {clock_time(node.ready_since)}" if node.ready_since else ""
    return Result("nothing", "node-ready", f"The API server calls node {name} Ready{since}, so nothing is done.")


def _outage(outage: Outage, tools: Tools) -> Result:
    records = tools.store.records(outage.id)
    told = f"Node {outage.node.name} is unreachable since {clock_time(outage.since)}; drifts: {len(records)}."
    return Result("taken", "outage", told, outage.id, tuple(record.drift.id for record in records))


def _recovered(event: Event, tools: Tools) -> Result:
    known = [record.outage for record in tools.store.outages() if record.outage.node.name == event.subject]
    if not known:
        return Result("nothing", "no-outage", f"No outage of node {event.subject} is open.")
    for outage in known:
        take_event(over(outage, event.source, tools.clock()), tools)
    ended = [tools.store.outage(outage.id) for outage in known]
    if any(record is not None and record.recovered_at is None for record in ended):
        told = f"The API server still calls node {event.subject} unreachable, so its outage goes on."
        return replace(_outage(known[-1], tools), outcome="nothing", reason="still-unreachable", sentence=told)
    return replace(_outage(known[-1], tools), reason="outage-over", sentence=f"Node {event.subject} is back.")


def _fenced(receipt: Receipt | None, tools: Tools) -> Result:
    """Somebody entitled says that a boot of a node has ended. Written down, and judged by the fencing role.

    What a job carries is no proof: more roles may queue one than may accept an event. And what the receiver has let in
    is asked again: is this sender entitled, now?
    """
    if receipt is None or receipt.type != NODE_FENCED:
        return Result("nothing", "not-accepted", "No receiver has accepted this event, or it was too long ago.")
    if not receipt.person and not tools.may_send(receipt.sender, receipt.type, receipt.source):
        told = f"{receipt.sender} may not send {NODE_FENCED}, or not from {receipt.source[:80]}, by the"
        return Result("nothing", "not-entitled", f"{told} VMDRIFT_TOKENS_FILE of the role intake.")
    return _ended(receipt, tools)


def _ended(receipt: Receipt, tools: Tools) -> Result:
    event, by = receipt.hint, receipt.sender
    name, data = event.subject, event.data
    node = _node(name, tools)
    if node is None:
        return Result("nothing", "no-such-node", f"There is no node {name}.")
    if "event" not in providers(node, tools.policy):
        told = "VMDRIFT_FENCING does not name event, so nobody's confirmation that a node is off counts."
        return Result("nothing", "proof-not-used", told)
    if (data.get("uid"), data.get("bootID")) != (node.uid, node.boot):
        told = f"What was confirmed is uid {data.get('uid')}, boot {data.get('bootID')}"
        return Result("nothing", "another-boot", f"{told}; node {name} is uid {node.uid}, boot {node.boot}.")
    if not receipt.person and Source(EVENT, by) in _wrong(node, tools):
        told = f"Boot {node.boot} of node {name} was heard after {by} had confirmed that it is off"
        return Result("nothing", "refuted", f"{told}: for this boot only a person's confirmation counts.")
    return _claimed(event, by, node, tools, person=receipt.person)


def _wrong(node: NodeView, tools: Tools) -> set[Source]:
    """Who was wrong about this boot, and would only hide what others say."""
    kept = files(tools.around.fencings(tools.cluster), node.name)
    return {one for file in kept.values() if file.boot == node.boot for one in file.refuted}


def _claimed(event: Event, by: str, node: NodeView, tools: Tools, *, person: bool) -> Result:
    ref, now = NodeRef(node.name, node.uid), tools.clock()
    signs = renewed(tools.cluster.find("leases", node.name, NODE_LEASES)), node.heartbeat, node.reported
    claim = Claim(ref, node.boot, by, str(event.data.get("how", "")), now, *signs, person)
    try:
        tools.claims.note(CLAIMS, tools.around.namespace, {claim.key: claim.as_text()})
    except (Forbidden, NotFound, Rejected) as error:  # nothing that time mends
        return _not_written(node.name, by, error, tools.around.namespace)
    if node.outage is None:
        told = f"Written down. Node {node.name} is {node.ready or 'not heard'}, as far as Kubernetes knows: it counts"
        return Result("taken", "claimed", f"{told} once it is unreachable, if it gives no sign of life until then.")
    tools.queue.wake(fence_entry(node.outage), now)
    told = f"Written down: boot {node.boot} of node {node.name} is off, says {by}. `vmdrift status` shows what follows."
    return Result("taken", "claimed", told, node.outage.id)


def _not_written(node: str, by: str, error: ClusterError, namespace: str) -> Result:
    """Nobody may believe that it counts: it is reported to who said it, and in the log."""
    told = f"What {by} says of node {node} does not count: it cannot be written down ({error})."
    fix = f"{creating(CLAIMS, namespace)} Then confirm it again."
    log.error("confirmation not written", sentence=told, node=node, by=by, reason="not-written", fix=fix)
    return Result("nothing", "not-written", f"{told} {fix}")


def _requested(event: Event, tools: Tools) -> Result:
    """One VM, and no other of its node; the same prerequisites."""
    namespace, _, name = event.subject.partition("/")
    named = is_name(namespace) and is_name(name)
    vmi = tools.cluster.find("virtualmachineinstances", name, namespace) if named else None
    at = text(vmi, "status", "nodeName")
    if not at:
        return _on_its_way(event.subject, tools)
    node = _node(at, tools)
    if node is None or node.outage is None:
        record = newest(tools.store, event.subject)  # it may just start there
        return _woken(record, tools) if record and not record.ended else _not_lost(at, node)
    for one, _ in launchers(tools.cluster, namespace=namespace, fields=f"spec.nodeName={at}"):
        vm = whose(one, tools.cluster) if one.vmi == name else None
        if isinstance(vm, VmRef):
            return _woken(begin(vm, one.vmi_uid, node, node.outage, tools), tools)
    return Result("nothing", "not-on-node", f"{event.subject} has no launcher pod on {at} any more.")


def _on_its_way(vm: str, tools: Tools) -> Result:
    """Between two nodes a VM has none; then its drift is known."""
    record = newest(tools.store, vm)
    if record is None:
        return Result("nothing", "no-such-vm", f"{vm} is no VM that runs, or ran, on a node.")
    return _woken(record, tools)


def _retried(event: Event, by: str, tools: Tools) -> Result:
    """An ended drift begins anew, with all of its prerequisites; one that goes on looks now."""
    record = newest(tools.store, event.subject)
    if record is None:
        return Result("nothing", "no-drift", f"{event.subject} has no drift in any open outage.")
    return _woken(begin_anew(record, by, tools.store), tools)


def _woken(record: Record, tools: Tools) -> Result:
    if not record.ended:
        tools.queue.wake(drift_entry(record.drift), tools.clock())
    return _drift(record)


def _drift(record: Record) -> Result:
    told, drift = f"{record.phase}: {record.sentence}", record.drift
    return Result("taken", "drift", told, drift.outage.id, (drift.id,))


_KINDS: Mapping[str, Callable[[Event, Tools], Result]] = {
    NODE_UNREACHABLE: _unreachable,
    NODE_RECOVERED: _recovered,
    DRIFT_REQUESTED: _requested,
}
