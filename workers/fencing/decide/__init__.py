"""When is a lost node fenced, by whom, and what proves that it is dead? Pure.

A fence is worse than an outage for whoever still runs on the node, so nobody is asked to fence one that gave a sign of
life, that is under a hold, of which no VM would be released, or while too many are lost or were fenced. A proof counts
only while nobody contradicts it. How the VMs are released under it: `workers.fencing.decide.release`.
"""

from collections.abc import Mapping
from dataclasses import replace

from reactor.model.confirmation_source import EVENT, Source
from reactor.model.drift import Policy, Proof
from reactor.model.fencing import Attempt, Confirmation, Fencing, State, some
from reactor.model.times import clock_time
from workers.fencing.decide.allowed import unusable
from workers.fencing.decide.effect import never, refused
from workers.fencing.decide.obstacle import WOULD_EVICT
from workers.fencing.decide.out_of_service import proof_sentence
from workers.fencing.decide.rate import too_soon
from workers.fencing.decide.release import release_of
from workers.fencing.decide.signs_of_life import believed, confirmed, with_signs, wrong_before
from workers.fencing.decide.unfence import after_void, afterwards, closed_file, is_lost, noted
from workers.fencing.decide.view import IDLE, SOON, AskProvider, FenceCase, FenceDecision, FenceView, Unfence

_LOOK = 10.0  # seconds until the next check of what keeps a node from being fenced that is silent for long enough
_PROVIDER_LOOK = 3.0  # seconds between two checks of what a provider does
_VM_LOOK = 60.0  # seconds until all VMs of a node are judged again that is not fenced because of them
_NOBODY = "Nobody may prove that this node is dead; the documented windows count."


def next_move(view: FenceView, file: Fencing, policy: Policy, now: float) -> FenceDecision:
    """What to write down and do now. `file` is what is known of the boot that was lost."""
    if file.closed:
        return closed_file(file, view.node, now)
    case = FenceCase(view, with_signs(view, file, now), policy, now)
    if not is_lost(view.node, case.file):
        return _allowed(afterwards(case), case)
    if file.proof and not case.file.proof:
        reason = "refuted" if case.file.refuted != file.refuted else "in-doubt"
        return FenceDecision(
            case.file.with_reason(reason, f"The proof does not count any more: {case.file.void}."), now + SOON
        )
    if case.file.proof:
        return release_of(case, case.file.proof)
    if taken_back := after_void(case):
        return _allowed(taken_back, case)
    return noted(_confirmed(case) or _fenced(case), case)


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


def _confirmed(case: FenceCase) -> FenceDecision | None:
    """A provider reports it dead, and nothing that it lives: not another provider, and not the node itself.

    A node that was heard after it had been confirmed dead must be silent for as long as without any proof.
    """
    file, standings, now = case.file, case.seen.standings, case.now
    dead = {name: standing for name, standing in standings.items() if believed(name, standing, file)}
    alive = any(standing.state is State.ALIVE for standing in standings.values())
    if not dead or alive or (file.void and now < file.silent_since + case.policy.virt_handler_grace):
        return None
    name, standing = next(iter(dead.items()))
    how, by = f"{standing.sentence}{wrong_before(file)}", standing.by or name
    proof = Confirmation(name, by, how, now, file.lease, file.heartbeat, standing.storage, standing.person)
    return FenceDecision(confirmed(file, proof).with_reason("fenced", proof_sentence(proof)), now)


def _fenced(case: FenceCase) -> FenceDecision:
    """Nothing is proven yet: ask for a fence, wait for it, take it back, or say why not."""
    now = case.now
    if unneeded := _unneeded(case):
        why = f"No VM waits for it any more: what {', '.join(unneeded)} was asked for, and has not done, is taken back."
        return _allowed(FenceDecision(case.file.with_reason("unfencing", why), now + _LOOK, Unfence(unneeded)), case)
    names = [name for name in case.seen.standings if name != EVENT and Source(name) not in case.file.refuted]
    if not names:
        return FenceDecision(_file_with(case, "awaiting-proof", _awaiting(case)), now + IDLE)
    if why := _why_not_fenced(case):
        file, begin = _file_with(case, "fence-waits", why), _earliest(case)
        return FenceDecision(file, min(now + IDLE, max(now + SOON, begin)) if now < begin else now + _LOOK)
    return _ask(case, names)


def _unneeded(case: FenceCase) -> tuple[str, ...]:
    """Providers that were asked and hang, and might fence the node later for no VM.

    What is done already stays, and so does all of a boot that was proven dead once: others rely on that. What has begun
    goes on though a VM waits again: half taken back, it can neither fence nor be asked for again.
    """
    view, begun = case.seen, case.file.reason == "unfencing"
    relied_on = case.file.confirmation or any(record.proof is Proof.FENCED for record in view.drifts)
    if relied_on or not view.drifts or (view.going and not begun):
        return ()
    standings = {**view.standings, **view.left}
    return tuple(name for name, standing in standings.items() if standing.ours and standing.state is not State.FENCED)


def _awaiting(case: FenceCase) -> str:
    sentences = " ".join(standing.sentence for standing in case.seen.standings.values())
    return f"{sentences or _NOBODY}{wrong_before(case.file)}"


def _file_with(case: FenceCase, reason: str, sentence: str) -> Fencing:
    """The file with this reason; or with that of two providers that contradict each other, so nothing is proven."""
    view, file = case.seen, case.file
    notes = unusable(view.node, case.policy) if view.node else ()
    sentence = " ".join(filter(None, (sentence, *notes)))
    dead, alive = (_in_state(view, state) for state in (State.FENCED, State.ALIVE))
    if dead and alive:
        return file.with_reason("at-odds", f"Nothing is proven. {' '.join(dead)} But {' '.join(alive)} {sentence}")
    return file.with_reason(reason, sentence)


def _in_state(view: FenceView, state: State) -> list[str]:
    return [f"{name}: {standing.sentence}" for name, standing in view.standings.items() if standing.state is state]


def _earliest(case: FenceCase) -> float:
    """Lease and heartbeat must not have changed for longer than they ever do while they live.

    The Lease between our own reads; the heartbeat by the watcher, which sees all nodes all the time.
    """
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
        return f"Unreachable and silent since {since}; it is fenced at {clock_time(begin)}."
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


def _ask(case: FenceCase, names: list[str]) -> FenceDecision:
    file, now = case.file, case.now
    last = file.attempts[-1] if file.attempts else None
    if last and not last.over:
        failure = _why_failed(last, case)
        return FenceDecision(failed(file, failure, now), now) if failure else _ask_again(last, case)
    tried = {attempt.provider for attempt in file.attempts}
    untried = [name for name in names if name not in tried]
    refusals = {name: why for name in untried if (why := _why_refused(name, case))}
    name = next((name for name in untried if name not in refusals), None)
    if name:
        attempts = (*file.attempts, Attempt(name, now))
        return FenceDecision(_asking(name, case.seen, replace(file, attempts=attempts)), now, AskProvider(name))
    if tried:
        return _all_failed(case, refusals)
    return FenceDecision(_file_with(case, "fence-waits", _nobody_asked(refusals)), now + _VM_LOOK)


def _why_refused(name: str, case: FenceCase) -> str:
    """Why this one is not asked; "" as long as it was not judged what its fence would do."""
    effect = case.seen.effects.get(name)
    return refused(effect, name, case.policy) if effect else ""


def _nobody_asked(refusals: Mapping[str, str]) -> str:
    """Each reason once, with the providers that it keeps from being asked."""
    by_reason = {why: [name for name in refusals if refusals[name] == why] for why in refusals.values()}
    return " ".join(f"It is not fenced by {', '.join(names)}: {why}" for why, names in by_reason.items())


def _asking(name: str, view: FenceView, file: Fencing) -> Fencing:
    """The file names the VMs to release and the bystanders before anything is done."""
    effect = view.effects.get(name)
    if effect is None:
        return file.with_reason("fencing", f"{name} is asked to fence it.")
    file = replace(file, releases=effect.releases, bystanders=effect.bystanders)
    return file.with_reason("fencing", f"{name} is asked to fence it, for {some(effect.releases)}.")


def _why_failed(last: Attempt, case: FenceCase) -> str:
    """Why this attempt counts as failed; "" while it goes on."""
    standing, deadline = case.seen.standings.get(last.provider), case.policy.fence_deadline
    if standing is None:
        return "it is not named for this node any more"
    if standing.state is State.FAILED:
        return standing.sentence
    if case.now >= last.at + deadline:
        return f"not done within {deadline:g} s: {standing.sentence}"
    return ""


def failed(file: Fencing, why: str, now: float) -> Fencing:
    """The file when its last attempt has failed, and why."""
    last = file.attempts[-1]
    attempts = (*file.attempts[:-1], replace(last, over=why, over_at=now))
    return replace(file, attempts=attempts).with_reason("fence-failed", f"{last.provider}: {why}")


def _ask_again(last: Attempt, case: FenceCase) -> FenceDecision:
    """Asked again where it is not at work: the process that asked may have died before."""
    standing = case.seen.standings[last.provider]
    if why := _why_refused(last.provider, case):
        return FenceDecision(_file_with(case, "fence-waits", _nobody_asked({last.provider: why})), case.now + _VM_LOOK)
    file = case.file.with_reason("fencing", f"{last.provider}: {standing.sentence}")
    ask = AskProvider(last.provider) if standing.state is not State.WORKING else None
    return FenceDecision(file, case.now + _PROVIDER_LOOK, ask)


def _all_failed(case: FenceCase, refusals: Mapping[str, str]) -> FenceDecision:
    """All over again after a while: a BMC behind the same dead switch may be back."""
    file, now = case.file, case.now
    begin = max(attempt.over_at for attempt in file.attempts) + case.policy.fence_deadline
    if now >= begin:
        former = tuple(attempt for attempt in file.attempts if attempt.provider in case.seen.left)
        return FenceDecision(
            replace(file, attempts=former).with_reason("fencing", "All providers are asked once more."), now
        )
    why = {**{attempt.provider: attempt.over for attempt in file.attempts}, **refusals}
    each = "; ".join(f"{name}: {over.rstrip('.')}" for name, over in why.items())
    sentence = f"Nobody could fence it ({each}). They are asked again at {clock_time(begin)}."
    return FenceDecision(_file_with(case, "fence-failed", sentence), min(now + IDLE, begin))
