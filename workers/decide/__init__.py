"""The judgement over one drift: a pure function of what was seen, what was done, the policy and the time.

Before the launcher pod is gone every prerequisite is checked, in the order of docs/architecture.md, and the first that
did not pass decides; the decision lists all of them, for people to read. Afterwards: volumes, then the ending. What is
safe is written out; whatever is not known here ends in `blocked` or `refused`.

Proof that the node is dead replaces whatever is waited for only because nobody knows: the window, the signs of life,
the quorum, Kubernetes' own eviction, the six minutes. Where the VM may go is checked all the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from reactor.model.drift import Check, Phase, Policy, Record
from reactor.model.objects import parts, text
from workers.decide.annotations import ignored_annotations, permitted, wished
from workers.decide.basis import LOOK, basis
from workers.decide.case import Case
from workers.decide.decision import Action, Decision, Judgement, Passed, Release, Remove, Verdict, backoff
from workers.decide.ending import ending, late
from workers.decide.launcher import ahead, evicting, terminating
from workers.decide.life import signs, silent
from workers.decide.node import is_back, is_over, still_lost, unnoticed, window, with_notice
from workers.decide.node_returned import back
from workers.decide.observation import Observation, VmiView
from workers.decide.placement import placement
from workers.decide.placement.candidates import candidate_nodes, candidates, placement_needs
from workers.decide.placement.lost import lost_launchers, replacement
from workers.decide.proof import confirmed, level, proof
from workers.decide.put_back import put_back
from workers.decide.quorum import quorum, unsteady
from workers.decide.release import one_by_one, release
from workers.decide.restart import comeback, deleted, ended_before_outage
from workers.decide.storage import storage
from workers.decide.volumes import in_use, volumes

__all__ = ["candidates", "decide", "lost_launchers", "replacement"]
NamedVerdict = tuple[str, Verdict]


def decide(observation: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """`now` in seconds since the epoch. The decision carries at most one action; `workers.drift.act` performs it."""
    record = with_notice(record, observation.node, now)
    case = Case(
        observation, replace(record, signs=signs(record.signs, observation, now)), wished(observation, policy), now
    )
    case = replace(case, record=replace(case.record, proof=level(case)))
    decision = _with_recheck(_decide(case), case, policy)
    confirmation = confirmed(observation.fencing, observation.node)
    cluster_was_read = bool(observation.nodes)
    return replace(
        decision,
        judgement=_with_ignored_annotations(decision.judgement, observation, policy),
        proof=case.record.proof,
        weighed=confirmation.at if confirmation else 0.0,
        signs=case.record.signs,
        unsteady=cluster_was_read and unsteady(observation, record, case.policy, now) is not None,
        in_use=in_use(observation) or any(pod.kept for pod in lost_launchers(observation, record)),
    )


def _with_ignored_annotations(judgement: Judgement, observation: Observation, policy: Policy) -> Judgement:
    """Its sentence also names annotations that do not count, where it is about those. `policy`: the installation's."""
    sentences = ignored_annotations(observation, policy, judgement.reason)
    return replace(judgement, sentence=" ".join([*sentences, judgement.sentence])) if sentences else judgement


def _with_recheck(decision: Decision, case: Case, policy: Policy) -> Decision:
    """While the outage lasts, what rests on facts that can change is checked again. `policy`: the installation's."""
    judgement = decision.judgement
    if decision.again_at is not None or judgement.final or is_over(case.seen.node, case.drift.outage):
        return decision
    return replace(decision, again_at=case.now + LOOK, basis=basis(case.seen, case.record, judgement.reason, policy))


def _decide(case: Case) -> Decision:
    observation, record, drift = case.seen, case.record, case.drift
    if observation.cancelled:
        return _decision(Judgement("cancelled-by-hand", observation.cancelled), [], case)
    outage_checks: list[NamedVerdict] = [
        ("node", still_lost(observation.node, drift.outage, case.now)),
        *_noticed(case),
        ("window", _waived(case, window(record, observation.manager, case.policy, case.now))),
    ]
    proof_check = ("proof", proof(case))
    pods = lost_launchers(observation, record)
    # Kubernetes itself removes the pods of a deleted node: then the drift goes on to its end.
    if (
        record.released_at is None
        and observation.node
        and (objection := _first_objection(outage_checks) or _eviction_due(case))
    ):
        return _decision(back(objection, case, pods), [*outage_checks, proof_check], case)
    if vm_deleted := deleted(drift.vm, observation.vm):
        return _decision(vm_deleted, outage_checks, case)
    if not pods:
        return _after_release(case)
    if not_affected := _elsewhere(case) or ended_before_outage(drift.vm, observation.vm, observation.vmi, pods):
        return _decision(not_affected, outage_checks, case)
    checks = [*outage_checks, proof_check, *_prerequisites(case)]
    release_judgement = release(pods, case) if case.proven else one_by_one(pods)
    judgement = back(_first_objection(checks) or _clock_off(case) or _not_put_back(release_judgement, case), case, pods)
    return replace(_decision(judgement, checks, case), hotplugs=_lost_hotplugs(case))


def _noticed(case: Case) -> list[NamedVerdict]:
    """Checked only of an outage that Kubernetes has not noticed yet."""
    objection = unnoticed(case.seen.node, case.drift.outage)
    return [("noticed", _waived(case, objection))] if objection else []


def _not_put_back(judgement: Judgement, case: Case) -> Judgement:
    """The release, if the VM cannot come back to its dead node."""
    return (put_back(case) or judgement) if judgement.action else judgement


def _eviction_due(case: Case) -> Judgement | None:
    """Kubernetes is about to evict the launcher: until then nothing else is read."""
    due = case.seen.evicted_at
    return None if due is None else evicting(lost_launchers(case.seen, case.record), due, case.now)


def _prerequisites(case: Case) -> list[NamedVerdict]:
    observation, record, policy, now = case.seen, case.record, case.policy, case.now
    vm, node = observation.vm, observation.node
    if vm is None or node is None:  # the node was deleted, which is an objection already: its pods are waited for
        return []
    pods = lost_launchers(observation, record)
    return [
        ("signs of life", _waived(case, silent(record.signs, policy, now))),
        ("quorum", _waived(case, quorum(observation, record, policy, now))),
        (
            "placement",
            placement(
                placement_needs(observation, record), observation.volumes, candidate_nodes(observation, record), policy
            ),
        ),
        ("storage", storage(observation, case.drift.outage.node.name, policy, record.proof)),
        ("comeback", comeback(case.drift.vm, vm, observation.vmi)),
        ("policy", permitted(observation, policy)),
        ("launcher", _waived(case, terminating(pods, node, policy, now, ahead(observation.manager)))),
        ("no hold", _no_hold(observation.holds)),
    ]


def _clock_off(case: Case) -> Judgement | None:
    """All checks passed, but a process whose clock is off does not judge how long a node was silent."""
    return Judgement("clock-off", case.seen.clock_off) if case.seen.clock_off and not case.proven else None


def _waived(case: Case, verdict: Verdict) -> Verdict:
    """Passed where the node is proven dead: it was waited for only while nobody knew."""
    if case.proven and isinstance(verdict, Judgement):
        return Passed("Not waited for: the node is proven dead.")
    return verdict


def _no_hold(holds: tuple[str, ...]) -> Verdict:
    return Judgement("held", "; ".join(holds)) if holds else Passed("Recovery is not paused.")


def _lost_hotplugs(case: Case) -> tuple[str, ...]:
    """Volumes that were hotplugged into the instance only: the next one, built from the VM, will not have them."""
    observation = case.seen
    if case.record.released_at is not None:
        return case.record.hotplugs
    if observation.vm is None or observation.vmi is None:
        return ()
    in_template = {text(volume, "name") for volume in parts(observation.vm.template, "volumes")}
    return tuple(name for volume in observation.vmi.volumes if (name := text(volume, "name")) not in in_template)


def _after_release(case: Case) -> Decision:
    """No launcher is left on the lost node: removed by us, an operator or Kubernetes itself."""
    observation, record, vm = case.seen, case.record, case.drift.vm
    new_instance = replacement(observation, record)
    node_check = still_lost(observation.node, case.drift.outage, case.now)
    not_affected = _elsewhere(case) or ended_before_outage(vm, observation.vm, observation.vmi, ())
    if new_instance is None and not_affected:
        return _decision(not_affected, [("node", node_check)], case)
    released_at = record.released_at or (case.now - _seconds_old(case, new_instance) if new_instance else case.now)
    freed = _freed(case, released_at)
    checks: list[NamedVerdict] = [("node", node_check), ("proof", proof(case))]
    # Somebody may have stopped the VM since, or force-deleted the launcher of one that never comes back by itself.
    if new_instance is None and observation.vm:
        checks.append(("comeback", comeback(vm, observation.vm, None)))
    checks.append(("volumes", freed))
    judgement = _first_objection(checks[2:]) or ending(observation, record, new_instance)
    if judgement.phase is Phase.STARTING:
        free_at = max(released_at, record.detached_at or case.now, _node_back_since(case))
        judgement = late(judgement, observation, free_at, case.policy, case.now)
    decision = _decision(judgement, checks, case)
    return replace(decision, released_at=released_at, detached=isinstance(freed, Passed), hotplugs=record.hotplugs)


def _node_back_since(case: Case) -> float:
    """Since when the node, or a new one of its name, is back to start on; 0 where it is not."""
    node = case.seen.node
    return min(node.ready_since, case.now) if node and is_back(node, case.drift.outage) else 0.0


def _seconds_old(case: Case, instance: VmiView) -> float:
    """How long ago it was created, by the API server's clock."""
    return max(0.0, (case.seen.date or case.now) - instance.created)


def _freed(case: Case, released_at: float) -> Verdict:
    """The attachments of a node that is back, that lives, or that is a new one of its name are left alone."""
    observation, record, policy, now = case.seen, case.record, case.policy, case.now
    doubt = unnoticed(observation.node, case.drift.outage) or _clock_off(case)
    silence = _waived(case, doubt or silent(record.signs, policy, now))
    checks = (still_lost(observation.node, case.drift.outage), silence, proof(case))
    may_delete = all(isinstance(check, Passed) for check in checks) and policy.mode != "never" and not observation.holds
    allowed = policy if may_delete else replace(policy, detach="wait")
    free_at = max(released_at, record.in_use_at or 0.0)
    freed = volumes(observation, allowed, free_at, now, proven=may_delete and case.proven)
    if policy.detach == "wait" or not isinstance(freed, Judgement) or not isinstance(silence, Judgement):
        return freed
    soonest = min(filter(None, (freed.again_at, silence.again_at)), default=None)  # silent by then, it may be deleted
    return replace(freed, again_at=soonest)


def _elsewhere(case: Case) -> Judgement | None:
    """In a migration: a VM that runs on another node is not in this outage, whatever pods the lost node has."""
    vmi = case.seen.vmi
    if vmi is None or vmi.node in {"", case.drift.outage.node.name}:
        return None
    return Judgement("not-on-node", f"The VM runs on {vmi.node} now.")


def _first_objection(checks: Iterable[NamedVerdict]) -> Judgement | None:
    return next((verdict for _, verdict in checks if isinstance(verdict, Judgement)), None)


def _decision(judgement: Judgement, checks: list[NamedVerdict], case: Case) -> Decision:
    record = case.record
    if judgement.action and case.policy.mode == "observe":
        judgement = Judgement("observe-only", _observe_only(judgement.action))
    unchanged = (judgement.phase, judgement.reason) == (record.phase, record.reason)
    tries = record.tries + 1 if unchanged else 0
    again_at = judgement.again_at or backoff(case.now, tries, watched=_only_watching(judgement, case))
    is_end = judgement.phase.is_end and judgement.again_at is None
    results = tuple(_check(name, verdict) for name, verdict in checks)
    conditions = tuple(condition for _, verdict in checks if isinstance(verdict, Passed) for condition in verdict.ifs)
    return Decision(judgement, results, None if is_end else again_at, record.released_at, ifs=conditions)


def _only_watching(judgement: Judgement, case: Case) -> bool:
    """Is nothing left for us to do? Where the node is proven dead, its attachments are, and soon."""
    if case.proven:
        return False
    return judgement.phase is Phase.STARTING or (judgement.phase is Phase.RELEASED and case.policy.detach == "wait")


def _observe_only(action: Action) -> str:
    if isinstance(action, Release | Remove):
        pods = ", ".join(f"{pod.namespace}/{pod.name}" for pod in action.pods)
        return f"Only observing. Would now force-delete pod {pods}, unless it has changed by then."
    names = ", ".join(attachment.name for attachment in action.attachments)
    return f"Only observing. Would now delete VolumeAttachment {names}, unless it has changed by then."


def _check(name: str, verdict: Verdict) -> Check:
    if isinstance(verdict, Passed):
        return Check(name, held=True, reason="", sentence=verdict.sentence)
    return Check(name, held=False, reason=verdict.reason, sentence=verdict.sentence)
