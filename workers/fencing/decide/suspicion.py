"""A node that still looks Ready, and whose Lease is silent: its providers are asked for evidence, and not to fence it.

What one of them proves is written down as for a node that is lost, and its VMs are released as of any (`release`). A
sign of life takes it away, and ends the suspicion. Pure.
"""

from dataclasses import replace

from reactor.model.fencing import Confirmation, Fencing
from reactor.model.node import NodeView
from workers.fencing.decide.confirming import confirmed_by
from workers.fencing.decide.described import awaiting, file_with
from workers.fencing.decide.view import IDLE, FenceCase, FenceDecision

_LOOK = 2.0  # seconds between two rounds of questions


def is_suspected(node: NodeView | None, file: Fencing) -> bool:
    """Does this very boot still look Ready, and has its kubelet reported nothing since the outage began?"""
    is_ready = node is not None and node.ready == "True" and node.boot == file.boot
    return node is not None and is_ready and node.may_be_in(file.outage)


def suspected(case: FenceCase) -> FenceDecision | None:
    """While nothing is proven; None: it is over."""
    file = case.file
    doubted = _doubted(file)
    if not doubted and not (case.seen.node and case.seen.node.is_in(file.outage)):
        return None
    waiting = file if doubted else file_with(case, "awaiting-proof", awaiting(case))
    return confirmed_by(case) or FenceDecision(waiting, case.now + (IDLE if doubted else _LOOK))


def with_beginning(decision: FenceDecision, proof: Confirmation) -> FenceDecision:
    """With proof that the whole machine is dead the outage begins, and its drifts are found."""
    return replace(decision, begins=not proof.storage)


def _doubted(file: Fencing) -> Confirmation | None:
    """What was confirmed in this suspicion, and counts no more. It is kept until it is known whether it was wrong."""
    confirmation = file.confirmation
    return confirmation if confirmation and confirmation.at >= file.at else None
