"""A node is proven dead: how are its VMs released? Pure.

One launcher after the other, under Kubernetes' out-of-service taint with the effect NoSchedule (`out_of_service`).
Where only storage is proven to be blocked, without it. With the effect NoExecute, which removes all that is on the
node, only where a person asks for that.
"""

from dataclasses import replace

from reactor.model.drift import Record
from reactor.model.fencing import ChosenRelease, Confirmation, Fencing, ReleaseWay, State
from reactor.model.node import NodeView
from workers.decide.release import TAINT_TAKES
from workers.fencing.decide.out_of_service import TAINT, is_set, out_of_service, proof_sentence
from workers.fencing.decide.view import IDLE, SOON, FenceCase, FenceDecision, FenceView, SetTaint

_NO_EXECUTE = "NoExecute"


def release_of(case: FenceCase, proof: Confirmation) -> FenceDecision:
    """While the proof counts: how the VMs are released, and which of them have not been judged under it."""
    file = case.file
    if why := _withdrawn(case.seen, proof):
        sentence = f"The proof does not count any more: {why}."
        return FenceDecision(replace(file, void=why).with_reason("proof-void", sentence), case.now + SOON)
    waiting = tuple(record for record in case.seen.going if record.weighed != proof.at)
    if case.policy.mode != "auto":
        return _wait(_observed(case, proof), waiting)
    if proof.storage:
        return _partly(case, proof, waiting)
    if case.seen.although:
        return _by_no_execute(case, proof, waiting)
    return out_of_service(case, proof, waiting)


def _wait(case: FenceCase, waiting: tuple[Record, ...]) -> FenceDecision:
    """Nothing is done to the node; the drifts that have not been judged under the proof are woken."""
    return FenceDecision(case.file, case.now + (SOON if waiting else IDLE), wake=waiting)


def _observed(case: FenceCase, proof: Confirmation) -> FenceCase:
    """Its sentence says what would be done, where a VM would be released by it."""
    if proof.storage or not any(record.reason == "observe-only" for record in case.seen.going):
        return case
    would = f"Only observing. Would now taint node {case.file.node.name} with {TAINT}."
    return replace(case, file=case.file.with_reason("observe-only", f"{proof_sentence(proof)} {would}"))


def _withdrawn(view: FenceView, proof: Confirmation) -> str:
    """A boot that has ended stays so; a fence of its storage lasts only while it stands."""
    standing = view.standings.get(proof.provider)
    if standing is None:
        return f"{proof.provider} is not named for this node any more"
    return standing.sentence.rstrip(".") if proof.storage and standing.state is not State.FENCED else ""


def _partly(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """What proves that some storage is written no more says nothing about the rest of the node: never the taint."""
    if case.file.release is not None or not case.seen.although:
        return _wait(case, waiting)
    why = "One by one, not by taint: only storage is blocked, which says nothing of the rest of the node."
    return _released(case, proof, ChosenRelease(ReleaseWay.FORCE_DELETE, why, case.now))


def _by_no_execute(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """As a person asked for it, whatever it removes; not under a hold."""
    view, file, now = case.seen, case.file, case.now
    if view.holds:
        return _wait(case, waiting)
    if file.release is None or file.release.way is not ReleaseWay.TAINT:
        pods = tuple(pod.name for pod in view.pods if not pod.stays)
        return _released(case, proof, ChosenRelease(ReleaseWay.TAINT, view.although, now, pods))
    missing = view.node is not None and not _removes_all(view.node, file)
    if missing and now < file.release.at + TAINT_TAKES:
        return FenceDecision(file, now + SOON, SetTaint(_NO_EXECUTE), view.going)
    return _wait(case, waiting)


def _removes_all(node: NodeView, file: Fencing) -> bool:
    return is_set(node, file) and _NO_EXECUTE in node.out_of_service_effects


def _released(case: FenceCase, proof: Confirmation, release: ChosenRelease) -> FenceDecision:
    """In this way, from now on."""
    file = replace(case.file, release=release).with_reason("fenced", f"{proof_sentence(proof)} {release.why}")
    return FenceDecision(file, case.now, wake=case.seen.going)
