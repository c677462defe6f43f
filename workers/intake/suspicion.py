"""Suspicions: whatever a watcher hints at is looked up in the API server, and each begins and ends once.

The hint is the same for a suspicion that begins and one that may be over. Looked at again, it repairs what was lost: a
watcher that was restarted remembers none.
"""

from reactor.adapters.cloudevents import encode
from reactor.adapters.rq import event_entry, fence_entry
from reactor.model.drift import Ended
from reactor.model.event import Event, recovered
from reactor.model.identity import take
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.node import NodeView, node_view
from reactor.model.suspicion import LOST, Suspicion, ending
from workers.context import Tools
from workers.delivery.events import node_cleared, node_suspected, nodes_suspected
from workers.fencing.decide.allowed import providers
from workers.pass_time import timed


def take_suspicion(event: Event, tools: Tools) -> Ended:
    """Look at it: does it go on? Raises BadInput, ClusterError, StoreError."""
    suspicion = Suspicion.of(take(event.data, "suspicion", dict, "event.data"), "event.data.suspicion")
    tools, name = timed(tools), suspicion.node.name
    lease, obj = tools.cluster.find("leases", name, NODE_LEASES), tools.cluster.find("nodes", name)
    node = node_view(obj) if obj else None
    how = ending(suspicion, node, renewal(lease)[1] if lease else None)
    return _over(suspicion, how, node, tools) if node is None or how else _goes_on(suspicion, node, tools)


def take_too_many(event: Event, tools: Tools) -> Ended:
    """Nobody is asked; that is reported once. Raises BadInput, StoreError."""
    sentence, now = take(event.data, "sentence", str, "event.data"), timed(tools).clock()
    if tools.policy.fencing and tools.store.suspicions.too_many():
        tools.store.publish([encode(nodes_suspected(sentence, tools.source, now))], [])
    return Ended("ignored", "too-many-suspects", sentence)


def _goes_on(suspicion: Suspicion, node: NodeView, tools: Tools) -> Ended:
    """Providers are asked at each look: a fencing pass that goes on already is only woken."""
    now = tools.clock()
    asked = bool(providers(node, tools.policy))
    events = [encode(node_suspected(suspicion, tools.source, now))] if asked else []
    tools.store.suspicions.begin(suspicion, events)
    outage = node.with_lease(suspicion.renewed).early_outage(suspicion.since)
    if asked and outage:
        tools.queue.wake(fence_entry(outage), now)
    return Ended("suspected", "lease-silent", suspicion.sentence(now))


def _over(suspicion: Suspicion, how: str, node: NodeView | None, tools: Tools) -> Ended:
    """One that Kubernetes confirms is not cleared: what follows is reported of the outage."""
    announced = how != LOST and tools.policy.fencing and (node is None or providers(node, tools.policy))
    events = [encode(node_cleared(suspicion, how, tools.source, tools.clock()))] if announced else []
    tools.store.suspicions.end(suspicion, how, events)
    if how != LOST:
        _close_outages(suspicion, tools)
    return Ended("ignored", f"suspicion-{how}", f"{suspicion.node.name}: the suspicion is over ({how}).")


def _close_outages(suspicion: Suspicion, tools: Tools) -> None:
    """An outage that began early may be over, too: it is looked up now, and not only at the next resync."""
    now = tools.clock()
    for record in tools.store.outages():
        if record.outage.node == suspicion.node and record.recovered_at is None:
            tools.queue.wake(event_entry(recovered(record.outage, tools.source, now)), now)
