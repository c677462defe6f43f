"""Cluster and records -> FenceView: what a fence pass has to know besides the node and what its providers say."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.fence_requests import fences
from reactor.model.fencing import Fencing, ReleaseWay, fencings
from reactor.model.identity import VmRef
from reactor.model.intervention import HOLD, TAINT, UNFENCE, Intervention, node_target
from reactor.model.objects import JsonObject, moment, text
from workers.context import Tools
from workers.decide.observation import Observation
from workers.decide.proof import proven
from workers.decide.quorum import returning, unsteady
from workers.fencing.decide.rate import ours
from workers.fencing.decide.unfence import is_lost
from workers.fencing.decide.view import FenceView, Leftover
from workers.fencing.effect import effect
from workers.observe import manager
from workers.observe.cache import Surroundings, listed
from workers.observe.launchers import UNREADABLE, Launcher, launcher, whose
from workers.observe.parse import pod_view

_LAUNCHER = "virt-launcher"
_FINISHED = frozenset({"Succeeded", "Failed"})


def look(seen: FenceView, file: Fencing, tools: Tools, cluster: Cluster) -> FenceView:
    """`seen` with drifts, people's wishes, and what this file makes worth reading. Raises ClusterError, StoreError."""
    asked = tools.around.interventions(cluster)
    seen = replace(
        seen,
        drifts=tuple(tools.store.records(file.outage.id)),
        holds=tuple(one.sentence for one in asked if one.kind == HOLD and _of_node(one, file, cluster.time() or 0.0)),
        although=_wish(TAINT, asked, file),
        unfence=_wish(UNFENCE, asked, file),
        date=cluster.time(),
        steady_since=tools.steady_since,
        clock_off=tools.clock_off,
    )
    if is_lost(seen.node, file) and file.proof is None and seen.drifts:
        seen = with_cluster(seen, tools, cluster, tools.around)
    if _taint_matters(seen, file, tools):
        seen = replace(seen, pods=_pods(file, {str(record.drift.vm) for record in seen.drifts}, cluster))
    if seen.node and seen.node.tainted and not is_lost(seen.node, file):
        seen = replace(seen, attachments=_attachments(file, cluster))
    return seen


def _of_node(one: Intervention, file: Fencing, date: float) -> bool:
    """Of the whole node. A VM that is held is not released; that says nothing against proof."""
    return one.target in {"all", node_target(file.node.name)} and not one.is_over(date)


def _wish(kind: str, asked: Iterable[Intervention], file: Fencing) -> str:
    target = node_target(file.node.name)
    found = (one for one in asked if (one.kind, one.target, one.outage) == (kind, target, file.outage.id))
    return next((one.sentence for one in found), "")


def with_cluster(seen: FenceView, tools: Tools, cluster: Cluster, around: Surroundings) -> FenceView:
    """`seen` with what the cluster as a whole says against a fence.

    What we fenced ourselves counts as lost: a cascade ends by itself. Who was proven dead by others is no riddle.
    """
    kept, nodes = around.fencings(cluster), around.nodes(cluster)
    dead = proven(fencings(kept), nodes) - ours(fencings(kept))
    whole = Observation(None, None, None, nodes=nodes, renewals=around.renewals(cluster), proven=dead)
    whole = replace(whole, manager=manager(cluster, tools.clock), date=cluster.time())
    first, policy = seen.drifts[0], tools.policy
    disorder = unsteady(whole, first, policy) or returning(whole, first, policy, tools.clock())
    return replace(seen, done=tuple(fences(kept).values()), disorder=disorder)


def with_effect(seen: FenceView, file: Fencing, provider: str, tools: Tools, cluster: Cluster) -> FenceView:
    """`seen` with what a fence by this provider would do; all of it, and the cluster, read at this moment."""
    kept = tools.around
    around = Surroundings(tools.clock, namespace=kept.namespace, csi_addons=kept.csi_addons)
    seen = with_cluster(seen, tools, cluster, around)
    found = effect(file, provider, tools, cluster, around)
    return replace(seen, effects={**seen.effects, provider: found})


def _taint_matters(seen: FenceView, file: Fencing, tools: Tools) -> bool:
    if seen.node is None or seen.node.tainted:
        return seen.node is not None
    wanted = tools.policy.fenced_release == ReleaseWay.TAINT or seen.although
    return bool(wanted and file.proof and (file.release is None or file.release.way is not ReleaseWay.TAINT))


def _pods(file: Fencing, known: Collection[str], cluster: Cluster) -> tuple[Leftover, ...]:
    """`known`: the VMs that have a drift."""
    found = listed(cluster, "pods", fields=f"spec.nodeName={file.node.name}")
    return tuple(_left(pod, known, cluster) for pod in found if text(pod, "status", "phase") not in _FINISHED)


def _left(pod: JsonObject, known: Collection[str], cluster: Cluster) -> Leftover:
    view, bears_label = pod_view(pod), text(pod, "metadata", "labels", "kubevirt.io") == _LAUNCHER
    vm = _whose(launcher(pod), known, cluster) if bears_label else ""
    return Leftover(f"{view.namespace}/{view.name}", view.created, vm, view.stays)


def _whose(one: Launcher, known: Collection[str], cluster: Cluster) -> str:
    """The VM, "" where the pod is no VM's: anybody may make one that looks so. Who cannot be read may be somebody's."""
    named = f"{one.namespace}/{one.vmi}"
    if named in known:
        return named
    try:
        vm = whose(one, cluster)
    except UNREADABLE:
        return str(one)
    return str(vm) if isinstance(vm, VmRef) else ""


def _attachments(file: Fencing, cluster: Cluster) -> tuple[Leftover, ...]:
    found = listed(cluster, "volumeattachments")
    mine = (one["metadata"] for one in found if text(one, "spec", "nodeName") == file.node.name)
    return tuple(Leftover(meta["name"], moment(meta, "creationTimestamp") or 0.0) for meta in mine)
