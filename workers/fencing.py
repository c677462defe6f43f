"""One pass over the fencing of one lost node: look, decide, write down, do one thing; until nothing is to be done now.

As in a drift, every pass starts from what is there now. What is known stands in a ConfigMap, and what was asked for on
the objects that were changed; Redis holds a copy for people. Whatever is about to be done is written down before.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from traceback import extract_tb
from typing import Protocol

import structlog

from reactor import timing
from reactor.doors.cloudevents import encode
from reactor.doors.cluster import Cluster, Notebook, Writer
from reactor.doors.queue import drift_entry, fence_entry
from reactor.model.change import Change
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import ClusterError, ClusterUnreachable, FenceError, SettingsError, StoreError, VmDriftError
from reactor.model.fences import fences
from reactor.model.fencing import CLAIMS, CONFIG_MAP, LASTING, Fencing, Standing, State, Target, claim_of, files, some
from reactor.model.identity import Outage
from reactor.model.intervention import ALL, HOLD, cancelled, node_target, vm_target
from reactor.model.machine import same, twins
from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, TAINT_ANNOTATION, NodeView, node_view
from reactor.model.objects import number, parts, text
from workers.decide.afterwards import is_lost
from workers.decide.bootfile import boot_file
from workers.decide.effect import never
from workers.decide.fenceview import Ask, Deed, FenceView, Move, Taint, Unfence, Untaint
from workers.decide.fencing import failed, next_move
from workers.decide.narrowing import providers, unusable
from workers.decide.rate import counted, too_soon
from workers.fence.provider import Provider
from workers.fenceview import look, with_effect
from workers.moment import locked
from workers.news import fence_asked
from workers.observe import lease
from workers.surroundings import NODE_LEASES, renewed
from workers.tools import Tools

log = structlog.get_logger()

_LOCK = timing.FENCING_LOCK
_LOCKED_RETRY = 2.0  # seconds
_MOVES = 8  # in one pass
_PODS = 1000  # names in one line of the log


class Changer(Cluster, Writer, Notebook, Protocol):
    """A cluster that can be asked, changed, and written to."""


@dataclass(frozen=True, slots=True)
class FenceTools:
    """`providers`: one of each name, made when it is first needed. `namespace`: where the ConfigMaps are."""

    tools: Tools
    cluster: Changer
    providers: Callable[[str], Provider]
    namespace: str


def run_fence(outage: Outage, fence: FenceTools) -> Outcome:
    """One pass. Raises ClusterError, StoreError: nothing is known then, and it is done again."""
    lock, tools = locked(fence.tools, f"fence:{outage.node.uid}", _LOCK)
    fence = replace(fence, tools=tools)
    if lock is None:
        return Again(fence.tools.clock() + _LOCKED_RETRY, "locked", "Another worker looks at this node right now.")
    try:
        return _moves(outage, fence)
    finally:
        with suppress(StoreError):  # it expires by itself
            tools.store.release(lock)


def look_after(fence: FenceTools) -> int:
    """Wake the job of every boot on which there is a file, whatever became of it; how many.

    Raises ClusterError, StoreError.
    """
    known, now = files(_kept(fence)), fence.tools.store.time()
    for file in known.values():
        fence.tools.queue.wake(fence_entry(file.outage), now)
    if "redfish" in fence.tools.policy.fencing:
        machines = {node.name: node.machine for node in fence.tools.around.nodes(fence.cluster)}
        fence.tools.store.save_twins(len(twins(machines)))
    return len(known)


def _moves(outage: Outage, fence: FenceTools) -> Outcome:
    outcome: Outcome = Ended("nothing", "not-fenced-here", f"{outage.node.name} is not lost, or nobody may fence it.")
    for _ in range(_MOVES):
        node, kept = _node(outage.node.name, fence), files(_kept(fence), outage.node.name)
        known, file = boot_file(outage, node, kept.values(), fence.tools.policy, fence.tools.clock())
        if file is None:
            return outcome
        if known is None and node:
            _warn(node, file, fence)
        move = _move(file, node, fence)
        _written(move, known, file, fence)
        _done(move, fence)
        if move.file is None:
            return Ended("closed", "fencing-over", f"Nothing of a fence is left on {file.node.name}.")
        outcome = Again(move.again_at, move.file.reason, move.file.sentence)
        if move.again_at > fence.tools.clock():
            return outcome
    return outcome


def _warn(node: NodeView, file: Fencing, fence: FenceTools) -> None:
    """Once for each boot that is lost; it also stands with what is told of its fencing."""
    odd, fix = unusable(node, fence.tools.policy)
    if odd:
        log.warning("annotation unusable", sentence=odd, **_about(file), reason="annotation-unusable", fix=fix)


def _kept(fence: FenceTools) -> Mapping[str, object] | None:
    return fence.cluster.find("configmaps", CONFIG_MAP, fence.namespace)


def _node(name: str, fence: FenceTools) -> NodeView | None:
    found = fence.cluster.find("nodes", name)
    return node_view(found) if found else None


def _target(file: Fencing, node: NodeView | None, seen_lease: str) -> Target:
    if node is None or node.uid != file.node.uid:
        return Target(file.outage, file.boot, lease=seen_lease)
    signs = seen_lease, node.heartbeat, node.reported
    return Target(file.outage, file.boot, node.machine, *signs, file.twins)


def _twins(file: Fencing, node: NodeView | None, fence: FenceTools) -> Fencing:
    """With who says the same of their machine; looked at only where a provider goes by that.

    Kubelets write that themselves: one that says something else by now may have been right before.
    """
    if node is None or not node.machine or "redfish" not in providers(node, fence.tools.policy):
        return file
    others = fence.tools.around.nodes(fence.cluster)
    found = [one.name for one in others if one.name != node.name and same(one.machine, node.machine)]
    return replace(file, twins=tuple(dict.fromkeys([*file.twins, *found])))


def _move(file: Fencing, node: NodeView | None, fence: FenceTools) -> Move:
    kubelet = fence.cluster.find("leases", file.node.name, NODE_LEASES)
    seen_lease, lasts = renewed(kubelet), number(kubelet, "spec", "leaseDurationSeconds") or 0.0
    file = _twins(file, node, fence)
    allowed = providers(node, fence.tools.policy) if node else fence.tools.policy.fencing
    asked = dict.fromkeys(attempt.provider for attempt in file.attempts if attempt.provider not in allowed)
    target = _target(file, node, seen_lease)
    standings = {name: _standing(name, target, file, fence) for name in (*allowed, *asked)}
    left = {name: standings.pop(name) for name in asked}
    beat = _beat_since(file, node, fence)
    view = FenceView(node, seen_lease, standings, left=left, lease_lasts=lasts, beat_since=beat)
    return _judged(look(view, file, fence.tools, fence.cluster), file, fence)


def _beat_since(file: Fencing, node: NodeView | None, fence: FenceTools) -> float:
    """When a watcher saw the node's present heartbeat first; asked for at the first look only. StoreError."""
    if node is None or not node.heartbeat or file.lease or file.heartbeat:
        return 0.0
    watched = fence.tools.store.heartbeat(file.outage.id)
    return watched.at if watched and watched.value == node.heartbeat else 0.0


def _judged(seen: FenceView, file: Fencing, fence: FenceTools) -> Move:
    """Nobody is asked to fence before it was looked at what that would do to each VM of the node."""
    now, policy = fence.tools.clock(), fence.tools.policy
    move = next_move(seen, file, policy, now)
    while isinstance(move.deed, Ask) and move.deed.provider not in seen.effects:
        seen = with_effect(seen, move.file or file, move.deed.provider, fence.tools, fence.cluster)
        move = next_move(seen, file, policy, now)
    return move


def _standing(name: str, target: Target, file: Fencing, fence: FenceTools) -> Standing:
    """Who was asked and cannot tell now may have made something that has to be taken back."""
    asked = name in {attempt.provider for attempt in file.attempts}
    try:
        return fence.providers(name).status(target)
    except (FenceError, ClusterUnreachable) as error:
        return Standing(State.ABSENT, str(error), ours=asked and name in LASTING)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this provider's trouble alone
        return Standing(State.FAILED, _trouble(name, error), ours=asked and name in LASTING)


def _trouble(name: str, error: Exception) -> str:
    """As a sentence. What nobody foresaw is a bug, and it says where. Raises what is not the provider's."""
    if isinstance(error, ClusterError | FenceError | SettingsError):
        return str(error)
    if isinstance(error, VmDriftError):  # Redis is away, or this worker is asked to stop
        raise error
    at = extract_tb(error.__traceback__)[-1]
    return f"{name} has a bug: {type(error).__name__} {str(error)[:200]} in {at.name}, line {at.lineno}."


def _written(move: Move, stands: Fencing | None, file: Fencing, fence: FenceTools) -> None:
    """In the cluster, and a copy for people; only where it says something new."""
    if move.file != stands:
        if move.file is None or move.file.closed:
            _forget_claims(file, fence)
        fence.cluster.note(CONFIG_MAP, fence.namespace, _entries(move.file, file, fence))
        fence.tools.store.save_fencing(move.file or file.told("fencing-over", "Nothing of a fence is left."))
    if move.file and (stands is None or (stands.reason, stands.release) != (move.file.reason, move.file.release)):
        pods = move.file.release.pods[:_PODS] if move.file.release else ()
        facts = {"reason": move.file.reason, **({"removes": pods} if pods else {})}
        log.info("fencing decided", sentence=move.file.sentence, **_about(file), **facts)


def _entries(new: Fencing | None, file: Fencing, fence: FenceTools) -> dict[str, str | None]:
    """The file instead of all that stands there of its boot."""
    kept = files(_kept(fence), file.node.name)
    same = [key for key, one in kept.items() if (one.node, one.boot) == (file.node, file.boot)]
    entries: dict[str, str | None] = dict.fromkeys(same)
    return entries if new is None else {**entries, new.key: new.as_text()}


def _forget_claims(file: Fencing, fence: FenceTools) -> None:
    """What was said of a boot is over with it; the version before this one wrote it where proof stands."""
    for name in (CLAIMS, CONFIG_MAP):
        claim = claim_of(fence.cluster.find("configmaps", name, fence.namespace), file.node.name)
        if claim and claim.boot == file.boot:
            fence.cluster.note(name, fence.namespace, {claim.key: None})


def _about(file: Fencing) -> dict[str, str]:
    return {"outage": file.outage.id, "node": file.node.name, "boot": file.boot}


def _done(move: Move, fence: FenceTools) -> None:
    for record in move.wake:
        fence.tools.queue.wake(drift_entry(record.drift), fence.tools.clock())
    if move.deed and move.file:
        _do(move.deed, move.file, fence)


def _do(deed: Deed, file: Fencing, fence: FenceTools) -> None:
    """Each after a fresh look at the node; what was changed meanwhile is judged anew at the next look."""
    found = fence.cluster.find("nodes", file.node.name)
    node = node_view(found) if found else None
    match deed:
        case Ask():
            if node and not never(node, fence.tools.policy) and _untouched(file, node, fence):
                _ask(deed.provider, file, node, fence)
        case Taint():
            if found and _untouched(file, node, fence) and not _cancelled(file, fence):
                fence.cluster.change("nodes", found, _with_taint(found, file))
        case Untaint():
            if found and node and node.tainted:
                log.log(30 if deed.warning else 20, "taint removed", sentence=file.sentence, **_about(file))
                fence.cluster.change("nodes", found, _without_taint(found))
        case Unfence():
            _unfence(deed.providers, file, node, fence)


def _unchanged(file: Fencing, node: NodeView | None, fence: FenceTools) -> bool:
    same = is_lost(node, file) and node is not None and node.heartbeat == file.heartbeat
    return same and lease(fence.cluster, file.outage) == file.lease


def _untouched(file: Fencing, node: NodeView | None, fence: FenceTools) -> bool:
    """As it was judged, and nobody asked meanwhile that it be left alone."""
    return _unchanged(file, node, fence) and not _on_hold(file, fence)


def _on_hold(file: Fencing, fence: FenceTools) -> bool:
    """Did somebody ask meanwhile that the node, or any VM of it, be left alone?"""
    now, asked = fence.cluster.time() or 0.0, fence.tools.around.interventions(fence.cluster)
    vms = [vm_target(record.drift.vm) for record in fence.tools.store.records(file.outage.id)]
    vms += [f"vm/{name}" for name in (*file.releases, *(vm for vm, _ in file.bystanders))]
    meant = {ALL, node_target(file.node.name), *vms}
    return any(one.kind == HOLD and one.target in meant and not one.is_over(now) for one in asked)


def _cancelled(file: Fencing, fence: FenceTools) -> bool:
    """A VM that was given up stays where it is: the taint would remove it."""
    asked = fence.tools.around.interventions(fence.cluster)
    return any(cancelled(asked, record.drift) for record in fence.tools.store.records(file.outage.id))


def _ask(name: str, file: Fencing, node: NodeView, fence: FenceTools) -> None:
    """It counts before it is done. Raises Conflict where another fence was counted meanwhile: both are judged again.

    Whatever goes wrong makes the provider one that failed; but of a call without an answer nobody knows what became.
    """
    kept, now, policy = _kept(fence), fence.tools.clock(), fence.tools.policy
    if kept is None or name not in providers(node, policy) or too_soon(fences(kept).values(), file, policy, now):
        return
    if new := counted(fences(kept), file, policy, now):
        _announce(file, name, fence)
        fence.cluster.change("configmaps", dict(kept), {"data": new})
    try:
        fence.providers(name).fence(_target(file, node, file.lease))
    except ClusterUnreachable as error:
        log.warning("no answer to the fence", sentence=str(error), **_about(file), reason="fencing", provider=name)
    except Exception as error:  # noqa: BLE001 - the next provider is asked, whatever it is
        _written(Move(failed(file, _trouble(name, error), now), 0.0), file, file, fence)


def _announce(file: Fencing, provider: str, fence: FenceTools) -> None:
    """To whoever listens, and to whoever looks at a VM that is stopped for its neighbours' sake."""
    now, store, why = fence.tools.clock(), fence.tools.store, dict(file.bystanders)
    told = f"{provider} is asked to fence its node, for {some(file.releases)}. This VM is stopped, and not moved"
    hit = [record for record in store.records(file.outage.id) if str(record.drift.vm) in why]
    changes = [Change(one.drift, one.phase, "bystander", f"{told}: {why[str(one.drift.vm)]}.", now) for one in hit]
    store.publish([encode(fence_asked(file, provider, fence.tools.source, now))], changes)


def _unfence(names: Iterable[str], file: Fencing, node: NodeView | None, fence: FenceTools) -> None:
    released = [name for name in names if _released(name, file, node, fence)]
    left = tuple(attempt for attempt in file.attempts if attempt.provider not in released)
    if left != file.attempts:
        _written(Move(replace(file, attempts=left), 0.0), file, file, fence)


def _released(name: str, file: Fencing, node: NodeView | None, fence: FenceTools) -> bool:
    try:
        return fence.providers(name).release(_target(file, node, "")).state is State.ABSENT
    except Exception as error:  # noqa: BLE001 - one that cannot take back keeps no other from it
        facts = {"reason": "unfencing", "provider": name}
        log.warning("unfencing failed", sentence=_trouble(name, error), **_about(file), **facts)
        return False


def _with_taint(found: Mapping[str, object], file: Fencing) -> dict[str, object]:
    """Kubernetes' taint for a node that is off, and in the same request what it was set for."""
    others = [taint for taint in _taints(found) if text(taint, "key") != OUT_OF_SERVICE]
    taints = [*others, {"key": OUT_OF_SERVICE, "value": OUT_OF_SERVICE_VALUE, "effect": "NoExecute"}]
    marks = json.dumps(Target(file.outage, file.boot).marks)
    return {"metadata": {"annotations": {TAINT_ANNOTATION: marks}}, "spec": {"taints": taints}}


def _without_taint(found: Mapping[str, object]) -> dict[str, object]:
    left = [taint for taint in _taints(found) if text(taint, "key") != OUT_OF_SERVICE]
    return {"metadata": {"annotations": {TAINT_ANNOTATION: None}}, "spec": {"taints": left or None}}


def _taints(found: Mapping[str, object]) -> list[dict[str, object]]:
    return [dict(taint) for taint in parts(found, "spec", "taints")]
