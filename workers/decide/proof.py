"""What is known of the lost node's death, what it is worth for this VM, and whether that is enough.

Silence never proves it. `fenced` means that somebody entitled verified that this very boot of this very node is off, or
that its storage can write no more. A sign of life after that takes the proof away: in doubt nothing is deleted.
"""

from collections.abc import Iterable, Mapping

from reactor.model.drift import Policy, Proof, Record
from reactor.model.fencing import Confirmation, Fencing
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import Observation, Volume
from workers.decide.wishes import fence_required

_ENDS = "`vmdrift confirm-off NODE`, a fencing provider's word, or the node's return ends it."


def confirmed(fencing: Fencing | None, node: NodeView | None) -> Confirmation | None:
    """The confirmation, if it is of this very boot of this very node."""
    if fencing is None or node is None or not node.boot:
        return None
    same = (fencing.outage.node.name, fencing.outage.node.uid, fencing.boot) == (node.name, node.uid, node.boot)
    return fencing.proof if same else None


def proven(known: Mapping[str, Fencing], nodes: Iterable[NodeView]) -> frozenset[str]:
    """The names of those that are proven dead, and whose virt-handler has not been heard since."""
    found = ((node, confirmed(known.get(node.name), node)) for node in nodes)
    return frozenset(node.name for node, proof in found if proof and proof.heartbeat == node.heartbeat)


def level(seen: Observation, record: Record, policy: Policy, now: float) -> Proof:
    """Of this VM: where only storage is blocked, it is a proof for VMs all of whose claims are of that storage."""
    confirmation = confirmed(seen.fencing, seen.node)
    if confirmation and not contradicted(confirmation, seen) and _covers(confirmation, seen):
        return Proof.FENCED
    signs = record.signs
    quiet = signs is not None and now >= signs.since + policy.virt_handler_grace
    return Proof.SILENT if quiet else Proof.NONE


def contradicted(confirmation: Confirmation, seen: Observation) -> str:
    """What changed since the confirmation though it should not have, "" if nothing did, or nothing was read."""
    if seen.node and seen.node.heartbeat != confirmation.heartbeat:
        return "virt-handler's heartbeat"
    if seen.lease is not None and seen.lease != confirmation.lease:
        return "the kubelet's Lease"
    return ""


def proof(known: Proof, seen: Observation, policy: Policy) -> Verdict:
    """The line of the checklist: what is known, who said so, when and how it was verified; and whether it is enough."""
    sentence = _told(known, seen)
    if known is Proof.FENCED or not (why := fence_required(seen, policy)):
        return Held(sentence)
    return Judgement("not-fenced", f"{sentence} This VM is moved only with proof ({why}). {_ENDS}")


def _told(known: Proof, seen: Observation) -> str:
    confirmation = confirmed(seen.fencing, seen.node)
    if confirmation is None:
        quiet = "Silence only, which proves nothing" if known is Proof.SILENT else "Nothing is known yet"
        return f"{quiet}{_fencing(seen.fencing)}."
    told = f"{confirmation.provider}, by {confirmation.by} at {clock_time(confirmation.at)}: {confirmation.how}"
    if changed := contradicted(confirmation, seen):
        return f"In doubt: {changed} changed after it was confirmed ({told})"
    if known is not Proof.FENCED:
        return f"Only {', '.join(confirmation.drivers)} is fenced, which not all of its disks are of ({told})"
    return f"Fenced: {told}"


def _fencing(fencing: Fencing | None) -> str:
    return f"; fencing: {fencing.sentence.rstrip('.')}" if fencing and fencing.sentence else ""


def _covers(confirmation: Confirmation, seen: Observation) -> bool:
    if not confirmation.drivers:
        return True
    claims = [volume for volume in seen.volumes if volume.claim]
    return bool(claims) and all(_fenced(volume, confirmation) for volume in claims)


def _fenced(volume: Volume, confirmation: Confirmation) -> bool:
    return volume.driver in confirmation.drivers
