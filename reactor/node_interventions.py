"""What people ask for about a lost node: prove it dead, have it tainted, take a fence back. By command line only."""

from reactor.adapters.rq import Queue, fence_entry
from reactor.interventions import InterventionResult, Interventions
from reactor.model.errors import NotDone
from reactor.model.event import NODE_FENCED
from reactor.model.fencing import CONFIG_MAP, files
from reactor.model.identity import Outage
from reactor.model.intervention import MONTH, TAINT, UNFENCE, node_target
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view


def confirm_off(asked: Interventions, name: str, how: str, *, although_ready: bool) -> InterventionResult:
    """Say that this boot of a node is off, as an entitled system would."""
    node = _node(asked, name)
    if node.ready == "True" and not although_ready:
        raise NotDone(
            f"{name} is Ready: Kubernetes hears it right now. If you know that it is off, and has only not been "
            "missed yet: --although-ready"
        )
    boot = {"uid": node.uid, "bootID": node.boot}
    receipt = asked.send(NODE_FENCED, name, {**boot, "how": how})
    return InterventionResult(f"{name} is confirmed to be off; a worker looks at it.", {"node": name, **boot}, receipt)


def taint(asked: Interventions, queue: Queue, name: str, why: str) -> InterventionResult:
    """Have the whole node put out of service once it is proven dead, whatever that hits."""
    outages = [known.outage for known in asked.store().outages() if not known.recovered_at]
    mine = [outage for outage in outages if outage.node.name == name]
    if not mine:
        raise NotDone(f"{name} has no open outage; `vmdrift status` shows them")
    sentence = (
        f"Once {name} is proven dead it gets Kubernetes' out-of-service taint, which removes every pod that does "
        "not tolerate it. `vmdrift status` shows which."
    )
    return InterventionResult(sentence, _written(asked, queue, TAINT, mine[-1], why))


def unfence(asked: Interventions, queue: Queue, name: str, how: str) -> InterventionResult:
    """Have taken back what fences a node that was deleted, or is heard again with the same boot."""
    kept = files(asked.book.cluster.find("configmaps", CONFIG_MAP, asked.book.namespace), name).values()
    outages = sorted((file.outage for file in kept if not file.closed), key=lambda outage: outage.since)
    if not outages:
        raise NotDone(f"nothing is known of a fence of {name}; `vmdrift status` shows them")
    facts = [_written(asked, queue, UNFENCE, outage, how) for outage in outages]
    return InterventionResult(
        f"What fences {name} is taken back. Whatever still runs there can write again.", facts[-1]
    )


def _node(asked: Interventions, name: str) -> NodeView:
    found = asked.book.cluster.find("nodes", name) if is_name(name) else None
    if found is None:
        raise NotDone(f"there is no node {name}")
    node = node_view(found)
    if not node.boot:
        raise NotDone(f"{name} has no status.nodeInfo.bootID, so nothing can be said of its boot")
    return node


def _written(asked: Interventions, queue: Queue, kind: str, outage: Outage, why: str) -> dict[str, object]:
    intervention = asked.write(kind, node_target(outage.node.name), why, MONTH, outage.id)
    queue.wake(fence_entry(outage), asked.store().time())
    return {**intervention.as_json(), "node": outage.node.name}
