"""A node is proven dead: how are its VMs released, one by one or all by a taint? Pure.

A taint removes all that is on the node, so it is set only where every VM there is to be moved.
"""

from dataclasses import replace

from reactor.model.drift import Phase, Record
from reactor.model.fencing import ChosenRelease, Confirmation, Fencing, ReleaseWay, State
from reactor.model.node import NodeView
from workers.decide.release import TAINT_TAKES
from workers.fencing.decide.unfence import is_tainted
from workers.fencing.decide.view import IDLE, SOON, FenceCase, FenceDecision, FenceView, SetTaint

_PATIENCE = 30.0  # seconds for all drifts of a node to be judged under the proof
# The VM is not on the node any more, or already on its way from there.
_GONE = frozenset({"vm-deleted", "not-on-node"})
_UNDER_WAY = frozenset({Phase.RELEASED, Phase.DETACHING, Phase.STARTING, Phase.COMPLETED, Phase.FAILED})


def proof_sentence(proof: Confirmation) -> str:
    """What people read."""
    return f"Proven dead ({proof.provider}). {proof.how}"


def release_of(case: FenceCase, proof: Confirmation) -> FenceDecision:
    """While the proof counts: how the VMs are released, and which of them have not been judged under it."""
    file = case.file
    if why := withdrawn(case.seen, proof):
        sentence = f"The proof does not count any more: {why}."
        return FenceDecision(replace(file, void=why).with_reason("proof-void", sentence), case.now + SOON)
    waiting = tuple(record for record in case.seen.going if record.weighed != proof.at)
    if _taint_wanted(case):
        return (_partly if proof.storage else _by_taint)(case, proof, waiting)
    return _wait(case, waiting)


def _wait(case: FenceCase, waiting: tuple[Record, ...]) -> FenceDecision:
    """Nothing is done to the node; the drifts that have not been judged under the proof are woken."""
    return FenceDecision(case.file, case.now + (SOON if waiting else IDLE), wake=waiting)


def _taint_wanted(case: FenceCase) -> bool:
    """It is one more action: not in observe mode, nor on a node under a hold."""
    wanted = case.policy.fenced_release == ReleaseWay.TAINT or bool(case.seen.although)
    return wanted and case.policy.mode == "auto" and not case.seen.holds


def withdrawn(view: FenceView, proof: Confirmation) -> str:
    """A boot that has ended stays so; a fence of its storage lasts only while it stands."""
    standing = view.standings.get(proof.provider)
    if standing is None:
        return f"{proof.provider} is not named for this node any more"
    return standing.sentence.rstrip(".") if proof.storage and standing.state is not State.FENCED else ""


def _partly(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """What proves that some storage is written no more says nothing about the rest of the node: never the taint."""
    if case.file.release is not None:
        return _wait(case, waiting)
    why = "One by one, not by taint: only storage is blocked, which says nothing of the rest of the node."
    return _released(case, proof, ChosenRelease(ReleaseWay.FORCE_DELETE, why, case.now))


def _by_taint(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    view, file, now = case.seen, case.file, case.now
    if file.release is None or (view.although and file.release.way is not ReleaseWay.TAINT):
        return _choose(case, proof, waiting)
    taint_missing = view.node is not None and not _is_set(view.node, file)
    if file.release.way is ReleaseWay.TAINT and taint_missing and now < file.release.at + TAINT_TAKES:
        return FenceDecision(file, now + SOON, SetTaint(), view.going)
    return _wait(case, waiting)


def _is_set(node: NodeView, file: Fencing) -> bool:
    """Our taint of an earlier boot is taken over, so that it is not removed with what is left of that one."""
    return node.out_of_service and (not node.tainted or is_tainted(node, file))


def _choose(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """The taint hits all that is on the node, so each VM there must be one that is to be moved."""
    view, now = case.seen, case.now
    if waiting and now < proof.at + _PATIENCE:
        return _wait(case, waiting)
    objections = [] if view.although else _objections(view)
    if not objections and not view.although and not any(record.reason == "taint-due" for record in view.drifts):
        return _wait(case, waiting)  # no VM would be released by it
    if objections:
        release = ChosenRelease(ReleaseWay.FORCE_DELETE, f"One by one, not by taint: {'; '.join(objections)}.", now)
    else:
        why = view.although or "Every VM on the node is to be moved."
        pods = tuple(pod.name for pod in view.pods if not pod.stays)
        release = ChosenRelease(ReleaseWay.TAINT, why, now, pods)
    return _released(case, proof, release)


def _released(case: FenceCase, proof: Confirmation, release: ChosenRelease) -> FenceDecision:
    """In this way, from now on."""
    file = replace(case.file, release=release).with_reason("fenced", f"{proof_sentence(proof)} {release.why}")
    return FenceDecision(file, case.now, wake=case.seen.going)


def _objections(view: FenceView) -> list[str]:
    looked_at = {str(record.drift.vm) for record in view.drifts}
    not_moving = [
        f"{record.drift.vm} is {record.phase} ({record.reason})" for record in view.drifts if not _is_moving(record)
    ]
    return not_moving + [f"{pod.vm} has not been looked at" for pod in view.pods if pod.vm and pod.vm not in looked_at]


def _is_moving(record: Record) -> bool:
    return record.reason == "taint-due" or record.reason in _GONE or record.phase in _UNDER_WAY
