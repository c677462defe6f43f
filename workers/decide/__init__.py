"""The judgement over one drift: a pure function of what was seen, what was done, the policy and the time.

Before the launcher pod is gone every prerequisite is looked at, in the order of docs/architecture.md, and the first
that did not pass decides; all of them stand in the decision, so that people see the whole list. Afterwards: volumes,
then the ending. What is safe is written out; whatever is not known here ends in `blocked` or `refused`.

Proof that the node is dead takes the place of all that is waited for only because nobody knows: the window, the signs
of life, the quorum, Kubernetes' own eviction, the six minutes. Where the VM may go is asked all the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from reactor.model.drift import Check, Phase, Policy, Record
from reactor.model.objects import parts, text
from workers.decide.annotations import permitted, unheeded, wished
from workers.decide.basis import LOOK, basis
from workers.decide.case import Case
from workers.decide.decision import Action, Decision, Judgement, Passed, Release, Remove, Verdict, backoff
from workers.decide.ending import ending, late
from workers.decide.launcher import ahead, evicting, terminating
from workers.decide.life import signs, silent
from workers.decide.node import is_back, is_over, still_lost, window
from workers.decide.node_returned import back
from workers.decide.observation import Observation, VmiView
from workers.decide.placement import placement
from workers.decide.placement.candidates import bearing, candidates, field
from workers.decide.placement.lost import lost_launchers, replacement
from workers.decide.proof import confirmed, level, proof
from workers.decide.quorum import quorum, unsteady
from workers.decide.release import one_by_one, release
from workers.decide.restart import comeback, deleted, over_before
from workers.decide.storage import storage
from workers.decide.volumes import in_use, volumes

__all__ = ["candidates", "decide", "lost_launchers", "replacement"]
Named = tuple[str, Verdict]


def decide(seen: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """`now` in seconds since the epoch. The decision carries at most one action; `workers.drift.act` does it."""
    case = Case(seen, replace(record, signs=signs(record.signs, seen, now)), wished(seen, policy), now)
    case = replace(case, record=replace(case.record, proof=level(case)))
    decision = _lasting(_decide(case), case, policy)
    confirmation = confirmed(seen.fencing, seen.node)
    cluster_looked_at = bool(seen.nodes)
    return replace(
        decision,
        judgement=_with_unheeded(decision.judgement, seen, policy),
        proof=case.record.proof,
        weighed=confirmation.at if confirmation else 0.0,
        signs=case.record.signs,
        unsteady=cluster_looked_at and unsteady(seen, record, case.policy) is not None,
        in_use=in_use(seen) or any(pod.kept for pod in lost_launchers(seen, record)),
    )


def _with_unheeded(judgement: Judgement, seen: Observation, policy: Policy) -> Judgement:
    """Why it is not as the VM's owner asked, if that is what it is about. `policy`: the installation's."""
    sentences = unheeded(seen, policy, judgement.reason)
    return replace(judgement, sentence=" ".join([*sentences, judgement.sentence])) if sentences else judgement


def _lasting(decision: Decision, case: Case, policy: Policy) -> Decision:
    """While the outage lasts nothing is final that rests on what can change. `policy`: the installation's."""
    judgement = decision.judgement
    if decision.again_at is not None or judgement.final or is_over(case.seen.node, case.drift.outage):
        return decision
    return replace(decision, again_at=case.now + LOOK, basis=basis(case.seen, case.record, judgement.reason, policy))


def _decide(case: Case) -> Decision:
    seen, record, drift = case.seen, case.record, case.drift
    if seen.cancelled:
        return _decision(Judgement("cancelled-by-hand", seen.cancelled), [], case)
    outage: list[Named] = [
        ("node", still_lost(seen.node, drift.outage)),
        ("window", _waived(case, window(record, seen.manager, case.policy, case.now))),
    ]
    evidence = ("proof", proof(case))
    pods = lost_launchers(seen, record)
    # Kubernetes itself removes the pods of a deleted node: then the drift goes on to its end.
    if record.released_at is None and seen.node and (objection := _first(outage) or _evicted(case)):
        return _decision(back(objection, case, pods), [*outage, evidence], case)
    if gone := deleted(drift.vm, seen.vm):
        return _decision(gone, outage, case)
    if not pods:
        return _after_release(case)
    if other := _elsewhere(case) or over_before(drift.vm, seen.vm, seen.vmi, pods):
        return _decision(other, outage, case)
    checks = [*outage, evidence, *_prerequisites(case)]
    free = release(pods, case) if case.proven else one_by_one(pods)
    judgement = back(_first(checks) or _untimed(case) or free, case, pods)
    return replace(_decision(judgement, checks, case), hotplugs=_unplugged(seen))


def _evicted(case: Case) -> Judgement | None:
    """Kubernetes is about to: until then nothing else was looked at."""
    due = case.seen.evicted_at
    return None if due is None else evicting(lost_launchers(case.seen, case.record), due, case.now)


def _prerequisites(case: Case) -> list[Named]:
    seen, record, policy, now = case.seen, case.record, case.policy, case.now
    vm, node = seen.vm, seen.node
    if vm is None or node is None:  # the node was deleted, which is an objection already: its pods are waited for
        return []
    pods = lost_launchers(seen, record)
    return [
        ("signs of life", _waived(case, silent(record.signs, policy, now))),
        ("quorum", _waived(case, quorum(seen, record, policy, now))),
        ("placement", placement(bearing(seen, record), seen.volumes, field(seen, record), policy)),
        ("storage", storage(seen, case.drift.outage.node.name, policy, record.proof)),
        ("comeback", comeback(case.drift.vm, vm, seen.vmi)),
        ("policy", permitted(seen, policy)),
        ("launcher", _waived(case, terminating(pods, node, policy, now, ahead(seen.manager)))),
        ("no hold", _no_hold(seen.holds)),
    ]


def _untimed(case: Case) -> Judgement | None:
    """All checks passed, but a process whose clock is off does not judge how long a node was silent."""
    return Judgement("clock-off", case.seen.clock_off) if case.seen.clock_off and not case.proven else None


def _waived(case: Case, verdict: Verdict) -> Verdict:
    """What is waited for only as long as nobody knows."""
    if case.proven and isinstance(verdict, Judgement):
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


def _after_release(case: Case) -> Decision:
    """No launcher is left on the lost node: by our doing, an operator's, or Kubernetes' own."""
    seen, record, vm = case.seen, case.record, case.drift.vm
    new = replacement(seen, record)
    lost = still_lost(seen.node, case.drift.outage)
    other = _elsewhere(case) or over_before(vm, seen.vm, seen.vmi, ())
    if new is None and other:
        return _decision(other, [("node", lost)], case)
    released_at = record.released_at or (case.now - _age(case, new) if new else case.now)
    freed = _freed(case, released_at)
    checks: list[Named] = [("node", lost), ("proof", proof(case))]
    # Somebody may have stopped the VM since, or force-deleted the launcher of one that never comes back by itself.
    if new is None and seen.vm:
        checks.append(("comeback", comeback(vm, seen.vm, None)))
    checks.append(("volumes", freed))
    judgement = _first(checks[2:]) or ending(seen, record, new)
    if judgement.phase is Phase.STARTING:
        free_at = max(released_at, record.detached_at or case.now, _back_at(case))
        judgement = late(judgement, seen, free_at, case.policy, case.now)
    decision = _decision(judgement, checks, case)
    return replace(decision, released_at=released_at, detached=isinstance(freed, Passed), hotplugs=record.hotplugs)


def _back_at(case: Case) -> float:
    """Since when there is another node to start on, 0 where there is none."""
    node = case.seen.node
    return min(node.ready_since, case.now) if node and is_back(node, case.drift.outage) else 0.0


def _age(case: Case, new: VmiView) -> float:
    """How long ago it was created, by the API server's clock."""
    return max(0.0, (case.seen.date or case.now) - new.created)


def _freed(case: Case, released_at: float) -> Verdict:
    """The attachments of a node that is back, that lives, or that is a new one of its name are left alone."""
    seen, record, policy, now = case.seen, case.record, case.policy, case.now
    quiet = _waived(case, _untimed(case) or silent(record.signs, policy, now))
    enough = (still_lost(seen.node, case.drift.outage), quiet, proof(case))
    may = all(isinstance(verdict, Passed) for verdict in enough) and policy.mode != "never" and not seen.holds
    careful = policy if may else replace(policy, detach="wait")
    free_at = max(released_at, record.in_use_at or 0.0)
    freed = volumes(seen, careful, free_at, now, proven=may and case.proven)
    if policy.detach == "wait" or not isinstance(freed, Judgement) or not isinstance(quiet, Judgement):
        return freed
    soonest = min(filter(None, (freed.again_at, quiet.again_at)), default=None)  # silent by then, it may be deleted
    return replace(freed, again_at=soonest)


def _elsewhere(case: Case) -> Judgement | None:
    """A migration's other side: what lives on another node is not this outage's, whatever pods the lost one has."""
    vmi = case.seen.vmi
    if vmi is None or vmi.node in {"", case.drift.outage.node.name}:
        return None
    return Judgement("not-on-node", f"The VM runs on {vmi.node} now.")


def _first(checks: Iterable[Named]) -> Judgement | None:
    return next((verdict for _, verdict in checks if isinstance(verdict, Judgement)), None)


def _decision(judgement: Judgement, checks: list[Named], case: Case) -> Decision:
    record = case.record
    if judgement.action and case.policy.mode == "observe":
        judgement = Judgement("observe-only", _would(judgement.action))
    same = (judgement.phase, judgement.reason) == (record.phase, record.reason)
    tries = record.tries + 1 if same else 0
    again_at = judgement.again_at or backoff(case.now, tries, watched=_watched(judgement, case))
    ends = judgement.phase.is_end and judgement.again_at is None
    shown = tuple(_check(name, verdict) for name, verdict in checks)
    ifs = tuple(condition for _, verdict in checks if isinstance(verdict, Passed) for condition in verdict.ifs)
    return Decision(judgement, shown, None if ends else again_at, record.released_at, ifs=ifs)


def _watched(judgement: Judgement, case: Case) -> bool:
    """Is nothing left for us to do? Of a node that is proven dead the attachments are, and soon."""
    if case.proven:
        return False
    return judgement.phase is Phase.STARTING or (judgement.phase is Phase.RELEASED and case.policy.detach == "wait")


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
