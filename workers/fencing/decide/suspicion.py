"""A node that still looks Ready, and whose Lease is silent: its providers are asked for evidence, and nothing is done.

Nothing is fenced, tainted or taken back. What one of them proves is written down as for a node that is lost; a sign of
life takes it away, and ends the suspicion. Pure.
"""

from dataclasses import replace

from reactor.model.fencing import Confirmation, Fencing
from reactor.model.node import NodeView
from workers.fencing.decide.confirming import confirmed_by, lost_proof
from workers.fencing.decide.described import awaiting, file_with
from workers.fencing.decide.release import withdrawn
from workers.fencing.decide.view import IDLE, SOON, FenceCase, FenceDecision

_LOOK = 2.0  # seconds between two rounds of questions


def is_suspected(node: NodeView | None, file: Fencing) -> bool:
    """Does this very boot still look Ready, and has its kubelet reported nothing since the outage began?"""
    is_ready = node is not None and node.ready == "True" and node.boot == file.boot
    return node is not None and is_ready and node.may_be_in(file.outage)


def suspected(case: FenceCase, before: Fencing) -> FenceDecision | None:
    """None: it is over. `before`: the file as the last pass wrote it."""
    file = case.file
    if before.proof and not file.proof:
        return lost_proof(case, before)
    if file.proof:
        return _standing(case, file.proof)
    doubted = _doubted(file)
    if not doubted and not (case.seen.node and case.seen.node.is_in(file.outage)):
        return None
    waiting = file if doubted else file_with(case, "awaiting-proof", awaiting(case))
    return confirmed_by(case) or FenceDecision(waiting, case.now + (IDLE if doubted else _LOOK))


def _doubted(file: Fencing) -> Confirmation | None:
    """What was confirmed in this suspicion, and counts no more. It is kept until it is known whether it was wrong."""
    confirmation = file.confirmation
    return confirmation if confirmation and confirmation.at >= file.at else None


def _standing(case: FenceCase, proof: Confirmation) -> FenceDecision:
    """While the proof counts: the drifts that have not been judged under it are woken."""
    if why := withdrawn(case.seen, proof):
        sentence = f"The proof does not count any more: {why}."
        return FenceDecision(replace(case.file, void=why).with_reason("proof-void", sentence), case.now + SOON)
    waiting = tuple(record for record in case.seen.going if record.weighed != proof.at)
    begins = not case.seen.drifts and not proof.storage
    return FenceDecision(case.file, case.now + (SOON if waiting else IDLE), wake=waiting, begins=begins)
