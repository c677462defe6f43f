"""When is a lost node fenced, by whom, and what proves that it is dead? Pure.

A fence is worse than an outage for whoever still runs on the node, so nobody is asked to fence one that gave a sign of
life, that is under a hold, of which no VM would be released, or while too many are lost or were fenced. A proof counts
only while nobody contradicts it. How the VMs are released under it: `workers.fencing.decide.release`.
"""

from dataclasses import replace

from reactor.model.confirmation_source import EVENT, Source
from reactor.model.drift import Policy
from reactor.model.fencing import Fencing
from reactor.model.times import clock_time
from workers.fencing.decide.asking import ask
from workers.fencing.decide.confirming import confirmed_by, lost_proof
from workers.fencing.decide.described import awaiting, file_with
from workers.fencing.decide.effect import never
from workers.fencing.decide.obstacle import WOULD_EVICT
from workers.fencing.decide.rate import too_soon
from workers.fencing.decide.release import release_of
from workers.fencing.decide.signs_of_life import with_signs
from workers.fencing.decide.suspicion import is_suspected, suspected, with_beginning
from workers.fencing.decide.unfence import (
    after_void,
    afterwards,
    closed_file,
    is_lost,
    kept_off,
    let_boot,
    noted,
    unfinished,
)
from workers.fencing.decide.view import IDLE, SOON, FenceCase, FenceDecision, FenceView, Unfence

_WITNESS_LOOK = 3.0  # seconds, where watchers ask the node's ports meanwhile
_LOOK = 10.0  # seconds until the next check of what keeps a node from being fenced that is silent for long enough


def next_move(view: FenceView, file: Fencing, policy: Policy, now: float) -> FenceDecision:
    """What to write down and do now. `file` is what is known of the boot that was lost."""
    if file.closed:
        return closed_file(file, view.node, now)
    case = FenceCase(view, with_signs(view, file, now), policy, now)
    early = is_suspected(view.node, file)
    if not early and not is_lost(view.node, case.file):
        return _over(case)
    if file.proof and not case.file.proof:
        return lost_proof(case, file)
    if proof := case.file.proof:
        decision = _with_boot(kept_off(release_of(case, proof), case), case)
        return with_beginning(decision, proof) if early else decision
    return _unproven(case, early=early)


def _with_boot(decision: FenceDecision, case: FenceCase) -> FenceDecision:
    """Or what lets another boot begin, where a person asks for that; the release of its VMs comes first."""
    let = let_boot(case) if decision.deed is None else None
    return replace(_allowed(let, case), wake=decision.wake) if let else decision


def _unproven(case: FenceCase, *, early: bool) -> FenceDecision:
    """Of a node that still looks Ready (`early`) only evidence is asked for."""
    if taken_back := after_void(case):
        return _allowed(taken_back, case)
    decision = suspected(case) or _over(case) if early else confirmed_by(case) or _fenced(case)
    return noted(decision, case)


def _over(case: FenceCase) -> FenceDecision:
    """The node is not lost, and no suspicion is left of it."""
    return _allowed(afterwards(case), case)


def _allowed(decision: FenceDecision, case: FenceCase) -> FenceDecision:
    """In observe mode nothing is taken back either, nor under a hold, but for a person's word or a VM's sake."""
    if decision.deed is None or decision.file is None:
        return decision
    urgent = case.seen.unfence or decision.file.reason == WOULD_EVICT
    holds = "" if urgent else "; ".join(case.seen.holds)
    why = "Only observing" if case.policy.mode != "auto" else holds.rstrip(".")
    if not why:
        return decision
    sentence = f"{why}, so nothing is taken back. {decision.file.sentence}"
    return FenceDecision(decision.file.with_reason(decision.file.reason, sentence), case.now + IDLE)


def _fenced(case: FenceCase) -> FenceDecision:
    """Nothing is proven yet: ask for a fence, wait for it, take it back, or say why not."""
    now = case.now
    if unwanted := _unwanted(case):
        asked, why = unwanted
        sentence = f"{why} What {', '.join(asked)} was asked for, and has not done, is taken back."
        return _allowed(FenceDecision(case.file.with_reason("unfencing", sentence), now + _LOOK, Unfence(asked)), case)
    names = [name for name in case.seen.standings if name != EVENT and Source(name) not in case.file.refuted]
    if not names:
        return FenceDecision(file_with(case, "awaiting-proof", awaiting(case)), now + IDLE)
    if why := _why_not_fenced(case):
        file, begin = file_with(case, "fence-waits", why), _earliest(case)
        later = _WITNESS_LOOK if case.seen.heard else IDLE
        return FenceDecision(file, min(now + later, max(now + SOON, begin)) if now < begin else now + _LOOK)
    return ask(case, names)


def _unwanted(case: FenceCase) -> tuple[tuple[str, ...], str] | None:
    """Providers that were asked, and are not done: for no VM that waits, or for a node that may live after all.

    What has begun to be taken back goes on though a VM waits again: half taken back, it can neither fence nor be asked
    for again.
    """
    view, names = case.seen, unfinished(case)
    if names and view.drifts and not view.going:
        return names, "No VM waits for it any more."
    if names and view.disorder:
        return names, view.disorder.sentence
    return (names, "It goes on.") if names and view.drifts and case.file.reason == "unfencing" else None


def _earliest(case: FenceCase) -> float:
    """Lease and heartbeat must not have changed for longer than they ever do while they live.

    The Lease between our own reads; the heartbeat by the watcher, which sees all nodes all the time. Where nobody hears
    the node either, its Lease's own time is enough.
    """
    view = case.seen
    if view.heard and view.heard.silent and view.lease_lasts:
        return case.file.silent_since + view.lease_lasts
    return max(_silent_since(case) + case.policy.fence_after, case.file.silent_since + case.seen.lease_lasts)


def _silent_since(case: FenceCase) -> float:
    """A heartbeat that had ended before the node was lost says nothing about that: virt-handler was dead."""
    file = case.file
    lately = file.beat_since > file.silent_since - case.policy.fence_after
    return file.beat_since if lately else file.silent_since


def _why_not_fenced(case: FenceCase) -> str:
    """Why nobody is asked to fence it now."""
    view = case.seen
    if why := _why_left_alone(case):
        return f"It is not fenced: {why}"
    if case.now < (begin := _earliest(case)):
        since = clock_time(_silent_since(case))
        sentence = f"Unreachable and silent since {since}; it is fenced at {clock_time(begin)}."
        return f"{sentence} {view.heard.sentence}" if view.heard else sentence
    rate = too_soon(view.done, case.file, case.policy, case.now)
    why = view.clock_off or (view.disorder.sentence if view.disorder else rate)
    return f"It is not fenced: {why}" if why else ""


def _why_left_alone(case: FenceCase) -> str:
    """Because somebody asked, or no VM needs it: whatever the time, and whatever else is lost."""
    view = case.seen
    if view.holds:
        return "; ".join(view.holds)
    if view.node and (why := never(view.node, case.policy)):
        return why
    return "" if view.going else "no VM waits for it."
