"""The judgement over one drift: a pure function of what was seen, what was done, the policy and the time.

Before the launcher pod is gone every prerequisite is looked at, in the order of the source document, and the first that
does not hold decides; all of them stand in the decision, so that people see the whole list. Afterwards: volumes, then
the ending. What is safe is written out; whatever is not known here ends in `blocked` or `refused`.
"""

from collections.abc import Iterable
from dataclasses import replace

from reactor.model.drift import Check, Policy, Record
from workers.decide.comeback import comeback
from workers.decide.decision import Action, Decision, Held, Judgement, Release, Verdict, backoff
from workers.decide.ending import ending
from workers.decide.launcher import terminating
from workers.decide.node import still_lost, window
from workers.decide.observation import Observation, PodView, VmiView
from workers.decide.placement import placement
from workers.decide.storage import storage
from workers.decide.volumes import volumes

DETACH_ANNOTATION = "vmdrift.io/detach"
Named = tuple[str, Verdict]


def decide(seen: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """`now` in seconds since the epoch. The decision carries at most one action; acting on it is `workers.act`."""
    drift = record.drift
    outage: list[Named] = [
        ("node", still_lost(seen.node, drift.outage)),
        ("window", window(drift.outage, policy, now)),
    ]
    # Kubernetes itself removes the pods of a deleted node: then the drift goes on to its end.
    if record.released_at is None and seen.node and (objection := _first(outage)):
        return _decision(objection, outage, record, policy, now)
    if seen.vm is None or seen.vm.uid != drift.vm.uid or seen.vm.deleting:
        return _decision(Judgement("vm-deleted", f"VM {drift.vm} was deleted."), outage, record, policy, now)
    pods = lost_launchers(seen, record)
    if pods:
        checks = outage + _prerequisites(seen, record, policy, now, pods)
        return _decision(_first(checks) or _release(pods), checks, record, policy, now)
    return _after_release(seen, record, policy, now)


def replacement(seen: Observation, record: Record) -> VmiView | None:
    """The VM's new instance, if what is there is a new one. Where the old uid is not known, by its age."""
    vmi = seen.vmi
    if vmi is None:
        return None
    new = vmi.uid != record.vmi_uid if record.vmi_uid else vmi.created > record.drift.outage.since
    return vmi if new else None


def lost_launchers(seen: Observation, record: Record) -> tuple[PodView, ...]:
    """The launcher pods that the lost instance still has on the lost node."""
    new = replacement(seen, record)
    name = record.drift.outage.node.name
    return tuple(pod for pod in seen.launchers if pod.node == name and not (new and pod.vmi_uid == new.uid))


def _prerequisites(
    seen: Observation, record: Record, policy: Policy, now: float, pods: tuple[PodView, ...]
) -> list[Named]:
    vm, node = seen.vm, seen.node
    if vm is None or node is None:  # the node was deleted, which is an objection already: its pods are waited for
        return []
    return [
        ("placement", placement(vm.template, seen.nodes, record.drift.outage.node, policy)),
        ("storage", storage(seen)),
        ("comeback", comeback(vm)),
        ("launcher", terminating(pods, node, now)),
        ("hold", _unheld(seen.holds)),
    ]


def _unheld(holds: tuple[str, ...]) -> Verdict:
    return Judgement("held", "; ".join(holds)) if holds else Held("Nobody asked to leave it alone.")


def _release(pods: tuple[PodView, ...]) -> Judgement:
    names = ", ".join(pod.name for pod in pods)
    return Judgement("force-deleted", f"Force deleting launcher pod {names}.", action=Release(pods))


def _after_release(seen: Observation, record: Record, policy: Policy, now: float) -> Decision:
    """No launcher is left on the lost node: by our doing, an operator's, or Kubernetes' own."""
    new = replacement(seen, record)
    lost = still_lost(seen.node, record.drift.outage)
    if new is None and seen.vmi and seen.vmi.node not in {"", record.drift.outage.node.name}:
        return _decision(_elsewhere(seen.vmi), [("node", lost)], record, policy, now)
    released_at = record.released_at or (new.created if new else now)
    freed = volumes(seen, replace(policy, detach=_detach(seen, lost, policy)), released_at, now)
    # Somebody may have stopped the VM since, or force-deleted the launcher of one that never comes back by itself.
    back = [] if new or seen.vm is None else [("comeback", comeback(seen.vm))]
    checks: list[Named] = [("node", lost), ("volumes", freed), *back]
    decision = _decision(_first(checks[1:]) or ending(seen, new), checks, record, policy, now)
    return replace(decision, released_at=released_at, detached=isinstance(freed, Held))


def _detach(seen: Observation, lost: Verdict, policy: Policy) -> str:
    """The attachments of a node that is back, or of a new one of its name, are its own: nothing is deleted then."""
    if not isinstance(lost, Held) or seen.vm is None:
        return "wait"
    return seen.vm.annotations.get(DETACH_ANNOTATION, policy.detach)


def _elsewhere(vmi: VmiView) -> Judgement:
    return Judgement("not-on-node", f"The same VM instance is on {vmi.node} now.")


def _first(checks: Iterable[Named]) -> Judgement | None:
    return next((verdict for _, verdict in checks if isinstance(verdict, Judgement)), None)


def _decision(judgement: Judgement, checks: list[Named], record: Record, policy: Policy, now: float) -> Decision:
    if judgement.action and policy.mode == "observe":
        judgement = Judgement("observe-only", _would(judgement.action))
    same = (judgement.phase, judgement.reason) == (record.phase, record.reason)
    again_at = judgement.again_at or backoff(now, record.tries + 1 if same else 0)
    shown = tuple(_check(name, verdict) for name, verdict in checks)
    return Decision(judgement, shown, None if judgement.phase.is_end else again_at, record.released_at)


def _would(action: Action) -> str:
    if isinstance(action, Release):
        pods = "; ".join(f"kubectl -n {p.namespace} delete pod {p.name} --grace-period=0 --force" for p in action.pods)
        return f"Only observing. Would now do: {pods}"
    names = "; ".join(f"kubectl delete volumeattachment {a.name}" for a in action.attachments)
    return f"Only observing. Would now do: {names}"


def _check(name: str, verdict: Verdict) -> Check:
    if isinstance(verdict, Held):
        return Check(name, held=True, reason="", sentence=verdict.sentence)
    return Check(name, held=False, reason=verdict.reason, sentence=verdict.sentence)
