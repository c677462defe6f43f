"""The judgement over one drift: a pure function of what was seen, what was done, the policy and the time.

Before the launcher pod is gone every prerequisite is looked at, in the order of docs/architecture.md, and the first
that did not pass decides; all of them stand in the decision, so that people see the whole list. Afterwards: volumes,
then the ending. What is safe is written out; whatever is not known here ends in `blocked` or `refused`.

Proof that the node is dead takes the place of all that is waited for only because nobody knows: the window, the signs
of life, the quorum, Kubernetes' own eviction, the six minutes. Where the VM may go is asked all the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from reactor.model.drift import Check, Phase, Policy, Proof, Record
from reactor.model.objects import parts, text
from workers.decide.back import back
from workers.decide.basis import LOOK, basis
from workers.decide.comeback import comeback, deleted, over_before
from workers.decide.decision import Action, Decision, Judgement, Passed, Release, Remove, Verdict, backoff
from workers.decide.ending import ending, late
from workers.decide.launcher import ahead, evicting, terminating
from workers.decide.life import signs, silent
from workers.decide.lost import lost_launchers, replacement
from workers.decide.node import is_back, is_over, still_lost, window
from workers.decide.observation import Observation, VmiView
from workers.decide.placement import placement
from workers.decide.proof import confirmed, level, proof
from workers.decide.quorum import quorum, unsteady
from workers.decide.release import one_by_one, release
from workers.decide.storage import storage
from workers.decide.volumes import in_use, volumes
from workers.decide.whereto import bearing, candidates, field
from workers.decide.wishes import permitted, unheeded, wished

__all__ = ["candidates", "decide", "lost_launchers", "replacement"]
Named = tuple[str, Verdict]


def decide(seen: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """`now` in seconds since the epoch. The decision carries at most one action; acting on it is `workers.act`."""
    record, asked = replace(record, signs=signs(record.signs, seen, now)), policy
    policy = wished(seen, policy)
    known = level(seen, record, policy, now)
    record = replace(record, proof=known)
    decision = _lasting(_decide(seen, record, policy, known, now), seen, record, asked, now)
    cluster_looked_at = bool(seen.nodes)
    return replace(
        decision,
        judgement=_with_unheeded(decision.judgement, seen, asked),
        proof=known,
        weighed=weighed.at if (weighed := confirmed(seen.fencing, seen.node)) else 0.0,
        signs=record.signs,
        unsteady=cluster_looked_at and unsteady(seen, record, policy) is not None,
        in_use=in_use(seen) or any(pod.kept for pod in lost_launchers(seen, record)),
    )


def _with_unheeded(judgement: Judgement, seen: Observation, policy: Policy) -> Judgement:
    """Why it is not as the VM's owner asked, if that is what it is about. `policy`: the installation's."""
    told = unheeded(seen, policy, judgement.reason)
    return replace(judgement, sentence=" ".join([*told, judgement.sentence])) if told else judgement


def _lasting(decision: Decision, seen: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """While the outage lasts nothing is final that rests on what can change. `policy`: the installation's."""
    judgement = decision.judgement
    if decision.again_at is not None or judgement.final or is_over(seen.node, record.drift.outage):
        return decision
    return replace(decision, again_at=now + LOOK, basis=basis(seen, record, judgement.reason, policy))


def _decide(seen: Observation, record: Record, policy: Policy, known: Proof, now: float) -> Decision:
    drift = record.drift
    if seen.cancelled:
        return _decision(Judgement("cancelled-by-hand", seen.cancelled), [], record, policy, now)
    outage: list[Named] = [
        ("node", still_lost(seen.node, drift.outage)),
        ("window", _waived(known, window(record, seen.manager, policy, now))),
    ]
    evidence = ("proof", proof(known, seen, policy))
    pods = lost_launchers(seen, record)
    # Kubernetes itself removes the pods of a deleted node: then the drift goes on to its end.
    if record.released_at is None and seen.node and (objection := _first(outage) or _evicted(seen, record, now)):
        return _decision(back(objection, seen, record, pods, now), [*outage, evidence], record, policy, now)
    if gone := deleted(drift.vm, seen.vm):
        return _decision(gone, outage, record, policy, now)
    if not pods:
        return _after_release(seen, record, policy, known, now)
    if other := _elsewhere(seen, record) or over_before(drift.vm, seen.vm, seen.vmi, pods):
        return _decision(other, outage, record, policy, now)
    checks = [*outage, evidence, *_prerequisites(seen, record, policy, known, now)]
    free = release(pods, seen, record, policy, now) if known is Proof.FENCED else one_by_one(pods)
    judgement = back(_first(checks) or _untimed(seen, known) or free, seen, record, pods, now)
    decision = _decision(judgement, checks, record, policy, now)
    return replace(decision, hotplugs=_unplugged(seen))


def _evicted(seen: Observation, record: Record, now: float) -> Judgement | None:
    """Kubernetes is about to: until then nothing else was looked at."""
    due = seen.evicted_at
    return None if due is None else evicting(lost_launchers(seen, record), due, now)


def _prerequisites(seen: Observation, record: Record, policy: Policy, known: Proof, now: float) -> list[Named]:
    vm, node, lost = seen.vm, seen.node, record.drift.outage.node
    if vm is None or node is None:  # the node was deleted, which is an objection already: its pods are waited for
        return []
    pods = lost_launchers(seen, record)
    return [
        ("signs of life", _waived(known, silent(record.signs, policy, now))),
        ("quorum", _waived(known, quorum(seen, record, policy, now))),
        ("placement", placement(bearing(seen, record), seen.volumes, field(seen, record), policy)),
        ("storage", storage(seen, lost.name, policy, known)),
        ("comeback", comeback(record.drift.vm, vm, seen.vmi)),
        ("policy", permitted(seen, policy)),
        ("launcher", _waived(known, terminating(pods, node, policy, now, ahead(seen.manager)))),
        ("no hold", _no_hold(seen.holds)),
    ]


def _untimed(seen: Observation, known: Proof) -> Judgement | None:
    """All of it holds, but a process whose clock is off does not judge how long a node was silent."""
    return Judgement("clock-off", seen.clock_off) if seen.clock_off and known is not Proof.FENCED else None


def _waived(known: Proof, verdict: Verdict) -> Verdict:
    """What is waited for only as long as nobody knows."""
    if known is Proof.FENCED and isinstance(verdict, Judgement):
        return Passed("Not waited for: the node is proven dead.")
    return verdict


def _no_hold(holds: tuple[str, ...]) -> Verdict:
    return Judgement("held", "; ".join(holds)) if holds else Passed("Nobody asked to leave it alone.")


def _unplugged(seen: Observation) -> tuple[str, ...]:
    """Volumes that were hotplugged into the instance only: the next one, built from the VM, will not have them."""
    if seen.vm is None or seen.vmi is None:
        return ()
    kept = {text(volume, "name") for volume in parts(seen.vm.template, "volumes")}
    return tuple(name for volume in seen.vmi.volumes if (name := text(volume, "name")) not in kept)


def _after_release(seen: Observation, record: Record, policy: Policy, known: Proof, now: float) -> Decision:
    """No launcher is left on the lost node: by our doing, an operator's, or Kubernetes' own."""
    new = replacement(seen, record)
    lost = still_lost(seen.node, record.drift.outage)
    other = _elsewhere(seen, record) or over_before(record.drift.vm, seen.vm, seen.vmi, ())
    if new is None and other:
        return _decision(other, [("node", lost)], record, policy, now)
    released_at = record.released_at or (now - _age(seen, new, now) if new else now)
    freed = _freed(seen, replace(record, released_at=released_at), policy, known, now)
    checks: list[Named] = [("node", lost), ("proof", proof(known, seen, policy))]
    # Somebody may have stopped the VM since, or force-deleted the launcher of one that never comes back by itself.
    if new is None and seen.vm:
        checks.append(("comeback", comeback(record.drift.vm, seen.vm, None)))
    checks.append(("volumes", freed))
    judgement = _first(checks[2:]) or ending(seen, record, new)
    if judgement.phase is Phase.STARTING:
        free_at = max(released_at, record.detached_at or now, _back_at(seen, record, now))
        judgement = late(judgement, seen, free_at, policy, now)
    decision = _decision(judgement, checks, record, policy, now)
    return replace(decision, released_at=released_at, detached=isinstance(freed, Passed), hotplugs=record.hotplugs)


def _back_at(seen: Observation, record: Record, now: float) -> float:
    """Since when there is another node to start on, 0 where there is none."""
    there = seen.node is not None and is_back(seen.node, record.drift.outage)
    return min(seen.node.ready_since, now) if there and seen.node else 0.0


def _age(seen: Observation, new: VmiView, now: float) -> float:
    """How long ago it was created, by the API server's clock."""
    return max(0.0, (seen.date or now) - new.created)


def _freed(seen: Observation, record: Record, policy: Policy, known: Proof, now: float) -> Verdict:
    """The attachments of a node that is back, that lives, or that is a new one of its name are left alone."""
    quiet = _waived(known, _untimed(seen, known) or silent(record.signs, policy, now))
    enough = (still_lost(seen.node, record.drift.outage), quiet, proof(known, seen, policy))
    may = all(isinstance(verdict, Passed) for verdict in enough) and policy.mode != "never" and not seen.holds
    careful = policy if may else replace(policy, detach="wait")
    free_at = max(record.released_at or now, record.in_use_at or 0.0)
    freed = volumes(seen, careful, free_at, now, proven=may and known is Proof.FENCED)
    if policy.detach == "wait" or not isinstance(freed, Judgement) or not isinstance(quiet, Judgement):
        return freed
    soonest = min(filter(None, (freed.again_at, quiet.again_at)), default=None)  # silent by then, it may be deleted
    return replace(freed, again_at=soonest)


def _elsewhere(seen: Observation, record: Record) -> Judgement | None:
    """A migration's other side: what lives on another node is not this outage's, whatever pods the lost one has."""
    vmi = seen.vmi
    if vmi is None or vmi.node in {"", record.drift.outage.node.name}:
        return None
    return Judgement("not-on-node", f"The VM runs on {vmi.node} now.")


def _first(checks: Iterable[Named]) -> Judgement | None:
    return next((verdict for _, verdict in checks if isinstance(verdict, Judgement)), None)


def _decision(judgement: Judgement, checks: list[Named], record: Record, policy: Policy, now: float) -> Decision:
    if judgement.action and policy.mode == "observe":
        judgement = Judgement("observe-only", _would(judgement.action))
    same = (judgement.phase, judgement.reason) == (record.phase, record.reason)
    tries = record.tries + 1 if same else 0
    again_at = judgement.again_at or backoff(now, tries, watched=_watched(judgement, record, policy))
    ends = judgement.phase.is_end and judgement.again_at is None
    shown = tuple(_check(name, verdict) for name, verdict in checks)
    ifs = tuple(one for _, verdict in checks if isinstance(verdict, Passed) for one in verdict.ifs)
    return Decision(judgement, shown, None if ends else again_at, record.released_at, ifs=ifs)


def _watched(judgement: Judgement, record: Record, policy: Policy) -> bool:
    """Is nothing left for us to do? Of a node that is proven dead the attachments are, and soon."""
    if record.proof is Proof.FENCED:
        return False
    return judgement.phase is Phase.STARTING or (judgement.phase is Phase.RELEASED and policy.detach == "wait")


def _would(action: Action) -> str:
    if isinstance(action, Release | Remove):
        pods = "; ".join(f"kubectl -n {p.namespace} delete pod {p.name} --grace-period=0 --force" for p in action.pods)
        return f"Only observing. Would now do: {pods}"
    names = "; ".join(f"kubectl delete volumeattachment {a.name}" for a in action.attachments)
    return f"Only observing. Would now do: {names}"


def _check(name: str, verdict: Verdict) -> Check:
    if isinstance(verdict, Passed):
        return Check(name, held=True, reason="", sentence=verdict.sentence)
    return Check(name, held=False, reason=verdict.reason, sentence=verdict.sentence)
