"""Cluster -> what a refusal rests on: at most two requests for this VM alone; the rest is shared with other passes."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Record
from reactor.model.intervention import CONFIG_MAP, cancelled, interventions
from reactor.model.node import node_view
from reactor.model.objects import Obj
from workers.decide.basis import rests_on_claims, rests_on_nodes
from workers.decide.observation import Observation, VmView, Volume
from workers.observe import annotations_of, lease, vm_of, with_lease
from workers.observe.cache import Surroundings, listed
from workers.observe.volumes import claims_of


def outage_of(cluster: Cluster, record: Record, cache: Surroundings) -> Observation:
    """Whether the outage lasts and nobody cancelled the drift: all of it is shared. Raises ClusterError."""
    outage = record.drift.outage
    obj = cache.find(cluster, "nodes", outage.node.name)
    node = with_lease(node_view(obj), outage, lambda: lease(cluster, outage)) if obj else None
    requests = interventions(cache.find(cluster, "configmaps", CONFIG_MAP, cache.namespace))
    return Observation(node, None, None, cancelled=cancelled(requests, record.drift))


def recheck(cluster: Cluster, record: Record, cache: Surroundings) -> Observation:
    """What `workers.decide.basis` compares. Raises ClusterError."""
    vm = vm_of(cluster, record, _instance(cluster, record))
    return replace(
        outage_of(cluster, record, cache),
        vm=vm,
        volumes=_volumes(cluster, record, vm, cache) if vm and rests_on_claims(record.reason) else (),
        nodes=cache.nodes(cluster) if rests_on_nodes(record.reason) else (),
        namespace=annotations_of(cluster, record, cache),
    )


def _instance(cluster: Cluster, record: Record) -> Obj | None:
    """Only where no VM stands behind it."""
    ref = record.drift.vm
    return cluster.find("virtualmachineinstances", ref.name, ref.namespace) if ref.is_instance else None


def _volumes(cluster: Cluster, record: Record, vm: VmView, cache: Surroundings) -> tuple[Volume, ...]:
    """Each claim with the PersistentVolume that it is bound to: one list for all VMs of the namespace."""
    namespace = record.drift.vm.namespace
    claims = cache.once(
        ("claims", namespace), lambda: tuple(listed(cluster, "persistentvolumeclaims", namespace=namespace))
    )
    bound = {claim["metadata"]["name"]: _bound_to(claim) for claim in claims}
    state = any(disk.kind == "persistentState" for disk in record.disks)
    claim_names = claims_of(record.drift.vm.name, vm.template, claims, state=state)
    names = dict.fromkeys([*claim_names, *(disk.claim for disk in record.disks if disk.claim)])
    return tuple(Volume(name, "", claim=name, pv=bound.get(name, "")) for name in names)


def _bound_to(claim: Obj) -> str:
    bound = claim.get("status", {}).get("phase") == "Bound"
    return str(claim["spec"].get("volumeName", "")) if bound else ""
