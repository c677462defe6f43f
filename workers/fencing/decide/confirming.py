"""When is a node proven dead, and when is it not any more? Pure."""

from reactor import timing
from reactor.model.fencing import Confirmation, Fencing, ProviderStatus, State
from reactor.model.node import NodeView
from workers.fencing.decide.out_of_service import proof_sentence
from workers.fencing.decide.signs_of_life import believed, confirmed, wrong_before
from workers.fencing.decide.view import SOON, FenceCase, FenceDecision


def confirmed_by(case: FenceCase) -> FenceDecision | None:
    """A provider reports it dead, and nothing that it lives: not another provider, and not the node itself.

    A machine that is on contradicts whoever says that it is off, and not that its storage keeps it out: that is all
    that can be done to one that hangs with a BMC that only says On. A node that was heard after it had been confirmed
    dead must be silent for as long as without any proof.
    """
    file, standings, now = case.file, case.seen.standings, case.now
    alive = any(standing.state is State.ALIVE for standing in standings.values())
    dead = {
        name: standing
        for name, standing in standings.items()
        if believed(name, standing, file) and (standing.storage or not alive)
    }
    if not dead or (file.void and now < file.silent_since + case.policy.virt_handler_grace):
        return None
    name, standing = next(iter(dead.items()))
    how, by = f"{standing.sentence}{wrong_before(file)}", standing.by or name
    proof = Confirmation(name, by, how, now, file.lease, file.heartbeat, standing.storage, standing.person)
    return FenceDecision(confirmed(file, proof).with_reason("fenced", proof_sentence(proof)), now)


def lost_proof(case: FenceCase, before: Fencing) -> FenceDecision:
    """Something was heard since: the proof of the last pass does not count any more."""
    reason = "refuted" if case.file.refuted != before.refuted else "in-doubt"
    sentence = f"The proof does not count any more: {case.file.void}."
    return FenceDecision(case.file.with_reason(reason, sentence), case.now + SOON)


def enough(file: Fencing, node: NodeView | None, name: str, answer: ProviderStatus) -> float | None:
    """For how many seconds more the others are waited for after this answer; None: until the last has answered.

    A proof leaves them a moment to say "alive". Later it only matters whether whoever proved it still says so. Of a
    node that is back each has to say what is left to be taken back.
    """
    if node is None or node.boot != file.boot or not (node.lost or node.may_be_in(file.outage)):
        return None
    if file.proof:
        return 0.0 if name == file.proof.provider else None
    return timing.VETO if believed(name, answer, file) else None
