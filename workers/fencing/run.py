"""One pass over the fencing of one lost node: look, decide, write down, do one thing; until nothing is to be done now.

As in a drift, every pass starts from what is there now. What is known stands in a ConfigMap, and what was asked for on
the objects that were changed; Redis holds a copy for people. Whatever is about to be done is written down before.
"""

from contextlib import suppress
from dataclasses import replace

import structlog

from reactor import timing
from reactor.adapters.rq import drift_entry, fence_entry
from reactor.model.drift import Again, Ended, Outcome
from reactor.model.errors import ClusterUnreachable, FenceError, StoreError
from reactor.model.fencing import LASTING, Fencing, ProviderStatus, State, Target
from reactor.model.identity import Outage
from reactor.model.machine_uuid import same, twins
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject, number
from workers.context import FenceTools
from workers.fencing.act import FenceDeeds, trouble
from workers.fencing.decide import next_move
from workers.fencing.decide.allowed import providers, unusable
from workers.fencing.decide.boot_file import boot_file, target
from workers.fencing.decide.view import AskProvider, FenceDecision, FenceView
from workers.fencing.files import FenceFiles, about
from workers.fencing.observe import look, with_effect
from workers.observe.cache import NODE_LEASES, renewed
from workers.pass_time import locked

__all__ = ["FenceTools", "look_after", "run_fence"]

log = structlog.get_logger()

_LOCK = timing.FENCING_LOCK
_LOCKED_RETRY = 2.0  # seconds
_MOVES = 8  # in one pass


def run_fence(outage: Outage, fence: FenceTools) -> Outcome:
    """One pass. Raises ClusterError, StoreError: nothing is known then, and it is done again."""
    lock, tools = locked(fence.tools, f"fence:{outage.node.uid}", _LOCK)
    if lock is None:
        return Again(tools.clock() + _LOCKED_RETRY, "locked", "Another worker looks at this node right now.")
    try:
        return _Pass(outage, replace(fence, tools=tools)).run()
    finally:
        with suppress(StoreError):  # it expires by itself
            tools.store.release(lock)


def look_after(fence: FenceTools) -> int:
    """Wake the job of every boot on which there is a file, whatever became of it; how many.

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
        self._deeds = FenceDeeds(fence, self._files)

    def run(self) -> Outcome:
        """Move after move, until nothing is to be done now."""
        name = self._outage.node.name
        outcome: Outcome = Ended("nothing", "not-fenced-here", f"{name} is not lost, or nobody may fence it.")
        for _ in range(_MOVES):
            node, kept = self._node(), self._files.read(name)
            stands, file = boot_file(self._outage, node, kept.values(), self._tools.policy, self._tools.clock())
            if file is None:
                return outcome
            if stands is None and node:
                self._warn(node, file)
            outcome = self._made(self._move(file, node), file, stands)
            if isinstance(outcome, Ended) or outcome.at > self._tools.clock():
                return outcome
        return outcome

    def _made(self, move: FenceDecision, file: Fencing, stands: Fencing | None) -> Outcome:
        """Written down first, then done."""
        self._files.write(file, stands, move.file)
        for record in move.wake:
            self._tools.queue.wake(drift_entry(record.drift), self._tools.clock())
        if move.file is None:
            return Ended("closed", "fencing-over", f"Nothing of a fence is left on {file.node.name}.")
        if move.deed:
            self._deeds.do(move.deed, move.file)
        return Again(move.again_at, move.file.reason, move.file.sentence)

    def _node(self) -> NodeView | None:
        found = self._cluster.find("nodes", self._outage.node.name)
        return node_view(found) if found else None

    def _warn(self, node: NodeView, file: Fencing) -> None:
        """Once for each boot that is lost; it also stands with what is reported of its fencing."""
        odd, fix = unusable(node, self._tools.policy)
        if odd:
            log.warning("annotation unusable", sentence=odd, **about(file), reason="annotation-unusable", fix=fix)

    def _move(self, file: Fencing, node: NodeView | None) -> FenceDecision:
        kubelet = self._cluster.find("leases", file.node.name, NODE_LEASES)
        file = self._with_twins(file, node)
        view = self._view(file, node, kubelet)
        return self._judged(look(view, file, self._tools, self._cluster), file)

    def _with_twins(self, file: Fencing, node: NodeView | None) -> Fencing:
        """With who says the same of their machine; looked at only where a provider goes by that.

        Kubelets write that themselves: one that says something else by now may have been right before.
        """
        if node is None or not node.machine or "redfish" not in providers(node, self._tools.policy):
            return file
        others = self._tools.around.nodes(self._cluster)
        names = [one.name for one in others if one.name != node.name and same(one.machine, node.machine)]
        return replace(file, twins=tuple(dict.fromkeys([*file.twins, *names])))

    def _view(self, file: Fencing, node: NodeView | None, kubelet: JsonObject | None) -> FenceView:
        """The node, its Lease, and what its providers say, with those who were asked and may not prove it any more."""
        policy, lease = self._tools.policy, renewed(kubelet)
        allowed = providers(node, policy) if node else policy.fencing
        asked = dict.fromkeys(attempt.provider for attempt in file.attempts if attempt.provider not in allowed)
        meant = target(file, node, lease)
        standings = {name: self._standing(name, meant, file) for name in (*allowed, *asked)}
        left = {name: standings.pop(name) for name in asked}
        lasts, beat = number(kubelet, "spec", "leaseDurationSeconds") or 0.0, self._beat_since(file, node)
        return FenceView(node, lease, standings, left=left, lease_lasts=lasts, beat_since=beat)

    def _beat_since(self, file: Fencing, node: NodeView | None) -> float:
        """When a watcher saw the node's present heartbeat first; asked for at the first look only. StoreError."""
        if node is None or not node.heartbeat or file.lease or file.heartbeat:
            return 0.0
        watched = self._tools.store.heartbeat(file.outage.id)
        return watched.at if watched and watched.value == node.heartbeat else 0.0

    def _judged(self, seen: FenceView, file: Fencing) -> FenceDecision:
        """Nobody is asked to fence before it was looked at what that would do to each VM of the node."""
        now, policy = self._tools.clock(), self._tools.policy
        move = next_move(seen, file, policy, now)
        while isinstance(move.deed, AskProvider) and move.deed.provider not in seen.effects:
            seen = with_effect(seen, move.file or file, move.deed.provider, self._tools, self._cluster)
            move = next_move(seen, file, policy, now)
        return move

    def _standing(self, name: str, meant: Target, file: Fencing) -> ProviderStatus:
        """Who was asked and cannot tell now may have made something that has to be taken back."""
        asked = name in {attempt.provider for attempt in file.attempts}
        try:
            return self._providers(name).status(meant)
        except (FenceError, ClusterUnreachable) as error:
            return ProviderStatus(State.ABSENT, str(error), ours=asked and name in LASTING)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this provider's trouble alone
            return ProviderStatus(State.FAILED, trouble(name, error), ours=asked and name in LASTING)
