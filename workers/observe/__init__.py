"""Cluster -> Observation: the live objects of one VM, read once for one pass.

Every object of the VM is read by name, or by a label that only this VM's pods carry, so that part of a pass costs
the same in a cluster of any size; what is the same for all VMs is in `workers.observe.cache`. VolumeAttachments cannot
be selected by node or volume, but their names are deterministic.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Phase, Policy, Record
from reactor.model.fencing import Fencing, fencing_of, fencings
from reactor.model.identity import Outage
from reactor.model.intervention import active_holds, cancelled
from reactor.model.lease import NODE_LEASES
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from reactor.model.objects import Obj, moment, number, part, parts, text, without_nulls
from reactor.model.times import Clock
from workers.decide import lost_launchers, replacement
from workers.decide.decision import Passed
from workers.decide.launcher import ahead, evicted_at
from workers.decide.node import is_back, still_lost, window, with_notice
from workers.decide.observation import (
    Attachment,
    Manager,
    Observation,
    PodView,
    VmiView,
    VmView,
    Volume,
)
from workers.decide.placement.candidates import placement_needs
from workers.decide.proof import confirmed, proven
from workers.fencing.decide.allowed import providers
from workers.observe.all_nodes import with_unnoticed
from workers.observe.cache import MOMENT, Surroundings, listed, renewed
from workers.observe.others import expansion, neighbours, owned, witness
from workers.observe.parse import attachment_view, claims_of, pod_view, vm_view, vmi_view
from workers.observe.volumes import Disks, claim_of

_TERMINAL = frozenset({"Succeeded", "Failed"})
_SKEW = 10.0  # seconds; a controller manager whose Lease is further off than this is not trusted at all
_STALE = 3.0  # seconds: a Lease is renewed every 2 s, and Date has whole seconds
_SLOW = 3  # passes over a VM that still does not run, after which Kubernetes' events are read


def observe(  # noqa: PLR0913 - the last one is optional
    cluster: Cluster, record: Record, policy: Policy, now: float, cache: Surroundings, *, instance: Obj | None = None
) -> Observation:
    """Raises ClusterError: what could not be read is not known, and nothing is decided on it.

    `instance`: the VM's, where it has just been read.
    """
    interventions = cache.asked(cluster, record.drift)
    node = _lost_node(cluster, record, policy, cache)
    record = with_notice(record, node, now)
    observation = Observation(node, None, None, holds=active_holds(interventions, record.drift, cluster.time() or 0.0))
    observation = replace(observation, cancelled=cancelled(interventions, record.drift))
    if observation.cancelled:
        return observation
    config_map = _fencing_config_map(cluster, observation.node, policy, cache)
    observation = replace(observation, fencing=_fencing(config_map, observation.node, record, policy))
    if _may_be_held(record):  # both windows are counted by its clock
        observation = replace(observation, manager=known_manager(cluster, cache))
    if record.released_at is None and not _due(observation, record, policy, now):
        return observation
    vmi = instance or cluster.find("virtualmachineinstances", record.drift.vm.name, record.drift.vm.namespace)
    renew_time = _lease(cluster, record.drift.outage, cache) if _may_be_held(record) else None
    observation = replace(observation, vmi=_instance(vmi, record), lease=renew_time)
    observation = replace(observation, launchers=_launchers(cluster, record, observation))
    if (due := _evicted_at(observation, record, now)) is not None:
        return replace(observation, evicted_at=due)
    observation = replace(observation, vm=_runs_again(observation.vmi, record) or vm_of(cluster, record, vmi))
    if observation.vm is None or (record.released_at is None and is_back(observation.node, record.drift.outage)):
        return observation
    observation = replace(observation, namespace=annotations_of(cluster, record, cache))
    if lost_launchers(observation, record):
        observation, files = _before_release(cluster, observation, record, cache), fencings(config_map)
        nodes = with_unnoticed(observation.nodes, observation.renewals, files, cache)
        return replace(observation, nodes=nodes, proven=proven(files, nodes))
    return _after_release(cluster, observation, record, cache)


def _may_be_held(record: Record) -> bool:
    """Can the lost node still keep the VM down: by its launcher, or by a volume?"""
    nothing_to_hold = bool(record.disks) and not any(disk.driver for disk in record.disks)
    return record.released_at is None or (record.detached_at is None and not nothing_to_hold)


def with_current_nodes(
    cluster: Cluster, observation: Observation, record: Record, policy: Policy, cache: Surroundings
) -> Observation:
    """With all Nodes and Leases as they have to be known before a deletion; itself where it has these. ClusterError."""
    nodes, renewals = cache.current(cluster, record.drift.outage)
    files = fencings(_fencing_config_map(cluster, observation.node, policy, cache))
    nodes = with_unnoticed(nodes, renewals, files, cache)
    if nodes is observation.nodes and renewals is observation.renewals:
        return observation
    return replace(observation, nodes=nodes, renewals=renewals, proven=proven(files, nodes))


def observe_briefly(cluster: Cluster, record: Record, policy: Policy, cache: Surroundings) -> Observation:
    """What can end the six minutes early: the VM, and what is shared for a while: the node, the VM's namespace."""
    ref = record.drift.vm
    vm = None if ref.is_instance else cluster.find("virtualmachines", ref.name, ref.namespace)
    observation = Observation(_lost_node(cluster, record, policy, cache), vm_view(vm) if vm else None, None)
    config_map = _fencing_config_map(cluster, observation.node, policy, cache)
    observation = replace(observation, fencing=_fencing(config_map, observation.node, record, policy))
    observation = replace(observation, cancelled=cancelled(cache.asked(cluster, record.drift), record.drift))
    return replace(observation, namespace=annotations_of(cluster, record, cache))


def _fencing_config_map(cluster: Cluster, node: NodeView | None, policy: Policy, cache: Surroundings) -> Obj | None:
    """What is known of nodes' fencing; not read where no provider may prove this one dead."""
    return cache.fencings(cluster) if node and providers(node, policy) else None


def _fencing(config_map: Obj | None, node: NodeView | None, record: Record, policy: Policy) -> Fencing | None:
    """What is known of the boot that is lost. A proof counts only from a provider that setting and Node name now."""
    file = file_of(config_map, node, record)
    if file and node and file.proof and file.proof.provider not in providers(node, policy):
        return replace(file, void=f"{file.proof.provider} is not named for this node any more")
    return file


def file_of(config_map: Obj | None, node: NodeView | None, record: Record) -> Fencing | None:
    """Of the boot that the node shows; of the drift's outage it knows what the drift knows."""
    outage = record.drift.outage
    file = fencing_of(config_map, outage.node.name, node.boot if node else "")
    return replace(file, outage=outage) if file and file.outage == outage else file


def annotations_of(cluster: Cluster, record: Record, cache: Surroundings) -> Mapping[str, str]:
    """Of the VM's namespace."""
    return part(cache.find(cluster, "namespaces", record.drift.vm.namespace), "metadata", "annotations")


def _lost_node(cluster: Cluster, record: Record, policy: Policy, cache: Surroundings) -> NodeView | None:
    """As it was a moment ago only where it cannot be proven dead: a proof should not wait for that.

    Once the VM is released, as it was within seconds, also in the watchers' summary: before anything more is deleted it
    is read again (workers.drift.act).
    """
    outage, name = record.drift.outage, record.drift.outage.node.name
    if record.released_at is not None and not policy.fencing:
        node = cache.node(cluster, name)
    else:
        node = cache.lost(cluster, name, 0.0 if policy.fencing else MOMENT)
    return with_lease(node, outage, lambda: _lease(cluster, outage, cache)) if node else None


def _lease(cluster: Cluster, outage: Outage, cache: Surroundings) -> str:
    return renewed(cache.find(cluster, "leases", outage.node.name, NODE_LEASES, MOMENT))


def lost_node(cluster: Cluster, record: Record) -> NodeView | None:
    """The lost node as it is now."""
    outage = record.drift.outage
    node = cluster.find("nodes", outage.node.name)
    return with_lease(node_view(node), outage, lambda: lease(cluster, outage)) if node else None


def with_lease(node: NodeView, outage: Outage, read: Callable[[], str]) -> NodeView:
    """With its Lease, where the Node alone does not show whether it is in this outage."""
    return node.with_lease(read()) if node.may_be_in(outage) and not node.is_in(outage) else node


def lease(cluster: Cluster, outage: Outage) -> str:
    """The last sign of life of the lost node's kubelet: its Lease's renewTime."""
    return renewed(cluster.find("leases", outage.node.name, NODE_LEASES))


def known_manager(cluster: Cluster, cache: Surroundings) -> Manager | None:
    """The controller manager as of at most five seconds ago, and since the clock that it is compared with stepped."""
    return cache.once(("manager", cache.steady_since), lambda: manager(cluster, cache.clock))


def manager(cluster: Cluster, clock: Clock) -> Manager | None:
    """The controller manager by its Lease; None in a cluster that shows none."""
    requested_at = clock()
    manager_lease = cluster.find("leases", "kube-controller-manager", "kube-system")
    answered_at, server_time = clock(), cluster.time()
    at = moment(manager_lease, "spec", "renewTime")
    if at is None:
        return None
    ahead = _ahead(at, server_time, requested_at, answered_at) if server_time else None
    return Manager(at, moment(manager_lease, "spec", "acquireTime") or 0.0, ahead)


def _ahead(renewed_at: float, server_time: float, requested_at: float, answered_at: float) -> float | None:
    """How far the controller manager's clock is ahead of ours, by way of the API server's; small values are noise."""
    skew = renewed_at - server_time
    if abs(skew) > _SKEW:
        return None
    served = 0.0 if requested_at - 2.0 <= server_time <= answered_at + 1.0 else server_time - answered_at
    return served + (0.0 if abs(skew) <= _STALE else skew)


def _due(observation: Observation, record: Record, policy: Policy, now: float) -> bool:
    """Is more to be read than the node? Of a deleted node it is whether Kubernetes has removed its pods.

    Of one that is back it is whether the VM runs again.
    """
    if observation.node is None or is_back(observation.node, record.drift.outage):
        return True
    lost = isinstance(still_lost(observation.node, record.drift.outage), Passed)
    dead = confirmed(observation.fencing, observation.node) is not None
    return lost and (dead or isinstance(window(record, observation.manager, policy, now), Passed))


def _evicted_at(observation: Observation, record: Record, now: float) -> float | None:
    if record.released_at is not None or observation.node is None or confirmed(observation.fencing, observation.node):
        return None
    if is_back(observation.node, record.drift.outage):
        return None
    return evicted_at(lost_launchers(observation, record), observation.node, now, ahead(observation.manager))


def _instance(vmi: Obj | None, record: Record) -> VmiView | None:
    ref, view = record.drift.vm, vmi_view(vmi) if vmi else None
    return None if view and ref.is_instance and view.uid != ref.uid else view


def vm_of(cluster: Cluster, record: Record, vmi: Obj | None) -> VmView | None:
    """The drift's VM; `vmi`: the instance of its name, where no VM stands behind it."""
    ref = record.drift.vm
    if ref.is_instance:
        return _as_vm(cluster, record, vmi)
    vm = cluster.find("virtualmachines", ref.name, ref.namespace)
    return vm_view(vm) if vm else None


def _runs_again(vmi: VmiView | None, record: Record) -> VmView | None:
    """The VM of a new instance that it owns, and that runs: there is one, and nothing of it is about to be decided.

    Only where no volume can be held by the lost node; else the VM's annotations count, and are read.
    """
    freed = record.detached_at is not None or not (vmi and any(claim_of(volume) for volume in vmi.volumes))
    if vmi is None or not freed or record.released_at is None or vmi.phase != "Running" or vmi.deleting:
        return None
    new = vmi.uid != record.vmi_uid and vmi.owner == record.drift.vm.uid
    return VmView(vmi.owner, "", deleting=False, template=vmi.spec, labels=vmi.labels) if new else None


def _as_vm(cluster: Cluster, record: Record, vmi: Obj | None) -> VmView | None:
    """An instance without a VM, shown as one. Once it is gone, only its ReplicaSet is left to look at."""
    ref = record.drift.vm
    if vmi and vmi["metadata"]["uid"] == ref.uid:
        meta = vmi["metadata"]
        if any(owner["kind"] == "VirtualMachine" for owner in meta.get("ownerReferences") or ()):
            return None  # a VM has adopted it since, and has a drift of its own
        # KubeVirt deletes the instance whose launcher is gone; that is part of the drift, and not somebody's request.
        annotations, template = part(meta, "annotations"), without_nulls(part(vmi, "spec"))
        labels = vmi_view(vmi).labels
        return VmView(ref.uid, "", deleting=False, template=template, annotations=annotations, labels=labels)
    owner = cluster.find("virtualmachineinstancereplicasets", ref.owner, ref.namespace) if ref.owner else None
    if owner is None:
        return None
    template, wanted = without_nulls(part(owner, "spec", "template", "spec")), number(owner, "spec", "replicas")
    replicas = 1 if wanted is None else int(wanted), int(number(owner, "status", "readyReplicas") or 0)
    return VmView(ref.uid, "", deleting=False, template=template, replicas=replicas)


def _launchers(cluster: Cluster, record: Record, observation: Observation) -> tuple[PodView, ...]:
    uids = sorted({record.vmi_uid, observation.vmi.uid if observation.vmi else ""} - {""})
    if not uids:
        return ()
    namespace, labels = (
        record.drift.vm.namespace,
        f"kubevirt.io=virt-launcher,kubevirt.io/created-by in ({','.join(uids)})",
    )
    launchers = [pod_view(pod) for pod in listed(cluster, "pods", namespace=namespace, labels=labels)]
    pod_names = filter(is_name, observation.vmi.attachment_pods if observation.vmi else ())
    attachment_pods = [cluster.find("pods", name, namespace) for name in pod_names]
    return (*launchers, *(pod_view(pod, observation.vmi.uid) for pod in attachment_pods if pod and observation.vmi))


def _before_release(cluster: Cluster, observation: Observation, record: Record, cache: Surroundings) -> Observation:
    observation = replace(observation, expanded=expansion(cluster, observation, record))
    disks = Disks(cluster, cache, record.drift.vm.namespace)
    template = observation.vm.template if observation.vm else {}
    return replace(
        observation,
        volumes=disks.all(record.drift.vm.name, parts(template, "volumes"), witness(observation, record)),
        nodes=cache.nodes(cluster),
        renewals=cache.renewals(cluster),
        neighbours=neighbours(cluster, placement_needs(observation, record), cache),
    )


def _after_release(cluster: Cluster, observation: Observation, record: Record, cache: Surroundings) -> Observation:
    """Where the replacement goes, and which node holds which volume."""
    new, ref = replacement(observation, record), record.drift.vm
    observation = replace(observation, expanded=expansion(cluster, observation, record) if new is None else None)
    specs = new.volumes if new else parts(observation.vm and observation.vm.template, "volumes")
    pod = next((pod for pod in observation.launchers if new and pod.vmi_uid == new.uid and not pod.hotplug), None)
    target = cache.node(cluster, pod.node) if pod and is_name(pod.node) else None
    # What a bound claim leads to does not change any more; its attachments are read again.
    all_volumes = Disks(cluster, cache, ref.namespace, remembered=True).all(
        ref.name, specs, witness(observation, record)
    )
    volumes = [owned(volume, new, observation.vm) for volume in all_volumes if not volume.left]
    return replace(
        observation,
        volumes=tuple(_with_attachments(cluster, volume, record, pod.node if pod else "", cache) for volume in volumes),
        target=target,
        warnings=_warnings(cluster, pod, record) if pod else (),
    )


def _with_attachments(cluster: Cluster, volume: Volume, record: Record, target: str, cache: Surroundings) -> Volume:
    lost = record.drift.outage.node.name
    # A VM that came up on the returned node holds its volumes there by right.
    held = _attachment(cluster, volume, lost) if target != lost and record.detached_at is None else None
    blocks_others = held and volume.exclusive  # then it is not attached anywhere else
    attached = _attachment(cluster, volume, target) if target and not blocks_others else None
    volume = replace(volume, held=held, attached=attached)
    return with_users(cluster, volume, record, cache) if blocks_others else volume


def with_users(cluster: Cluster, volume: Volume, record: Record, cache: Surroundings) -> Volume:
    """With the other pods on the lost node that use it. Raises ClusterError."""
    users = _users(cluster, volume, record, cache)
    names = tuple(pod["metadata"]["name"] for pod in users)
    return replace(volume, users=names, helpers=tuple(pod_view(pod) for pod in users if _is_helper(pod)))


def _attachment(cluster: Cluster, volume: Volume, node: str) -> Attachment | None:
    """By its name."""
    name = volume.attachment_name(node)
    obj = cluster.find("volumeattachments", name) if name else None
    attachment = attachment_view(obj) if obj else None
    return attachment if attachment and (attachment.volume, attachment.node) == (volume.pv, node) else None


def _users(cluster: Cluster, volume: Volume, record: Record, cache: Surroundings) -> list[Obj]:
    """Pods on the lost node that use the claim besides the VM's own; they keep it attached there."""
    pods = cache.pods_on(cluster, record.drift.outage.node.name, record.drift.vm.namespace)
    return [pod for pod in pods if uses(pod, volume.claim) and not _own(pod, record)]


def _is_helper(pod: Obj) -> bool:
    """No part of a VM: those have a drift of their own, or none, and that is not decided here."""
    return "kubevirt.io" not in (pod["metadata"].get("labels") or {})


def uses(pod: Obj, claim: str) -> bool:
    """Does this pod hold the claim, or will it?"""
    return text(pod, "status", "phase") not in _TERMINAL and claim in claims_of(pod)


def _own(pod: Obj, record: Record) -> bool:
    """The VM's launchers, and the pods that hold what is hotplugged into it; another VM's are others'."""
    meta, vm = pod["metadata"], record.drift.vm
    labels, annotations = part(meta, "labels"), part(meta, "annotations")
    if record.vmi_uid and labels.get("kubevirt.io/created-by") == record.vmi_uid:
        return True
    return vm.name in {labels.get("vm.kubevirt.io/name"), annotations.get("kubevirt.io/owner-vmi-name")}


def _warnings(cluster: Cluster, pod: PodView, record: Record) -> tuple[str, ...]:
    """What Kubernetes told of the pod; some of it, as Multi-Attach, only once. Read when the start takes long."""
    if record.phase is not Phase.STARTING or record.tries < _SLOW:
        return ()
    fields = f"involvedObject.uid={pod.uid},type=Warning"
    events = listed(cluster, "events", namespace=pod.namespace, fields=fields)
    told = dict.fromkeys(map(warning_of, events))
    return tuple(told)[-3:]


def warning_of(event: Obj) -> str:
    """Reason and message; both are optional."""
    details = (text(event, "reason"), text(event, "message")[:200])
    return ": ".join(filter(None, details)) or "a warning without words"
