"""Events of other systems: each is a hint, looked up in the API server, and answered with what was found there.

A sender can say where to look, never what to do: windows, prerequisites and pods are the cluster's and ours.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from reactor.adapters.cloudevents import decode
from reactor.adapters.redis.inbox import Inbox, post_entry
from reactor.adapters.rq import event_entry, fence_entry
from reactor.interventions import newest
from reactor.model.confirmation_source import EVENT, Source
from reactor.model.deed import CONFIRM_OFF, RETRY, Deed
from reactor.model.drift import Ended, Record
from reactor.model.errors import BadInput, ClusterError, Forbidden, NotFound, Rejected, StoreError
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.event import recovered as recovered_event
from reactor.model.event import suspected as suspected_event
from reactor.model.event import unreachable as unreachable_event
from reactor.model.fencing import CLAIMS, Claim, fencing_entries
from reactor.model.identity import NodeRef, Outage, VmRef
from reactor.model.intervention import node_target, reason_of, vm_target
from reactor.model.lease import NODE_LEASES
from reactor.model.names import is_name
from reactor.model.node import NodeView
from reactor.model.objects import text
from reactor.model.receipt import Receipt, Result
from reactor.model.times import clock_time
from reactor.wake import look_at
from workers.config_maps import creating
from workers.context import Tools
from workers.drift.run import begin_again
from workers.fencing.decide.allowed import providers
from workers.intake.begin import begin
from workers.intake.known import current_node, outage_of, suspected
from workers.intake.outage import take_event
from workers.observe.cache import renewed
from workers.observe.launchers import launchers, vm_of_launcher
from workers.pass_time import timed

log = structlog.get_logger()

_LONG = 60.0  # seconds after which an accepted event should have been looked at


def take_post(events: Mapping[str, object], inbox: Inbox, tools: Tools) -> Ended:
    """The events of one POST, by their receipts. Raises ClusterError, StoreError: then those not settled come again."""
    tools = timed(tools)
    for receipt_id, payload in events.items():
        receipt = inbox.receipt(receipt_id)
        if receipt is not None and receipt.result is not None:
            continue
        result = _handled(payload, receipt, tools)
        inbox.settle(receipt_id, result)
        facts = {"receipt": receipt_id, "outcome": result.outcome, "reason": result.reason}
        log.info("event handled", sentence=result.sentence, **facts)
    return Ended("taken", "post", f"{len(events)} events.")


def look_after(inbox: Inbox, tools: Tools) -> int:
    """Wake the jobs of events that were accepted and not looked at since; RQ can lose one. How many. StoreError.

    And of suspicions whose end is not known: the watcher that would have noticed it may be gone.
    """
    now = tools.store.time()
    waiting = inbox.unsettled(now - _LONG)
    for receipt in waiting:
        tools.queue.wake(post_entry({receipt.id: receipt.hint}), now)
    for suspicion in tools.store.suspicions.open():
        tools.queue.wake(event_entry(suspected_event(suspicion, tools.source, now)), now)
    return len(waiting)


def _handled(payload: object, receipt: Receipt | None, tools: Tools) -> Result:
    try:
        event = decode(payload if isinstance(payload, dict) else {})
    except BadInput as error:
        return Result("nothing", "bad-input", f"{error}.")
    if event.type == NODE_FENCED:
        return _fenced(receipt, tools)
    if event.type == DRIFT_RETRY:
        return _retried(event, receipt, tools)
    if event.type not in _KINDS:
        return Result("nothing", "unknown-type", f"Events of type {event.type[:80]!r} are not accepted.")
    return _KINDS[event.type](event, tools)


def _unreachable(event: Event, tools: Tools) -> Result:
    node = current_node(event.subject, tools)
    outage = outage_of(node, tools) if node else None
    if outage is None:
        return _not_lost(event.subject, node)
    take_event(unreachable_event(outage, event.source), tools)
    return _outage(outage, tools)


def _not_lost(name: str, node: NodeView | None) -> Result:
    if node is None:
        return Result("nothing", "no-such-node", f"There is no node {name}.")
    if node.ready == "False":
        sentence = (
            f"Node {name} itself reports that it is not Ready, so its kubelet is alive and its VMs may be running."
        )
        return Result("nothing", "kubelet-reports-not-ready", sentence)
    if node.undated:
        sentence = (
            f"Node {name} is Unknown, but its Ready condition has no valid lastTransitionTime, so nothing is done."
        )
        return Result("nothing", "lost-since-unknown", sentence)
    since = f" since {clock_time(node.ready_since)}" if node.ready_since else ""
    return Result("nothing", "node-ready", f"The API server reports node {name} as Ready{since}, so nothing is done.")


def _outage(outage: Outage, tools: Tools) -> Result:
    records = tools.store.records(outage.id)
    sentence = f"Node {outage.node.name} is unreachable since {clock_time(outage.since)}; recoveries: {len(records)}."
    return Result("taken", "outage", sentence, outage.id, tuple(record.drift.id for record in records))


def _recovered(event: Event, tools: Tools) -> Result:
    outages = [record.outage for record in tools.store.outages() if record.outage.node.name == event.subject]
    if not outages:
        return Result("nothing", "no-outage", f"No outage of node {event.subject} is open.")
    for outage in outages:
        take_event(recovered_event(outage, event.source, tools.clock()), tools)
    records = [tools.store.outage(outage.id) for outage in outages]
    if any(record is not None and record.recovered_at is None for record in records):
        sentence = f"The API server still reports node {event.subject} as unreachable, so its outage continues."
        return replace(_outage(outages[-1], tools), outcome="nothing", reason="still-unreachable", sentence=sentence)
    return replace(_outage(outages[-1], tools), reason="outage-over", sentence=f"Node {event.subject} is back.")


def _fenced(receipt: Receipt | None, tools: Tools) -> Result:
    """An entitled sender reports that a boot of a node has ended. Written down, and judged by the fencing role.

    What a job carries is no proof: more roles may queue one than may accept an event. And what the receiver checked
    is checked again: is this sender entitled, now?
    """
    if receipt is None or receipt.type != NODE_FENCED:
        return Result("nothing", "not-accepted", "No receiver has accepted this event, or that was too long ago.")
    if not receipt.person and not tools.may_send(receipt.sender, receipt.type, receipt.source):
        sentence = f"{receipt.sender} may not send {NODE_FENCED}, or not from {receipt.source[:80]}, by the"
        return Result("nothing", "not-entitled", f"{sentence} VMDRIFT_TOKENS_FILE of the role intake.")
    return _confirmed_off(receipt, tools)


def _confirmed_off(receipt: Receipt, tools: Tools) -> Result:
    event, by = receipt.hint, receipt.sender
    name, data = event.subject, event.data
    node = current_node(name, tools)
    if node is None:
        return Result("nothing", "no-such-node", f"There is no node {name}.")
    if "event" not in providers(node, tools.policy):
        sentence = "VMDRIFT_FENCING does not name event, so confirmations that a node is off do not count."
        return Result("nothing", "proof-not-used", sentence)
    if (data.get("uid"), data.get("bootID")) != (node.uid, node.boot):
        sentence = f"What was confirmed is uid {data.get('uid')}, boot {data.get('bootID')}"
        return Result("nothing", "another-boot", f"{sentence}; node {name} is uid {node.uid}, boot {node.boot}.")
    if not receipt.person and Source(EVENT, by) in _refuted(node, tools):
        sentence = f"Boot {node.boot} of node {name} gave a sign of life after {by} had confirmed that it is off"
        return Result("nothing", "refuted", f"{sentence}: for this boot only a person's confirmation counts.")
    return _claimed(receipt, node, tools)


def _refuted(node: NodeView, tools: Tools) -> set[Source]:
    """The sources that were wrong about this boot, and would only hide what others report."""
    fencings = fencing_entries(tools.around.fencings(tools.cluster), node.name)
    return {source for file in fencings.values() if file.boot == node.boot for source in file.refuted}


def _claimed(receipt: Receipt, node: NodeView, tools: Tools) -> Result:
    event, by, person = receipt.hint, receipt.sender, receipt.person
    ref, now = NodeRef(node.name, node.uid), tools.clock()
    signs = renewed(tools.cluster.find("leases", node.name, NODE_LEASES)), node.heartbeat, node.reported
    claim = Claim(ref, node.boot, by, str(event.data.get("how", "")), now, *signs, person)
    try:
        tools.claims.note(CLAIMS, tools.around.namespace, {claim.key: claim.as_text()})
    except (Forbidden, NotFound, Rejected) as error:  # waiting does not help
        return _not_written(node.name, by, error, tools.around.namespace)
    outage = suspected(node, tools)
    lost = [record.outage for record in tools.store.outages() if record.outage.node == ref]
    _noted(CONFIRM_OFF, node_target(node.name), receipt, lost, tools)
    if outage is None:
        sentence = (
            f"Recorded. The Ready condition of node {node.name} is {node.ready or 'missing'}: the confirmation counts"
        )
        return Result(
            "taken", "claimed", f"{sentence} once the node is unreachable, if it gives no sign of life until then."
        )
    tools.queue.wake(fence_entry(outage), now)
    confirmed = f"Recorded: {by} confirmed that boot {node.boot} of node {node.name} is off."
    sentence = f"{confirmed} `vmdrift status` shows what follows."
    return Result("taken", "claimed", sentence, outage.id)


def _not_written(node: str, by: str, error: ClusterError, namespace: str) -> Result:
    """So that nobody believes that it counts, it is reported to its sender and in the log."""
    sentence = f"The confirmation by {by} for node {node} does not count: it cannot be stored ({error})."
    fix = f"{creating(CLAIMS, namespace)} Then confirm it again."
    log.error("confirmation not written", sentence=sentence, node=node, by=by, reason="not-written", fix=fix)
    return Result("nothing", "not-written", f"{sentence} {fix}")


def _requested(event: Event, tools: Tools) -> Result:
    """One VM, and no other of its node; the same prerequisites."""
    namespace, _, name = event.subject.partition("/")
    valid = is_name(namespace) and is_name(name)
    vmi = tools.cluster.find("virtualmachineinstances", name, namespace) if valid else None
    node_name = text(vmi, "status", "nodeName")
    if not node_name:
        return _between_nodes(event.subject, tools)
    node = current_node(node_name, tools)
    outage = outage_of(node, tools) if node else None
    if node is None or outage is None:
        record = newest(tools.store, event.subject)  # it may just start there
        return _woken(record, tools) if record and not record.ended else _not_lost(node_name, node)
    for pod, _ in launchers(tools.cluster, namespace=namespace, fields=f"spec.nodeName={node_name}"):
        vm = vm_of_launcher(pod, tools.cluster) if pod.vmi == name else None
        if isinstance(vm, VmRef):
            return _woken(begin(vm, pod.vmi_uid, node, outage, tools), tools)
    return Result("nothing", "not-on-node", f"{event.subject} has no launcher pod on {node_name} any more.")


def _between_nodes(vm: str, tools: Tools) -> Result:
    """Between two nodes a VM is on none; then its drift is known."""
    record = newest(tools.store, vm)
    if record is None:
        return Result("nothing", "no-such-vm", f"{vm} is not a VM that runs, or ran, on a node.")
    return _woken(record, tools)


def _retried(event: Event, receipt: Receipt | None, tools: Tools) -> Result:
    """An ended drift begins again, with all of its prerequisites; one that goes on is looked at now."""
    by = receipt.sender if receipt and receipt.person else event.source
    record = newest(tools.store, event.subject)
    if record is None:
        return Result("nothing", "no-drift", f"{event.subject} has no recovery in any open outage.")
    record = begin_again(record, by, tools.store)
    _noted(RETRY, vm_target(record.drift.vm), receipt, [record.drift.outage], tools)
    return _woken(record, tools)


def _noted(what: str, target: str, receipt: Receipt | None, outages: Iterable[Outage], tools: Tools) -> None:
    """In the log of who did what. The deed is done: a log that cannot be written stops nothing."""
    if receipt is None:
        return
    channel = receipt.source.split("/")[1] if receipt.source.startswith(("/page/", "/cli/")) else "event"
    ids = tuple(outage.id for outage in outages)
    why = reason_of(str(receipt.data["how"])) if receipt.data.get("how") else ""
    with suppress(StoreError):
        tools.store.deeds.note(Deed(what, target, receipt.sender, channel, why, receipt.at, None, ids))


def _woken(record: Record, tools: Tools) -> Result:
    if not record.ended:
        look_at([record.drift], tools.coverage, tools.queue, tools.clock())
    return _drift(record)


def _drift(record: Record) -> Result:
    sentence, drift = f"{record.phase}: {record.sentence}", record.drift
    return Result("taken", "drift", sentence, drift.outage.id, (drift.id,))


_KINDS: Mapping[str, Callable[[Event, Tools], Result]] = {
    NODE_UNREACHABLE: _unreachable,
    NODE_RECOVERED: _recovered,
    DRIFT_REQUESTED: _requested,
}
