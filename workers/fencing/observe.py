"""Cluster and records -> FenceView: what a fence pass has to know besides the node and what its providers say."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.fence_requests import fences
from reactor.model.fencing import Fencing, fencings
from reactor.model.identity import VmRef
from reactor.model.intervention import HOLD, TAINT, UNFENCE, Intervention, node_target
from reactor.model.objects import JsonObject, moment, text
from reactor.model.times import ahead
from reactor.model.witness import SUSPICION
from workers.context import Tools
from workers.decide.observation import Observation
from workers.decide.proof import proven
from workers.decide.quorum import returning, unsteady
from workers.fencing.decide.out_of_service import needed
from workers.fencing.decide.rate import ours
from workers.fencing.decide.unfence import is_lost
from workers.fencing.decide.view import FenceView, Leftover
from workers.fencing.decide.witnesses import heard
from workers.fencing.effect import effect
from workers.observe import manager
from workers.observe.all_nodes import with_unnoticed
from workers.observe.cache import Surroundings, listed
from workers.observe.launchers import UNREADABLE, Launcher, launcher, vm_of_launcher
from workers.observe.parse import pod_view

_LAUNCHER = "virt-launcher"
_FINISHED = frozenset({"Succeeded", "Failed"})


def look(view: FenceView, file: Fencing, tools: Tools, cluster: Cluster) -> FenceView:
    """`view` with drifts, people's interventions, and what this file calls for. Raises ClusterError, StoreError."""
    interventions = tools.around.interventions(cluster)
    view = replace(
        view,
        drifts=tuple(tools.store.records(file.outage.id)),
        holds=tuple(
            intervention.sentence
            for intervention in interventions
            if intervention.kind == HOLD and _of_node(intervention, file, cluster.time() or 0.0)
        ),
        although=_request(TAINT, interventions, file),
        unfence=_request(UNFENCE, interventions, file),
        date=cluster.time(),
        steady_since=tools.steady_since,
        clock_off=tools.clock_off,
    )
    if is_lost(view.node, file) and file.proof is None and view.drifts:
        view = with_cluster(view, tools, cluster, tools.around)
    if _taint_matters(view, file):
        view = _with_pods(view, file, tools, cluster)
    if view.node and view.node.tainted and not is_lost(view.node, file):
        view = replace(view, attachments=_attachments(file, cluster))
    return view


def _of_node(intervention: Intervention, file: Fencing, date: float) -> bool:
    """Of the whole node. A VM under a hold is not released; that says nothing against proof."""
    return intervention.target in {"all", node_target(file.node.name)} and not intervention.is_over(date)


def _request(kind: str, interventions: Iterable[Intervention], file: Fencing) -> str:
    target = node_target(file.node.name)
    matching = (
        intervention
        for intervention in interventions
        if (intervention.kind, intervention.target, intervention.outage) == (kind, target, file.outage.id)
    )
    return next((intervention.sentence for intervention in matching), "")


def with_cluster(view: FenceView, tools: Tools, cluster: Cluster, cache: Surroundings) -> FenceView:
    """`view` with what the cluster as a whole says against a fence.

    What we fenced ourselves counts as lost: a cascade ends by itself. Nodes that others proved dead are explained.
    """
    config_map, renewals = cache.fencings(cluster), cache.renewals(cluster)
    files = fencings(config_map)
    nodes = with_unnoticed(cache.nodes(cluster), renewals, files, cache)
    dead = proven(files, nodes) - ours(files)
    observation = Observation(None, None, None, nodes=nodes, renewals=renewals, proven=dead)
    known_manager, date, now = manager(cluster, tools.clock), cluster.time(), tools.clock()
    observation = replace(observation, manager=known_manager, date=date, server_ahead=ahead(date, now))
    first, policy = view.drifts[0], tools.policy
    if policy.fence_at == SUSPICION:
        view = replace(view, heard=heard(view.reports, first.drift.outage.node, nodes, now))
    disorder = unsteady(observation, first, policy, now) or returning(observation, first, policy, now)
    return replace(view, done=tuple(fences(config_map).values()), disorder=disorder)


def with_effect(view: FenceView, file: Fencing, provider: str, tools: Tools, cluster: Cluster) -> FenceView:
    """`view` with what a fence by this provider would do; all of it, and the cluster, read now."""
    shared = tools.around
    cache = Surroundings(tools.clock, namespace=shared.namespace, csi_addons=shared.csi_addons)
    view = with_cluster(view, tools, cluster, cache)
    fence_effect = effect(file, provider, tools, cluster, cache)
    return replace(view, effects={**view.effects, provider: fence_effect})


def _taint_matters(view: FenceView, file: Fencing) -> bool:
    if view.node is None or view.node.tainted:
        return view.node is not None
    return file.proof is not None and not file.proof.storage and bool(view.although or needed(view))


def _with_pods(view: FenceView, file: Fencing, tools: Tools, cluster: Cluster) -> FenceView:
    """`view` with what is on the node, and the clock by which Kubernetes evicts that."""
    evicting = manager(cluster, tools.clock)
    pods = _pods(file, {str(record.drift.vm) for record in view.drifts}, cluster)
    return replace(view, pods=pods, manager_ahead=evicting.ahead if evicting else None)


def _pods(file: Fencing, vms: Collection[str], cluster: Cluster) -> tuple[Leftover, ...]:
    """`vms`: the VMs that have a drift."""
    pods = listed(cluster, "pods", fields=f"spec.nodeName={file.node.name}")
    return tuple(_leftover(pod, vms, cluster) for pod in pods if text(pod, "status", "phase") not in _FINISHED)


def _leftover(pod: JsonObject, vms: Collection[str], cluster: Cluster) -> Leftover:
    view, bears_label = pod_view(pod), text(pod, "metadata", "labels", "kubevirt.io") == _LAUNCHER
    vm = _vm_of(launcher(pod), vms, cluster) if bears_label else ""
    name = f"{view.namespace}/{view.name}"
    return Leftover(name, view.created, vm, view.stays, view.tolerates, view.terminating)


def _vm_of(pod: Launcher, vms: Collection[str], cluster: Cluster) -> str:
    """The VM, "" where the pod is no VM's: anybody may make such a pod. One that cannot be read may be a VM's."""
    name = f"{pod.namespace}/{pod.vmi}"
    if name in vms:
        return name
    try:
        vm = vm_of_launcher(pod, cluster)
    except UNREADABLE:
        return str(pod)
    return str(vm) if isinstance(vm, VmRef) else ""


def _attachments(file: Fencing, cluster: Cluster) -> tuple[Leftover, ...]:
    attachments = listed(cluster, "volumeattachments")
    metas = (
        attachment["metadata"] for attachment in attachments if text(attachment, "spec", "nodeName") == file.node.name
    )
    return tuple(Leftover(meta["name"], moment(meta, "creationTimestamp") or 0.0) for meta in metas)
