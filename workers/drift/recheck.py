"""Cluster -> what a refusal rests on: at most two requests of this VM's own; what others look at, too, is shared."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Record
from reactor.model.intervention import CONFIG_MAP, cancelled, interventions
from reactor.model.node import node_view
from reactor.model.objects import Obj
from workers.decide.basis import rests_on_claims, rests_on_nodes
from workers.decide.observation import Observation, VmView, Volume
from workers.observe import annotations_of, vm_of
from workers.observe.cache import Surroundings, listed
from workers.observe.volumes import claims_of


def outage_of(cluster: Cluster, record: Record, around: Surroundings) -> Observation:
    """Whether the outage lasts and nobody cancelled the drift: all of it is shared. Raises ClusterError."""
    node = around.find(cluster, "nodes", record.drift.outage.node.name)
    asked = interventions(around.find(cluster, "configmaps", CONFIG_MAP, around.namespace))
    return Observation(node_view(node) if node else None, None, None, cancelled=cancelled(asked, record.drift))


def recheck(cluster: Cluster, record: Record, around: Surroundings) -> Observation:
    """What `workers.decide.basis` compares. Raises ClusterError."""
    vm = vm_of(cluster, record, _instance(cluster, record))
    return replace(
        outage_of(cluster, record, around),
        vm=vm,
        volumes=_volumes(cluster, record, vm, around) if vm and rests_on_claims(record.reason) else (),
        nodes=around.nodes(cluster) if rests_on_nodes(record.reason) else (),
        namespace=annotations_of(cluster, record, around),
    )


def _instance(cluster: Cluster, record: Record) -> Obj | None:
    """Only where no VM stands behind it."""
    ref = record.drift.vm
    return cluster.find("virtualmachineinstances", ref.name, ref.namespace) if ref.is_instance else None


def _volumes(cluster: Cluster, record: Record, vm: VmView, around: Surroundings) -> tuple[Volume, ...]:
    """Each claim with the PersistentVolume that it is bound to: one list for all VMs of the namespace."""
    space = record.drift.vm.namespace
    found = around.once(("claims", space), lambda: tuple(listed(cluster, "persistentvolumeclaims", namespace=space)))
    bound = {claim["metadata"]["name"]: _bound_to(claim) for claim in found}
    state = any(disk.kind == "persistentState" for disk in record.disks)
    named = claims_of(record.drift.vm.name, vm.template, found, state=state)
    names = dict.fromkeys([*named, *(disk.claim for disk in record.disks if disk.claim)])
    return tuple(Volume(name, "", claim=name, pv=bound.get(name, "")) for name in names)


def _bound_to(claim: Obj) -> str:
    bound = claim.get("status", {}).get("phase") == "Bound"
    return str(claim["spec"].get("volumeName", "")) if bound else ""
