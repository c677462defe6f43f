"""Kubernetes' out-of-service taint with the effect NoSchedule on a node that is proven dead: set, and taken back. Pure.

It keeps the scheduler away and has volumes of deleted pods detached at once, and evicts nobody. But pod garbage
collection looks at its key only: within 20 s it removes every Terminating pod of such a node that is not Ready. So it
is taken back before Kubernetes evicts the launcher of a VM that may not move. Measured: docs/fencing.md, "Release".
"""

from dataclasses import replace

from reactor.model.drift import Record
from reactor.model.fencing import ChosenRelease, Confirmation, Fencing, ReleaseWay
from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, NodeView
from workers.fencing.decide.marks import NO_SCHEDULE, has_begun, is_marked, is_tainted
from workers.fencing.decide.obstacle import WOULD_EVICT, obstacle_to
from workers.fencing.decide.view import IDLE, SOON, FenceCase, FenceDecision, FenceView, RemoveTaint, SetTaint

TAINT = f"{OUT_OF_SERVICE}={OUT_OF_SERVICE_VALUE}:{NO_SCHEDULE}"
_PATIENCE = 30.0  # seconds for the drift of a VM that is Terminating to be judged under the proof
_LOOK = 5.0  # seconds between two checks while it is set
_BLOCKED_LOOK = 10.0  # seconds, while it is not
_QUICK, _AT_FIRST = 0.25, 3.0  # seconds between two checks in the first ones after the proof
_AGAIN = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)  # seconds after so many tries, until it is set once more
_DUE = "taint-due"
_TRIED_AGAIN = frozenset({"api-unavailable", "changed-underway"})


def out_of_service(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """While the proof counts. `waiting`: the drifts that have not been judged under it."""
    view, file = case.seen, case.file
    obstacle = obstacle_to(case)
    given_up = file.release is not None and file.release.way is ReleaseWay.FORCE_DELETE
    if is_marked(view.node, file) and (given_up or obstacle):
        return _taken_back(file if given_up else _one_by_one(file, WOULD_EVICT, obstacle, case.now), case)
    if view.holds or given_up or (file.release and file.release.way is ReleaseWay.TAINT):
        return _wait(case, waiting)
    if is_set(view.node, file) and file.release:
        return _while_set(case, proof, waiting)
    return _to_set(case, proof, waiting, obstacle)


def is_set(node: NodeView | None, file: Fencing) -> bool:
    """By whomever. Ours of an earlier boot is taken over, so that it is not removed with what is left of that one."""
    return node is not None and node.out_of_service and (not node.tainted or is_tainted(node, file))


def needed(view: FenceView) -> bool:
    """Is a VM to be released under it, or is a volume of one that was released not attached elsewhere yet?

    While the node looks Ready the scheduler would put others there, too.
    """
    released = [record for record in view.drifts if record.released_at is not None]
    looks_ready = view.node is not None and view.node.ready == "True"
    waiting = any(record.reason in {_DUE, "could-be-put-back"} for record in view.going)
    return waiting or any(looks_ready or not _settled(record) for record in released)


def due(view: FenceView) -> tuple[Record, ...]:
    """The drifts that wait for it."""
    return tuple(record for record in view.going if record.reason == _DUE)


def _may_need_it(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> bool:
    """For some seconds: VMs are not judged yet, a pod could not be deleted just now, or Redis forgot what was released.

    Then it would only be set again.
    """
    view, release = case.seen, case.file.release
    failing = any(record.reason in _TRIED_AGAIN and record.weighed == proof.at for record in view.going)
    forgotten = has_begun(view, case.file) and all(record.released_at is None for record in view.drifts)
    lately = release is not None and case.now < release.tried_at + _PATIENCE
    return (bool(waiting) and case.now < proof.at + _PATIENCE) or (lately and (failing or forgotten))


def _settled(record: Record) -> bool:
    if record.phase.is_end:
        return True
    lost, claims = record.drift.outage.node.name, [disk for disk in record.disks if disk.claim]
    return all(disk.holders and lost not in disk.holders for disk in claims)


def _while_set(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...]) -> FenceDecision:
    """Until the node is Unknown the scheduler would use it. What somebody else set is not ours to take back."""
    node, wake = case.seen.node, (*waiting, *due(case.seen))
    if needed(case.seen) or _may_need_it(case, proof, waiting) or node is None or not node.lost:
        return FenceDecision(case.file, case.now + (_soon(case) if wake else _LOOK), wake=wake)
    return _taken_back(_done(case.file, proof), case) if node.tainted else _wait(case, waiting)


def _to_set(case: FenceCase, proof: Confirmation, waiting: tuple[Record, ...], obstacle: str) -> FenceDecision:
    view, file, now = case.seen, case.file, case.now
    if not needed(view):
        return _taken_back(_done(file, proof), case) if is_marked(view.node, file) else _wait(case, waiting)
    if obstacle:
        undecided = now < proof.at + _patience(view, waiting)
        return _wait(case, waiting) if undecided else _woken(_one_by_one(file, WOULD_EVICT, obstacle, now), case)
    release = file.release or _chosen(case)
    if is_set(view.node, file):
        return _woken(_with_why(replace(file, release=release), proof), case)
    if release.tries == len(_AGAIN):
        why = f"its taint {TAINT} was set {release.tries} times, and did not last"
        return _woken(_one_by_one(file, "taint-removed", f"{why}; SNR, FAR and Harvester remove it", now), case)
    if now < (again := release.tried_at + _AGAIN[release.tries] if release.tries else now):
        return FenceDecision(file, again, wake=waiting)
    file = replace(file, release=replace(release, tries=release.tries + 1, tried_at=now))
    return FenceDecision(_why_set(file, case, proof), now, SetTaint(NO_SCHEDULE))


def _chosen(case: FenceCase) -> ChosenRelease:
    launchers = tuple(pod.name for pod in case.seen.pods if pod.vm)
    return ChosenRelease(ReleaseWay.NO_SCHEDULE, f"Out of service by {TAINT}.", case.now, launchers)


def _why_set(file: Fencing, case: FenceCase, proof: Confirmation) -> Fencing:
    if not is_marked(case.seen.node, file) or file.release is None:
        return _with_why(file, proof)
    times = f"{file.release.tries - 1} of at most {len(_AGAIN) - 1} times"
    sentence = f"Somebody removed the out-of-service taint of {file.node.name}, as SNR, FAR and Harvester do."
    return file.with_reason("taint-removed", f"{sentence} It is set again ({times}): VMs still need it.")


def _with_why(file: Fencing, proof: Confirmation) -> Fencing:
    why = file.release.why if file.release else ""
    return file.with_reason("fenced", f"{proof_sentence(proof)} {why}")


def proof_sentence(proof: Confirmation) -> str:
    """What people read. A machine that is only cut off from its storage may live, and its BMC say so."""
    worth = "Cut off from its storage" if proof.storage else "Proven dead"
    return f"{worth} ({proof.provider}). {proof.how}"


def _done(file: Fencing, proof: Confirmation) -> Fencing:
    """For a VM that is released later it is set again."""
    why = "Every volume that was released is attached elsewhere: its out-of-service taint is taken back."
    release = file.release and replace(file.release, tries=0, tried_at=0.0)
    return replace(file, release=release).with_reason("fenced", f"{proof_sentence(proof)} {why}")


def _one_by_one(file: Fencing, reason: str, why: str, now: float) -> Fencing:
    sentence = f"Pods and VolumeAttachments are deleted one by one: {why}."
    release = ChosenRelease(ReleaseWay.FORCE_DELETE, sentence, now)
    return replace(file, release=release).with_reason(reason, sentence)


def _taken_back(file: Fencing, case: FenceCase) -> FenceDecision:
    """Under a hold only where it would cost a VM that may not move, or was given up."""
    held = case.seen.holds and file.release and file.release.way is not ReleaseWay.FORCE_DELETE
    return _wait(case, ()) if held else FenceDecision(file, case.now, RemoveTaint(NO_SCHEDULE), case.seen.going)


def _woken(file: Fencing, case: FenceCase) -> FenceDecision:
    return FenceDecision(file, case.now, wake=case.seen.going)


def _wait(case: FenceCase, waiting: tuple[Record, ...]) -> FenceDecision:
    """A VM that is blocked may be released later, and needs it then."""
    blocked = any(record.released_at is None for record in case.seen.going)
    later = _LOOK if is_marked(case.seen.node, case.file) else _BLOCKED_LOOK if blocked else IDLE
    return FenceDecision(case.file, case.now + (_soon(case) if waiting else later), wake=waiting)


def _soon(case: FenceCase) -> float:
    """Right after the proof every second counts."""
    proof = case.file.proof
    return _QUICK if proof and case.now < proof.at + _AT_FIRST else SOON


def _patience(view: FenceView, waiting: tuple[Record, ...]) -> float:
    """For how many seconds after the proof VMs may be judged that would be an obstacle: most turn out to be none."""
    vms = {str(record.drift.vm) for record in waiting}
    pods = [pod for pod in view.pods if pod.vm in vms]
    return (_PATIENCE if any(pod.terminating for pod in pods) else _AT_FIRST) if pods else 0.0
