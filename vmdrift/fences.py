"""`vmdrift confirm-off|taint|unfence`: what a person can do about a lost node: prove it dead, and take a fence back."""

import time
from dataclasses import asdict

from reactor.doors.queue import fence_entry
from reactor.model.errors import NotDone
from reactor.model.event import NODE_FENCED, Event
from reactor.model.fencing import CONFIG_MAP, files
from reactor.model.identity import Outage
from reactor.model.intervention import MONTH, TAINT, UNFENCE, Intervention, node_target
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from vmdrift.command import CANNOT_TELL, NOT_SO
from vmdrift.hands import Hands, who
from vmdrift.intervene import NOBODY, Deed, asked, run, told


def confirm_off(name: str, how: str, *, although_ready: bool, as_json: bool) -> int:
    """Say that this boot of a node is off, as an entitled system would; returns the exit code.

    1 where it does not count, 2 while nobody has looked at it.
    """

    def do(hands: Hands) -> Deed:
        node = _node(hands, name)
        if node.ready == "True" and not although_ready:
            raise NotDone(
                f"{name} is Ready: Kubernetes hears it right now. If you know that it is off, and has only not been "
                "missed yet: --although-ready"
            )
        now, boot = time.time(), {"uid": node.uid, "bootID": node.boot}
        receipt, result = asked(
            hands, Event(NODE_FENCED, f"/cli/{who()}", f"{now:.3f}", name, now, {**boot, "how": how})
        )
        facts = {"node": name, **boot, "receipt": receipt.id, "result": asdict(result) if result else None}
        if result is None:
            return Deed(NOBODY, facts, CANNOT_TELL)
        return Deed(result.sentence, facts, 0 if result.outcome == "taken" else NOT_SO)

    return run("confirm-off", do, as_json=as_json)


def taint(name: str, why: str, *, as_json: bool) -> int:
    """Have the whole node put out of service once it is proven dead, whatever that hits; returns the exit code."""

    def do(hands: Hands) -> Deed:
        outages = hands.wiring.store.outages()
        found = [known.outage for known in outages if known.outage.node.name == name and not known.recovered_at]
        if not found:
            raise NotDone(f"{name} has no open outage; `vmdrift status` shows them")
        sentence = (
            f"Once {name} is proven dead it gets Kubernetes' out-of-service taint, which removes every pod that does "
            "not tolerate it. `vmdrift status` shows which."
        )
        return _wished(hands, TAINT, found[-1], why, sentence)

    return run("taint", do, as_json=as_json)


def unfence(name: str, how: str, *, as_json: bool) -> int:
    """Have taken back what fences a node that was deleted, or is heard again with the same boot; the exit code."""

    def do(hands: Hands) -> Deed:
        kept = files(hands.cluster.find("configmaps", CONFIG_MAP, hands.settings.namespace), name).values()
        found = sorted((file.outage for file in kept if not file.closed), key=lambda outage: outage.since)
        if not found:
            raise NotDone(f"nothing is known of a fence of {name}; `vmdrift status` shows them")
        sentence = f"What fences {name} is taken back. Whatever still runs there can write again."
        return [_wished(hands, UNFENCE, outage, how, sentence) for outage in found][-1]

    return run("unfence", do, as_json=as_json)


def _node(hands: Hands, name: str) -> NodeView:
    found = hands.cluster.find("nodes", name) if is_name(name) else None
    if found is None:
        raise NotDone(f"there is no node {name}")
    node = node_view(found)
    if not node.boot:
        raise NotDone(f"{name} has no status.nodeInfo.bootID, so nothing can be said of its boot")
    return node


def _wished(hands: Hands, kind: str, outage: Outage, why: str, sentence: str) -> Deed:
    now = hands.wishes.now()
    one = Intervention(kind, node_target(outage.node.name), who(), why, now, now + MONTH, outage.id)
    hands.wishes.write(one)
    hands.wiring.queue.wake(fence_entry(outage), hands.wiring.clock())
    return Deed(sentence, {**told(one), "node": outage.node.name})
