"""One pass over the fencing of one lost node: look, decide, write down, do one thing; until nothing is left to do now.

As in a drift, every pass starts from what is there now. What is known is in a ConfigMap, and what was asked for on
the objects that were changed; Redis holds a copy for people. Whatever is about to be done is written down before.
"""

from contextlib import suppress
from dataclasses import replace

import structlog

from reactor import timing
from reactor.adapters.rq import event_entry, fence_entry
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import StoreError
from reactor.model.event import unreachable
from reactor.model.fencing import Fencing
from reactor.model.identity import Outage
from reactor.model.lease import NODE_LEASES
from reactor.model.machine_uuid import same, twins
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject, number
from reactor.model.witness import SUSPICION
from reactor.wake import look_at
from workers.context import FenceTools
from workers.fencing.act import FenceActions
from workers.fencing.decide import next_move
from workers.fencing.decide.allowed import providers, unusable
from workers.fencing.decide.boot_file import boot_file, seen_by, target
from workers.fencing.decide.view import SOON, AskProvider, FenceDecision, FenceView
from workers.fencing.evidence import evidence
from workers.fencing.files import FenceFiles, about
from workers.fencing.observe import look, with_effect
from workers.observe.cache import renewed
from workers.pass_time import locked

__all__ = ["FenceTools", "look_after", "run_fence"]

log = structlog.get_logger()

_LOCK = timing.FENCING_LOCK
_LOCKED_RETRY = 2.0  # seconds
_MOVES = 8  # in one pass


def run_fence(outage: Outage, fence: FenceTools) -> Outcome:
    """One pass. Raises ClusterError, StoreError: then its result is unknown, and it is done again."""
    lock, tools = locked(fence.tools, f"fence:{outage.node.uid}", _LOCK)
    if lock is None:
        return Again(tools.clock() + _LOCKED_RETRY, "locked", "Another worker is checking this node right now.")
    try:
        return _Pass(outage, replace(fence, tools=tools)).run()
    finally:
        with suppress(StoreError):  # it expires by itself
            tools.store.release(lock)


def look_after(fence: FenceTools) -> int:
    """Wake the job of every boot that has a file, whatever became of it; how many.

    Raises ClusterError, StoreError.
    """
    files, now = FenceFiles(fence).read(), fence.tools.store.time()
    for file in files.values():
        fence.tools.queue.wake(fence_entry(file.outage), now)
    if "redfish" in fence.tools.policy.fencing:
        machines = {node.name: node.machine for node in fence.tools.around.nodes(fence.cluster)}
        fence.tools.store.save_twins(len(twins(machines)))
    return len(files)


class _Pass:
    """Over one outage of one node, under its lock."""

    def __init__(self, outage: Outage, fence: FenceTools) -> None:
        self._outage, self._tools, self._cluster, self._providers = outage, fence.tools, fence.cluster, fence.providers
        self._files = FenceFiles(fence)
        self._deeds = FenceActions(fence, self._files)
        self._fence = fence

    def run(self) -> Outcome:
        """Move after move, until nothing is left to do now.

        A pass that never sees what it has written comes again later, not at once and for ever.
        """
        name = self._outage.node.name
        outcome: Outcome = Ended("nothing", "not-fenced-here", f"{name} is not lost, or nobody may fence it.")
        for _ in range(_MOVES):
            kubelet, stored_files = self._cluster.find("leases", name, NODE_LEASES), self._files.read(name)
            node = self._node(kubelet)
            stored, file = boot_file(self._outage, node, stored_files.values(), self._tools.policy, self._tools.clock())
            if file is None:
                return outcome
            file = seen_by(file, self._tools.clock())
            if stored is None and node:
                self._warn(node, file)
            outcome = self._carry_out(self._move(file, node, kubelet), file, stored)
            if isinstance(outcome, Ended) or outcome.at > self._tools.clock():
                return outcome
        return outcome if isinstance(outcome, Ended) else replace(outcome, at=self._tools.clock() + SOON)

    def _carry_out(self, move: FenceDecision, file: Fencing, stored: Fencing | None) -> Outcome:
        """Written down first, then done."""
        self._files.write(file, stored, move.file)
        look_at([record.drift for record in move.wake], self._tools.coverage, self._tools.queue, self._tools.clock())
        if move.file and move.begins and self._tools.store.outage(move.file.outage.id) is None:
            self._tools.queue.wake(event_entry(unreachable(move.file.outage, self._tools.source)), self._tools.clock())
        if move.file is None:
            return Ended("closed", "fencing-over", f"Nothing of a fence is left on {file.node.name}.")
        if move.deed:
            self._deeds.do(move.deed, move.file)
        return Again(move.again_at, move.file.reason, move.file.sentence)

    def _node(self, kubelet: JsonObject | None) -> NodeView | None:
        obj = self._cluster.find("nodes", self._outage.node.name)
        return node_view(obj).with_lease(renewed(kubelet)) if obj else None

    def _warn(self, node: NodeView, file: Fencing) -> None:
        """Once for each boot that is lost; it is also shown with what is reported of its fencing."""
        problem, fix = unusable(node, self._tools.policy)
        if problem:
            log.warning("annotation unusable", sentence=problem, **about(file), reason="annotation-unusable", fix=fix)

    def _move(self, file: Fencing, node: NodeView | None, kubelet: JsonObject | None) -> FenceDecision:
        file = self._with_twins(file, node)
        view = self._view(file, node, kubelet)
        return self._judged(look(view, file, self._tools, self._cluster), file)

    def _with_twins(self, file: Fencing, node: NodeView | None) -> Fencing:
        """With the nodes that name the same machine; looked at only where a provider relies on that.

        Kubelets write that themselves: one that names another by now may have been right before.
        """
        if node is None or not node.machine or "redfish" not in providers(node, self._tools.policy):
            return file
        others = self._tools.around.nodes(self._cluster, own=True)  # a provider may be asked right after this
        names = [other.name for other in others if other.name != node.name and same(other.machine, node.machine)]
        return replace(file, twins=tuple(dict.fromkeys([*file.twins, *names])))

    def _view(self, file: Fencing, node: NodeView | None, kubelet: JsonObject | None) -> FenceView:
        """The node, its Lease, and what its providers say, also those that were asked and may not prove it any more."""
        policy, lease = self._tools.policy, renewed(kubelet)
        allowed = providers(node, policy) if node else policy.fencing
        not_allowed = dict.fromkeys(attempt.provider for attempt in file.attempts if attempt.provider not in allowed)
        fence_target = target(file, node, lease)
        statuses = evidence(self._fence, [*allowed, *not_allowed], fence_target, file, node)
        former = {name: statuses.pop(name) for name in not_allowed}
        duration, beat_since = number(kubelet, "spec", "leaseDurationSeconds") or 0.0, self._beat_since(file, node)
        view = FenceView(node, lease, statuses, left=former, lease_lasts=duration, beat_since=beat_since)
        asks = policy.fence_at == SUSPICION and file.proof is None
        return replace(view, reports=tuple(self._fence.reports(file.node.uid))) if asks else view

    def _beat_since(self, file: Fencing, node: NodeView | None) -> float:
        """When a watcher, which reads no Lease, first saw the node's present heartbeat; read until it is known."""
        if node is None or not (node.heartbeat and node.lost) or file.beat_since or file.proof:
            return 0.0
        watched = self._tools.store.heartbeat(Outage(file.node, file.outage.unknown_since).id)
        return watched.at if watched and watched.value == node.heartbeat else 0.0

    def _judged(self, view: FenceView, file: Fencing) -> FenceDecision:
        """No provider is asked to fence before it is known what that would do to each VM of the node."""
        now, policy = self._tools.clock(), self._tools.policy
        move = next_move(view, file, policy, now)
        while isinstance(move.deed, AskProvider) and move.deed.provider not in view.effects:
            view = with_effect(view, move.file or file, move.deed.provider, self._tools, self._cluster)
            move = next_move(view, file, policy, now)
        return move
