"""Do what was decided about a lost node: ask a provider, set or remove the taint, take back what fenced it.

Each after a fresh read of the node; what was changed meanwhile is judged again at the next pass.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from traceback import extract_tb

import structlog

from reactor.adapters.cloudevents import encode
from reactor.model.change import Change
from reactor.model.errors import ClusterError, ClusterUnreachable, FenceError, NoAnswer, SettingsError, VmDriftError
from reactor.model.fence_requests import fences
from reactor.model.fencing import Fencing, State, Target, some
from reactor.model.intervention import ALL, HOLD, cancelled, node_target, vm_target
from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, TAINT_ANNOTATION, NodeView, node_view
from reactor.model.objects import parts, text
from workers.context import FenceTools
from workers.delivery.events import fence_asked
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.asking import failed, ordered
from workers.fencing.decide.boot_file import target
from workers.fencing.decide.effect import never
from workers.fencing.decide.marks import NO_SCHEDULE
from workers.fencing.decide.rate import counted, too_soon
from workers.fencing.decide.unfence import is_lost
from workers.fencing.decide.view import AskProvider, Deed, RemoveTaint, SetTaint, Unfence
from workers.fencing.files import FenceFiles, about
from workers.observe import lease

log = structlog.get_logger()


class FenceActions:
    """Those of one pass. A provider's error is written into the file; ClusterError and StoreError are raised."""

    def __init__(self, fence: FenceTools, files: FenceFiles) -> None:
        self._tools, self._cluster, self._providers, self._files = fence.tools, fence.cluster, fence.providers, files

    def do(self, deed: Deed, file: Fencing) -> None:
        """One of them, for the boot that the file is about."""
        obj = self._cluster.find("nodes", file.node.name)
        node = node_view(obj) if obj else None
        match deed:
            case AskProvider():
                if node and not never(node, self._tools.policy) and self._unchanged(file, node):
                    self._ask(deed.provider, file, node)
            case SetTaint():
                if obj and self._may_taint(deed.effect, file, node):
                    self._cluster.change("nodes", obj, with_taint(obj, Target(file.outage, file.boot), deed.effect))
            case RemoveTaint():
                if obj and node and node.tainted:
                    log.log(30 if deed.warning else 20, "taint removed", sentence=file.sentence, **about(file))
                    self._cluster.change("nodes", obj, _without_taint(obj, deed.effect))
            case Unfence():
                self._unfence(deed.providers, file, node)

    def _may_taint(self, effect: str, file: Fencing, node: NodeView | None) -> bool:
        """NoExecute would remove each VM there: that of a drift that was cancelled, or is held. NoSchedule does not."""
        if effect == NO_SCHEDULE:
            return self._silent(file, node) and not self._on_hold(file, ())
        return self._unchanged(file, node) and not self._cancelled(file)

    def _unchanged(self, file: Fencing, node: NodeView | None) -> bool:
        """As it was judged, and nobody set a hold meanwhile on the node, or on any VM of it."""
        vms = [vm_target(record.drift.vm) for record in self._tools.store.records(file.outage.id)]
        vms += [f"vm/{name}" for name in (*file.releases, *(vm for vm, _ in file.bystanders))]
        return self._silent(file, node) and not self._on_hold(file, vms)

    def _silent(self, file: Fencing, node: NodeView | None) -> bool:
        renewed = lease(self._cluster, file.outage)
        same = node is not None and node.heartbeat == file.heartbeat and is_lost(node.with_lease(renewed), file)
        return same and renewed == file.lease

    def _on_hold(self, file: Fencing, vms: Iterable[str]) -> bool:
        """Did somebody set a hold meanwhile on everything, on the node, or on one of these?"""
        now, interventions = self._cluster.time() or 0.0, self._tools.around.interventions(self._cluster)
        targets = {ALL, node_target(file.node.name), *vms}
        return any(
            intervention.kind == HOLD and intervention.target in targets and not intervention.is_over(now)
            for intervention in interventions
        )

    def _cancelled(self, file: Fencing) -> bool:
        """A VM whose drift was cancelled stays where it is: the taint would remove it."""
        interventions = self._tools.around.interventions(self._cluster)
        return any(cancelled(interventions, record.drift) for record in self._tools.store.records(file.outage.id))

    def _ask(self, name: str, file: Fencing, node: NodeView) -> None:
        """It counts before it is done. Raises Conflict where another one was counted meanwhile: both are judged again.

        Any error marks the provider as failed, except no answer: what that call did is not known, and that is noted.
        """
        config_map, now, policy = self._files.config_map(), self._tools.clock(), self._tools.policy
        if (
            config_map is None
            or name not in providers(node, policy)
            or too_soon(fences(config_map).values(), file, policy, now)
        ):
            return
        if new := counted(fences(config_map), file, policy, now):
            self._announce(name, file)
            self._cluster.change("configmaps", dict(config_map), {"data": new})
        self._files.write(file, file, self._after_order(name, file, node, now))

    def _after_order(self, name: str, file: Fencing, node: NodeView, now: float) -> Fencing:
        """Give the order; the file with what is known of it."""
        try:
            self._providers(name).fence(target(file, node, file.lease))
        except (ClusterUnreachable, NoAnswer) as error:
            log.warning("no answer to the fence", sentence=str(error), **about(file), reason="fencing", provider=name)
            return ordered(file, name, str(error), now)
        except Exception as error:  # noqa: BLE001 - the next provider is asked, whatever it is
            return failed(file, name, trouble(name, error), now)
        return ordered(file, name, "", now)

    def _announce(self, provider: str, file: Fencing) -> None:
        """As an event, and as a change of each VM that is stopped for its neighbours' sake."""
        now, store, reasons = self._tools.clock(), self._tools.store, dict(file.bystanders)
        sentence = (
            f"{provider} is asked to fence its node, for {some(file.releases)}. This VM is stopped, and not moved"
        )
        stopped = [record for record in store.records(file.outage.id) if str(record.drift.vm) in reasons]
        changes = [
            Change(record.drift, record.phase, "bystander", f"{sentence}: {reasons[str(record.drift.vm)]}.", now)
            for record in stopped
        ]
        store.publish([encode(fence_asked(file, provider, self._tools.source, now))], changes)

    def _unfence(self, names: Iterable[str], file: Fencing, node: NodeView | None) -> None:
        released = [name for name in names if self._released(name, file, node)]
        attempts = tuple(attempt for attempt in file.attempts if attempt.provider not in released)
        if attempts != file.attempts:
            self._files.write(file, file, replace(file, attempts=attempts))

    def _released(self, name: str, file: Fencing, node: NodeView | None) -> bool:
        try:
            return self._providers(name).release(target(file, node, "")).state is State.ABSENT
        except Exception as error:  # noqa: BLE001 - one that cannot take back keeps no other from it
            facts = {"reason": "unfencing", "provider": name}
            log.warning("unfencing failed", sentence=trouble(name, error), **about(file), **facts)
            return False


def trouble(name: str, error: Exception) -> str:
    """As a sentence. An unforeseen error is a bug, and its place is named. Raises what is not the provider's."""
    if isinstance(error, ClusterError | FenceError | SettingsError):
        return str(error)
    if isinstance(error, VmDriftError):  # Redis is away, or this worker is asked to stop
        raise error
    at = extract_tb(error.__traceback__)[-1]
    return f"{name} has a bug: {type(error).__name__} {str(error)[:200]} in {at.name}, line {at.lineno}."


def with_taint(node: Mapping[str, object], target: Target, effect: str) -> dict[str, object]:
    """Kubernetes' taint for a node that is off, and in the same request what it was set for."""
    others = [taint for taint in _taints(node) if text(taint, "key") != OUT_OF_SERVICE]
    taints = [*others, {"key": OUT_OF_SERVICE, "value": OUT_OF_SERVICE_VALUE, "effect": effect}]
    marks = json.dumps(target.marks)
    return {"metadata": {"annotations": {TAINT_ANNOTATION: marks}}, "spec": {"taints": taints}}


def _without_taint(node: Mapping[str, object], effect: str) -> dict[str, object]:
    """`effect`: the one that goes; "": any."""
    taints = [taint for taint in _taints(node) if not _is_out_of_service(taint, effect)]
    return {"metadata": {"annotations": {TAINT_ANNOTATION: None}}, "spec": {"taints": taints or None}}


def _is_out_of_service(taint: Mapping[str, object], effect: str) -> bool:
    return text(taint, "key") == OUT_OF_SERVICE and effect in {"", text(taint, "effect")}


def _taints(node: Mapping[str, object]) -> list[dict[str, object]]:
    return [dict(taint) for taint in parts(node, "spec", "taints")]
