"""When is a lost node fenced, by whom, what proves that it is dead, and how are its VMs released then? Pure.

A fence is worse than an outage for whoever still runs on the node, so nobody is asked to fence one that gave a sign of
life, that somebody holds, of which no VM would be released, or while too many are lost or were fenced. A proof counts
only while nobody contradicts it.
"""

from collections.abc import Mapping
from dataclasses import replace

from reactor.model.drift import Phase, Policy, Record
from reactor.model.fencing import Attempt, Confirmation, Fencing, Release, Standing, State, Way, some
from reactor.model.node import NodeView
from reactor.model.source import EVENT, Source
from reactor.model.times import clock_time
from workers.decide.afterwards import afterwards, is_lost, is_tainted, over
from workers.decide.effect import never, refused
from workers.decide.fenceview import Ask, FenceView, Move, Taint, Unfence
from workers.decide.heard import believed, confirmed, listened, wrong_before
from workers.decide.narrowing import unusable
from workers.decide.rate import too_soon
from workers.decide.release import TAINT_TAKES

SOON, IDLE = 1.0, 30.0  # seconds until the next look: while something should happen any moment, and else
_LOOK = 10.0  # seconds until the next look at what keeps a node from being fenced that is silent for long enough
_ASKED = 3.0  # seconds between two looks at what a provider does
_JUDGED = 60.0  # seconds until all VMs of a node are judged again that is not fenced because of them
_PATIENCE = 30.0  # seconds for all drifts of a node to be looked at under the proof
_NOBODY = "Nobody may prove that this node is dead; the documented windows count."
# The VM is not on the node any more, or already on its way from there.
_GONE = frozenset({"vm-deleted", "not-on-node"})
_UNDER_WAY = frozenset({Phase.RELEASED, Phase.DETACHING, Phase.STARTING, Phase.COMPLETED, Phase.FAILED})


def next_move(seen: FenceView, file: Fencing, policy: Policy, now: float) -> Move:
    """What to write down and do now. `file` is what is known of the boot that was lost."""
    if file.closed:
        return over(file, seen.node, now)
    before, file = file, listened(seen, file, now)
    if not is_lost(seen.node, file):
        return _allowed(afterwards(seen, file, policy, now), seen, policy, now)
    if before.proof and not file.proof:
        reason = "refuted" if file.refuted != before.refuted else "in-doubt"
        return Move(file.told(reason, f"The proof does not count any more: {file.void}."), now + SOON)
    if file.proof:
        return _proven(seen, file, file.proof, policy, now)
    return _confirmed(seen, file, policy, now) or _fenced(seen, file, policy, now)


def _allowed(move: Move, seen: FenceView, policy: Policy, now: float) -> Move:
    """Who only observes takes nothing back either, nor is it done under a hold, unless a person asked for it."""
    if move.deed is None or move.file is None:
        return move
    holds = "; ".join(seen.holds) if not seen.unfence else ""
    why = "Only observing" if policy.mode != "auto" else holds.rstrip(".")
    if not why:
        return move
    told = f"{why}, so nothing is taken back. {move.file.sentence}"
    return Move(move.file.told(move.file.reason, told), now + IDLE)


def _confirmed(seen: FenceView, file: Fencing, policy: Policy, now: float) -> Move | None:
    """Somebody says that it is dead, and nobody that it lives: not another provider, and not the node itself.

    A node that spoke after it had been confirmed dead must be silent for as long as without any proof.
    """
    said = {name: one for name, one in seen.standings.items() if believed(name, one, file)}
    alive = {name: one for name, one in seen.standings.items() if one.state is State.ALIVE}
    if not said or alive or (file.void and now < file.silent_since + policy.virt_handler_grace):
        return None
    name, one = next(iter(said.items()))
    how, by = f"{one.sentence}{wrong_before(file)}", one.by or name
    proof = Confirmation(name, by, how, now, file.lease, file.heartbeat, one.storage, one.person)
    return Move(confirmed(file, proof).told("fenced", _dead(proof)), now)


def _dead(proof: Confirmation) -> str:
    return f"Proven dead ({proof.provider}). {proof.how}"


def _fenced(seen: FenceView, file: Fencing, policy: Policy, now: float) -> Move:
    """Nothing is proven yet: ask for it, wait for it, take it back, or say why not."""
    if names := _unneeded(seen, file):
        why = f"No VM waits for it any more: what {', '.join(names)} was asked for, and has not done, is taken back."
        return _allowed(Move(file.told("unfencing", why), now + _LOOK, Unfence(names)), seen, policy, now)
    asked = [name for name in seen.standings if name != EVENT and Source(name) not in file.refuted]
    if not asked:
        return Move(_told(seen, file, policy, "awaiting-proof", _awaiting(seen, file)), now + IDLE)
    if why := _reluctant(seen, file, policy, now):
        told = _told(seen, file, policy, "fence-waits", why)
        begin = _earliest(seen, file, policy)
        return Move(told, min(now + IDLE, max(now + SOON, begin)) if now < begin else now + _LOOK)
    return _asked(seen, file, policy, asked, now)


def _unneeded(seen: FenceView, file: Fencing) -> tuple[str, ...]:
    """Who was asked and hangs, and might fence the node for nobody later.

    What is done already stays, and so does all of a boot that was proven dead once: others rely on that.
    """
    if file.confirmation or not seen.drifts or _going(seen):
        return ()
    asked = {**seen.standings, **seen.left}
    return tuple(name for name, one in asked.items() if one.ours and one.state is not State.FENCED)


def _awaiting(seen: FenceView, file: Fencing) -> str:
    told = " ".join(one.sentence for one in seen.standings.values())
    return f"{told or _NOBODY}{wrong_before(file)}"


def _told(seen: FenceView, file: Fencing, policy: Policy, reason: str, sentence: str) -> Fencing:
    """The file, standing there; or where two providers contradict each other, so that nothing is proven."""
    odd = unusable(seen.node, policy) if seen.node else ()
    sentence = " ".join(filter(None, (sentence, *odd)))
    said = [f"{name}: {one.sentence}" for name, one in seen.standings.items() if one.state is State.FENCED]
    alive = [f"{name}: {one.sentence}" for name, one in seen.standings.items() if one.state is State.ALIVE]
    if said and alive:
        return file.told("at-odds", f"Nothing is proven. {' '.join(said)} But {' '.join(alive)} {sentence}")
    return file.told(reason, sentence)


def _earliest(seen: FenceView, file: Fencing, policy: Policy) -> float:
    """Lease and heartbeat must not have changed for longer than they ever do while they live.

    The Lease before our own eyes; of the heartbeat the watcher knows it, which sees all nodes all the time.
    """
    return max(_silent_since(file, policy) + policy.fence_after, file.silent_since + seen.lease_lasts)


def _silent_since(file: Fencing, policy: Policy) -> float:
    """A heartbeat that had ended before the node was lost says nothing of that: virt-handler was dead."""
    lately = file.beat_since > file.silent_since - policy.fence_after
    return file.beat_since if lately else file.silent_since


def _reluctant(seen: FenceView, file: Fencing, policy: Policy, now: float) -> str:
    """Why nobody is asked to fence it now."""
    if why := _left_alone(seen, policy):
        return f"It is not fenced: {why}"
    if now < (begin := _earliest(seen, file, policy)):
        since = clock_time(_silent_since(file, policy))
        return f"Unreachable and silent since {since}; it is fenced at {clock_time(begin)}."
    why = seen.clock_off or (seen.disorder.sentence if seen.disorder else too_soon(seen.done, file, policy, now))
    return f"It is not fenced: {why}" if why else ""


def _left_alone(seen: FenceView, policy: Policy) -> str:
    """By somebody's word, or because nobody needs it: whatever the time, and whatever else is lost."""
    if seen.holds:
        return "; ".join(seen.holds)
    if seen.node and (why := never(seen.node, policy)):
        return why
    return "" if _going(seen) else "no VM waits for it."


def _asked(seen: FenceView, file: Fencing, policy: Policy, names: list[str], now: float) -> Move:
    last = file.attempts[-1] if file.attempts else None
    if last and not last.over:
        if over := _over(last, seen.standings.get(last.provider), policy, now):
            return Move(failed(file, over, now), now)
        return _going_on(seen, file, last, policy, now)
    tried = {attempt.provider for attempt in file.attempts}
    left = [name for name in names if name not in tried]
    against = {name: why for name in left if (why := _refused(name, seen, policy))}
    name = next((name for name in left if name not in against), None)
    if name:
        attempts = (*file.attempts, Attempt(name, now))
        return Move(_asking(name, seen, replace(file, attempts=attempts)), now, Ask(name))
    if tried:
        return _all_failed(seen, file, policy, against, now)
    return Move(_told(seen, file, policy, "fence-waits", _nobody(against)), now + _JUDGED)


def _refused(name: str, seen: FenceView, policy: Policy) -> str:
    """Why this one is not asked; "" as long as nobody has looked what its fence would do."""
    effect = seen.effects.get(name)
    return refused(effect, name, policy) if effect else ""


def _nobody(against: Mapping[str, str]) -> str:
    """Each reason once, with the providers that it keeps from being asked."""
    by_reason = {why: [name for name in against if against[name] == why] for why in against.values()}
    return " ".join(f"It is not fenced by {', '.join(names)}: {why}" for why, names in by_reason.items())


def _asking(name: str, seen: FenceView, file: Fencing) -> Fencing:
    """Who is meant and who is hit stands in the file before anything is done."""
    effect = seen.effects.get(name)
    if effect is None:
        return file.told("fencing", f"{name} is asked to fence it.")
    file = replace(file, releases=effect.releases, bystanders=effect.bystanders)
    return file.told("fencing", f"{name} is asked to fence it, for {some(effect.releases)}.")


def _over(last: Attempt, standing: Standing | None, policy: Policy, now: float) -> str:
    """Why this attempt counts as failed; "" while it goes on."""
    if standing is None:
        return "it is not named for this node any more"
    if standing.state is State.FAILED:
        return standing.sentence
    if now >= last.at + policy.fence_deadline:
        return f"not done within {policy.fence_deadline:g} s: {standing.sentence}"
    return ""


def failed(file: Fencing, over: str, now: float) -> Fencing:
    """The file when its last attempt has failed, and why."""
    last = file.attempts[-1]
    attempts = (*file.attempts[:-1], replace(last, over=over, over_at=now))
    return replace(file, attempts=attempts).told("fence-failed", f"{last.provider}: {over}")


def _going_on(seen: FenceView, file: Fencing, last: Attempt, policy: Policy, now: float) -> Move:
    """Asked again where nothing is to be seen of it: the one who asked may have died before."""
    standing = seen.standings[last.provider]
    if why := _refused(last.provider, seen, policy):
        return Move(_told(seen, file, policy, "fence-waits", _nobody({last.provider: why})), now + _JUDGED)
    told = file.told("fencing", f"{last.provider}: {standing.sentence}")
    again = Ask(last.provider) if standing.state is not State.WORKING else None
    return Move(told, now + _ASKED, again)


def _all_failed(seen: FenceView, file: Fencing, policy: Policy, against: Mapping[str, str], now: float) -> Move:
    """All over again after a while: a BMC behind the same dead switch may be back."""
    begin = max(attempt.over_at for attempt in file.attempts) + policy.fence_deadline
    if now >= begin:
        left = tuple(attempt for attempt in file.attempts if attempt.provider in seen.left)
        return Move(replace(file, attempts=left).told("fencing", "All providers are asked once more."), now)
    why = {**{attempt.provider: attempt.over for attempt in file.attempts}, **against}
    each = "; ".join(f"{name}: {over.rstrip('.')}" for name, over in why.items())
    sentence = f"Nobody could fence it ({each}). They are asked again at {clock_time(begin)}."
    return Move(_told(seen, file, policy, "fence-failed", sentence), min(now + IDLE, begin))


def _proven(seen: FenceView, file: Fencing, proof: Confirmation, policy: Policy, now: float) -> Move:
    if why := _withdrawn(seen, proof):
        told = f"The proof does not count any more: {why}."
        return Move(replace(file, void=why).told("proof-void", told), now + SOON)
    waiting = tuple(record for record in _going(seen) if record.weighed != proof.at)
    if _taint_wanted(seen, policy):
        return (_partly if proof.storage else _by_taint)(seen, file, proof, waiting, now)
    return Move(file, now + (SOON if waiting else IDLE), wake=waiting)


def _taint_wanted(seen: FenceView, policy: Policy) -> bool:
    """It is one more deed: not for who only observes, nor on a node that somebody holds."""
    wanted = policy.fenced_release == Way.TAINT or bool(seen.although)
    return wanted and policy.mode == "auto" and not seen.holds


def _withdrawn(seen: FenceView, proof: Confirmation) -> str:
    """A boot that has ended stays so; a fence of its storage lasts only while it stands."""
    standing = seen.standings.get(proof.provider)
    if standing is None:
        return f"{proof.provider} is not named for this node any more"
    return standing.sentence.rstrip(".") if proof.storage and standing.state is not State.FENCED else ""


def _partly(seen: FenceView, file: Fencing, proof: Confirmation, waiting: tuple[Record, ...], now: float) -> Move:
    """What proves that some storage is written no more says nothing of the rest of the node: never the taint."""
    if file.release is not None:
        return Move(file, now + (SOON if waiting else IDLE), wake=waiting)
    why = "One by one, not by taint: only storage is blocked, which says nothing of the rest of the node."
    file = replace(file, release=Release(Way.FORCE_DELETE, why, now))
    return Move(file.told("fenced", f"{_dead(proof)} {why}"), now, wake=_going(seen))


def _by_taint(seen: FenceView, file: Fencing, proof: Confirmation, waiting: tuple[Record, ...], now: float) -> Move:
    if file.release is None or (seen.although and file.release.way is not Way.TAINT):
        return _chosen(seen, file, proof, waiting, now)
    missing = seen.node is not None and not _is_set(seen.node, file)
    if file.release.way is Way.TAINT and missing and now < file.release.at + TAINT_TAKES:
        return Move(file, now + SOON, Taint(), _going(seen))
    return Move(file, now + (SOON if waiting else IDLE), wake=waiting)


def _is_set(node: NodeView, file: Fencing) -> bool:
    """Ours of a boot before is taken over, so that it does not go with what is left of that one."""
    return node.out_of_service and (not node.tainted or is_tainted(node, file))


def _chosen(seen: FenceView, file: Fencing, proof: Confirmation, waiting: tuple[Record, ...], now: float) -> Move:
    """The taint hits all that is on the node, so each VM there must be one that is to be moved."""
    if waiting and now < proof.at + _PATIENCE:
        return Move(file, now + SOON, wake=waiting)
    objections = [] if seen.although else _objections(seen)
    if not objections and not seen.although and not any(record.reason == "taint-due" for record in seen.drifts):
        return Move(file, now + (SOON if waiting else IDLE), wake=waiting)  # no VM would be released by it
    if objections:
        release = Release(Way.FORCE_DELETE, f"One by one, not by taint: {'; '.join(objections)}.", now)
    else:
        why = seen.although or "Every VM on the node is to be moved."
        pods = tuple(pod.name for pod in seen.pods if not pod.stays)
        release = Release(Way.TAINT, why, now, pods)
    told = f"{_dead(proof)} {release.why}"
    return Move(replace(file, release=release).told("fenced", told), now, wake=_going(seen))


def _objections(seen: FenceView) -> list[str]:
    known = {str(record.drift.vm) for record in seen.drifts}
    not_so = [f"{record.drift.vm} is {record.phase} ({record.reason})" for record in seen.drifts if not _may(record)]
    return not_so + [f"{pod.vm} has not been looked at" for pod in seen.pods if pod.vm and pod.vm not in known]


def _going(seen: FenceView) -> tuple[Record, ...]:
    return tuple(record for record in seen.drifts if not record.phase.is_end)


def _may(record: Record) -> bool:
    return record.reason == "taint-due" or record.reason in _GONE or record.phase in _UNDER_WAY
