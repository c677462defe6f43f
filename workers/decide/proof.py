"""What is known of the lost node's death, what it is worth for this VM, and whether that is enough.

Silence never proves it. `fenced` means that somebody entitled verified that this very boot of this very node is off, or
that its storage can write no more. A sign of life after that takes the proof away: in doubt nothing is deleted.
"""

from collections.abc import Iterable, Mapping

from reactor.model.drift import Policy, Proof
from reactor.model.fencing import Confirmation, Fencing
from reactor.model.node import NodeView
from reactor.model.times import clock_time
from workers.decide.annotations import fence_required
from workers.decide.case import Case
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.node import looks_ready
from workers.decide.observation import Observation, Volume

_ENDS = "`vmdrift confirm-off NODE`, a fencing provider's proof, or the node's return ends it."


def confirmed(fencing: Fencing | None, node: NodeView | None) -> Confirmation | None:
    """The confirmation, if it is of this very boot of this very node, and of the outage that it is in."""
    if fencing is None or node is None or not node.boot:
        return None
    return fencing.proof if fencing.boot == node.boot and node.is_in(fencing.outage) else None


def whole(fencing: Fencing | None, node: NodeView | None) -> bool:
    """Is the machine dead with all that runs there, and not only kept from some storage?"""
    confirmation = confirmed(fencing, node)
    return confirmation is not None and not confirmation.storage


def proven(files: Mapping[str, Fencing], nodes: Iterable[NodeView]) -> frozenset[str]:
    """The names of the nodes that are proven dead, and whose virt-handler has not been heard since."""
    confirmations = ((node, confirmed(files.get(node.name), node)) for node in nodes)
    return frozenset(
        node.name for node, confirmation in confirmations if confirmation and confirmation.heartbeat == node.heartbeat
    )


def level(case: Case) -> Proof:
    """For this VM: where only storage is blocked, that is proof for VMs all of whose claims are on that storage."""
    observation, signs = case.seen, case.record.signs
    confirmation = confirmed(observation.fencing, observation.node)
    if (
        confirmation
        and not contradicted(confirmation, observation)
        and not bare(confirmation, observation, case.policy)
        and not (confirmation.storage and looks_ready(observation.node))
    ):
        return Proof.FENCED
    is_silent = signs is not None and case.now >= signs.since + case.policy.virt_handler_grace
    return Proof.SILENT if is_silent else Proof.NONE


def contradicted(confirmation: Confirmation, observation: Observation) -> str:
    """What changed since the confirmation though it should not have, "" if nothing did, or nothing was read."""
    if observation.node and observation.node.heartbeat != confirmation.heartbeat:
        return "virt-handler's heartbeat"
    if observation.lease is not None and observation.lease != confirmation.lease:
        return "the kubelet's Lease"
    return ""


def proof(case: Case) -> Verdict:
    """The line of the checklist: what is known, who confirmed it, when and how; and whether it is enough."""
    sentence = _what_is_known(case)
    if case.proven or not (why := fence_required(case.seen, case.policy)):
        return Passed(sentence)
    return Judgement("not-fenced", f"{sentence} This VM is moved only with proof ({why}). {_ENDS}")


def _what_is_known(case: Case) -> str:
    observation = case.seen
    confirmation = confirmed(observation.fencing, observation.node)
    if confirmation is None:
        silence = "Silence only, which proves nothing" if case.record.proof is Proof.SILENT else "Nothing is known yet"
        return f"{silence}{_fencing_note(observation.fencing)}."
    at = clock_time(confirmation.at, case.now)
    source = f"{confirmation.provider}, by {confirmation.by} at {at}: {confirmation.how}"
    if changed := contradicted(confirmation, observation):
        return f"In doubt: {changed} changed after it was confirmed ({source})"
    if not case.proven and not (uncovered := bare(confirmation, observation, case.policy)):
        return f"Only {_storage(confirmation)} is fenced, which is not enough before Kubernetes notices ({source})"
    if not case.proven:
        return f"Only {_storage(confirmation)} is fenced, and not {uncovered} ({source})"
    return f"Fenced: {source}"


def _fencing_note(fencing: Fencing | None) -> str:
    return f"; fencing: {fencing.sentence.rstrip('.')}" if fencing and fencing.sentence else ""


def _storage(confirmation: Confirmation) -> str:
    return ", ".join(
        f"{driver} of {cluster or 'a cluster that is not known'}" for driver, cluster in confirmation.storage
    )


def bare(confirmation: Confirmation, observation: Observation, policy: Policy) -> str:
    """What of this VM is not covered by a confirmation that is of some storage only; "" if all of it is."""
    if not confirmation.storage:
        return ""
    claims = [volume for volume in observation.volumes if volume.claim]
    uncovered = [_description(volume) for volume in claims if not _blocked(volume, confirmation, policy)]
    return ", ".join(uncovered) if claims else "the VM itself, which has no claim"


def _blocked(volume: Volume, confirmation: Confirmation, policy: Policy) -> bool:
    """By driver and storage cluster; a cluster that is not known matches none."""
    return any(
        driver == volume.driver and _same_cluster(cluster, volume.cluster, policy)
        for driver, cluster in confirmation.storage
    )


def _same_cluster(cluster: str, other: str, policy: Policy) -> bool:
    return bool(cluster) and (cluster == other or any({cluster, other} <= set(group) for group in policy.same_storage))


def _description(volume: Volume) -> str:
    cluster = f"storage cluster {volume.cluster}" if volume.cluster else "of a storage cluster that is not known"
    return f"claim {volume.claim} ({volume.driver or 'no CSI driver'}, {cluster})"
