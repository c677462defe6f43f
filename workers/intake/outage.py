"""An outage -> its VMs -> one drift each. The same code is the sweep: run again, it repairs whatever was lost."""

from dataclasses import replace

from reactor.model.drift import Ended, Outcome, Record
from reactor.model.errors import BadInput
from reactor.model.event import NODE_RECOVERED, NODE_SUSPECTED, NODE_UNREACHABLE, NODES_SUSPECTED, Event
from reactor.model.identity import Outage, take
from reactor.model.node import NodeView, goes_on
from reactor.wake import look_at
from workers.context import Tools
from workers.intake.begin import wake
from workers.intake.known import look_up
from workers.intake.suspicion import take_suspicion, take_too_many
from workers.intake.sweep import sweep
from workers.pass_time import timed

# Seconds until surely no worker remembers the node as it was (workers.observe.cache.MOMENT, twice).
_FRESH = 2.0
_SUSPICIONS = {NODE_SUSPECTED: take_suspicion, NODES_SUSPECTED: take_too_many}


def take_event(event: Event, tools: Tools) -> Outcome:
    """Take in one CloudEvent; it is a hint, so what it says is looked up. Raises BadInput, ClusterError, StoreError."""
    if event.type in _SUSPICIONS:
        return _SUSPICIONS[event.type](event, tools)
    if event.type not in {NODE_UNREACHABLE, NODE_RECOVERED}:
        raise BadInput(f"event.type: {event.type[:80]!r} is not an accepted type")
    hint = Outage.of(take(event.data, "outage", dict, "event.data"), "event.data.outage")
    tools = timed(tools)
    wake(tools.store.records(hint.id), tools)  # before anything is read that may not be readable
    node, outage, counts = look_up(hint, tools)
    records = tools.store.records(outage.id)
    if outage != hint:
        wake(records, tools)
    if not goes_on(node, outage):
        return _over(outage, node, records, tools)
    if not counts:
        sentence = f"Kubernetes has not noticed that {outage.node.name} is lost, and nobody has proven it."
        return Ended("ignored", "not-proven", sentence)
    return sweep(_noticed(outage, node, records, tools), node, records, tools)


def _noticed(outage: Outage, node: NodeView | None, records: list[Record], tools: Tools) -> Outage:
    """The outage as the node shows it. When Kubernetes notices it, its drifts may have waited for that."""
    noticed = node.noticed(outage) if node else outage
    if noticed.noticed != outage.noticed:
        going = [record.drift for record in records if not record.ended]
        look_at(going, tools.coverage, tools.queue, tools.clock() + _FRESH)
    return noticed


def _over(outage: Outage, node: NodeView | None, records: list[Record], tools: Tools) -> Ended:
    """The node is back or was replaced. What was released goes on to its end; the rest ends as cancelled."""
    stored = tools.store.outage(outage.id)
    if stored is None:
        return Ended("ignored", "unknown-outage", f"{outage.node.name} has no such outage any more.")
    now = tools.clock()
    going = [record.drift for record in records if not record.ended]
    look_at(going, tools.coverage, tools.queue, now + _FRESH)
    ended = replace(stored, recovered_at=stored.recovered_at or now)
    tools.store.save_outage(ended, done=not going)
    state = node.ready if node else "deleted"
    return Ended(
        "recovered", "outage-over", f"{outage.node.name} is {state or 'new'}; {len(going)} recoveries still under way."
    )
