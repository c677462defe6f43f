"""Whom to ask to fence: one provider after another, in their order. Pure.

The next is asked once the one before has failed, is not done within VMDRIFT_FENCE_DEADLINE, or does not answer: what
that one did is not known, so its state is still read, and what it made is taken back some day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reactor import timing
from reactor.model.fencing import Attempt, Fencing, State, some
from reactor.model.times import clock_time
from workers.fencing.decide.described import file_with
from workers.fencing.decide.effect import refused
from workers.fencing.decide.view import IDLE, AskProvider, FenceCase, FenceDecision, FenceView

_PROVIDER_LOOK = 3.0  # seconds between two checks of what a provider does
_VM_LOOK = 60.0  # seconds until all VMs of a node are judged again that is not fenced because of them


def ask(case: FenceCase, names: Sequence[str]) -> FenceDecision:
    """`names`: the providers that may be asked, in their order."""
    case = replace(case, file=_heard(case))
    file, now = case.file, case.now
    going = [attempt for attempt in file.attempts if not attempt.over]
    for attempt in going:
        if failure := _why_failed(attempt, case):
            return FenceDecision(failed(file, attempt.provider, failure, now), now)
    at_work = [attempt for attempt in going if now < _patience(attempt)]
    if at_work:
        return _ask_again(at_work[-1], case)
    return _ask_next(case, names, going)


def _ask_next(case: FenceCase, names: Sequence[str], mute: Sequence[Attempt]) -> FenceDecision:
    """`mute`: those that were asked and may yet have done it."""
    file, now = case.file, case.now
    tried = {attempt.provider for attempt in file.attempts}
    untried = [name for name in names if name not in tried]
    refusals = {name: why for name in untried if (why := _why_refused(name, case))}
    name = next((name for name in untried if name not in refusals), None)
    if name:
        attempts = (*file.attempts, Attempt(name, now))
        return FenceDecision(_asking(name, case.seen, replace(file, attempts=attempts)), now, AskProvider(name))
    if mute:
        heard = [attempt for attempt in mute if case.seen.standings[attempt.provider].state is not State.MUTE]
        return _ask_again((heard or mute)[-1], case)
    if tried:
        return _all_failed(case, refusals)
    return FenceDecision(file_with(case, "fence-waits", _nobody_asked(refusals)), now + _VM_LOOK)


def _patience(attempt: Attempt) -> float:
    """Until when nobody else is asked."""
    return attempt.unanswered_since + timing.PROVIDER_ANSWERS if attempt.unanswered_since else float("inf")


def _heard(case: FenceCase) -> Fencing:
    """The file with who of those that were asked answers now."""
    return replace(case.file, attempts=tuple(_with_answer(attempt, case) for attempt in case.file.attempts))


def _with_answer(attempt: Attempt, case: FenceCase) -> Attempt:
    """An order that had no answer goes on without one, until it is seen to have arrived."""
    standing = case.seen.standings.get(attempt.provider)
    if standing is None or attempt.over:
        return attempt
    if standing.state is State.MUTE:
        return replace(attempt, unanswered_since=attempt.unanswered_since or case.now)
    arrived = standing.state in {State.WORKING, State.FENCED}
    return answered(attempt) if arrived or not attempt.unanswered else attempt


def answered(attempt: Attempt) -> Attempt:
    """It answers, and so did its order."""
    return replace(attempt, unanswered="", unanswered_since=0.0)


def ordered(file: Fencing, provider: str, unanswered: str, now: float) -> Fencing:
    """The file after a provider was asked to fence; `unanswered`: why it is not known whether it heard that."""

    def after(attempt: Attempt) -> Attempt:
        if attempt.provider != provider or attempt.over:
            return attempt
        since = attempt.unanswered_since or now
        return replace(attempt, unanswered=unanswered, unanswered_since=since) if unanswered else answered(attempt)

    return replace(file, attempts=tuple(map(after, file.attempts)))


def failed(file: Fencing, provider: str, why: str, now: float) -> Fencing:
    """The file when this provider has failed, and why."""
    attempts = tuple(
        replace(attempt, over=why, over_at=now) if attempt.provider == provider and not attempt.over else attempt
        for attempt in file.attempts
    )
    return replace(file, attempts=attempts).with_reason("fence-failed", f"{provider}: {why}")


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


def _why_failed(attempt: Attempt, case: FenceCase) -> str:
    """Why this attempt counts as failed; "" while it goes on."""
    standing, deadline = case.seen.standings.get(attempt.provider), case.policy.fence_deadline
    if standing is None:
        return "it is not named for this node any more"
    if standing.state is State.FAILED:
        return standing.sentence
    if case.now >= attempt.at + deadline:
        return f"not done within {deadline:g} s: {standing.sentence}"
    return ""


def _ask_again(attempt: Attempt, case: FenceCase) -> FenceDecision:
    """Asked again where it answers and is not at work: the process that asked may have died before."""
    standing = case.seen.standings[attempt.provider]
    if why := _why_refused(attempt.provider, case):
        refusal = _nobody_asked({attempt.provider: why})
        return FenceDecision(file_with(case, "fence-waits", refusal), case.now + _VM_LOOK)
    file = case.file.with_reason("fencing", f"{attempt.provider}: {standing.sentence}")
    order = AskProvider(attempt.provider) if standing.state not in {State.WORKING, State.MUTE} else None
    looks = (case.now + _PROVIDER_LOOK, _patience(attempt))
    return FenceDecision(file, min(look for look in looks if look > case.now), order)


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
    return FenceDecision(file_with(case, "fence-failed", sentence), min(now + IDLE, begin))
