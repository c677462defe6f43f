"""What a person can ask for about a lost node: confirm that it is off, taint it or not, unfence it.

By the command line. The page confirms as an entitled sender (`reactor.web.page.confirming`).
"""

from reactor.adapters.rq import Queue, fence_entry
from reactor.interventions import InterventionResult, Interventions
from reactor.model.deed import UNTAINT
from reactor.model.drift import OutageRecord
from reactor.model.errors import NotDone
from reactor.model.event import NODE_FENCED
from reactor.model.fencing import CONFIG_MAP, ReleaseWay, fencing_entries
from reactor.model.identity import Outage
from reactor.model.intervention import MONTH, TAINT, UNFENCE, node_target
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from reactor.model.similar import did_you_mean


def confirm_off(interventions: Interventions, name: str, how: str, *, although_ready: bool) -> InterventionResult:
    """Confirm that this boot of a node is off, as an entitled system would."""
    node = _node(interventions, name)
    if node.ready == "True" and not although_ready:
        raise NotDone(
            f"{name} is Ready: Kubernetes still receives its heartbeats. If you know that it is off and Kubernetes has "
            "not noticed yet, use --although-ready"
        )
    boot = {"uid": node.uid, "bootID": node.boot}
    receipt = interventions.send(NODE_FENCED, name, {**boot, "how": how})
    return InterventionResult(
        f"{name} is confirmed to be off; a worker processes the confirmation.", {"node": name, **boot}, receipt
    )


def taint(interventions: Interventions, queue: Queue, name: str, why: str) -> InterventionResult:
    """Have the whole node tainted out-of-service once it is proven dead, whatever that removes."""
    outages = [record.outage for record in interventions.store().outages() if not record.recovered_at]
    of_node = [outage for outage in outages if outage.node.name == name]
    if not of_node:
        instead = did_you_mean(name, (outage.node.name for outage in outages))
        raise NotDone(f"{name} has no open outage{instead}; `vmdrift status` shows them")
    sentence = (
        f"Once {name} is proven dead it gets Kubernetes' out-of-service taint with the effect NoExecute, which removes "
        "every pod that does not tolerate it. `vmdrift status` shows which."
    )
    return InterventionResult(sentence, _write_and_wake(interventions, queue, TAINT, of_node[-1], why))


def untaint(interventions: Interventions, queue: Queue, name: str) -> InterventionResult:
    """Take back that a node is to be tainted. A taint that is set already stays: pods were removed under it."""
    target = node_target(name)
    lifted = interventions.book.lift(lambda entry: entry.kind == TAINT and entry.target == target)
    if not lifted:
        raise NotDone(f"nobody has asked to taint {name}; `vmdrift holds` shows what was asked for")
    interventions.note(UNTAINT, target)
    meant = {entry.outage for entry in lifted}
    outages = [record for record in interventions.store().outages() if record.outage.id in meant]
    for record in outages:
        queue.wake(fence_entry(record.outage), interventions.store().time())
    facts = {"node": name, "lifted": [entry.as_json() for entry in lifted]}
    return InterventionResult(_untainted(name, is_set=any(map(_is_tainted, outages))), facts)


def _is_tainted(outage: OutageRecord) -> bool:
    release = outage.fencing.release if outage.fencing else None
    return release is not None and release.way is ReleaseWay.TAINT


def _untainted(name: str, *, is_set: bool) -> str:
    if is_set:
        stays = f"stays until it has been rebooted, or until `vmdrift unfence {name}`: pods were removed under it"
        return f"The taint of {name} is set already. It {stays}."
    return f"{name} is not tainted with the effect NoExecute any more, whatever is proven."


def unfence(interventions: Interventions, queue: Queue, name: str, how: str) -> InterventionResult:
    """Have a node unfenced that was deleted, is heard from again with the same boot, or is kept off."""
    fencings = fencing_entries(
        interventions.book.cluster.find("configmaps", CONFIG_MAP, interventions.book.namespace), name
    ).values()
    outages = sorted((fencing.outage for fencing in fencings if not fencing.closed), key=lambda outage: outage.since)
    if not outages:
        raise NotDone(f"no fence of {name} is known; `vmdrift status` shows them")
    facts = [_write_and_wake(interventions, queue, UNFENCE, outage, how) for outage in outages]
    return InterventionResult(
        f"The fence of {name} is being removed. Whatever still runs there can write again.", facts[-1]
    )


def _node(interventions: Interventions, name: str) -> NodeView:
    obj = interventions.book.cluster.find("nodes", name) if is_name(name) else None
    if obj is None:
        raise NotDone(f"there is no node {name}{interventions.targets.meant(node_target(name))}")
    node = node_view(obj)
    if not node.boot:
        raise NotDone(f"{name} has no status.nodeInfo.bootID, so its current boot is unknown")
    return node


def _write_and_wake(
    interventions: Interventions, queue: Queue, kind: str, outage: Outage, why: str
) -> dict[str, object]:
    intervention = interventions.write(kind, node_target(outage.node.name), why, MONTH, outage.id)
    queue.wake(fence_entry(outage), interventions.store().time())
    return {**intervention.as_json(), "node": outage.node.name}
