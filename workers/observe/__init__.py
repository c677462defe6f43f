"""Cluster -> Observation: the live objects of one VM, read once for one pass.

Every object of the VM is asked for by name, or by a label that only this VM's pods carry, so that part of a pass costs
the same in a cluster of any size; what is the same for all VMs is in `workers.observe.cache`. VolumeAttachments cannot
be asked for by node or volume, but their names are deterministic.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Phase, Policy, Record
from reactor.model.fencing import Fencing, fencing_of, fencings
from reactor.model.identity import Outage
from reactor.model.intervention import active_holds, cancelled
from reactor.model.names import is_name
from reactor.model.node import NodeView, node_view
from reactor.model.objects import Obj, moment, number, part, parts, said, text
from reactor.model.times import Clock
from workers.decide import lost_launchers, replacement
from workers.decide.decision import Passed
from workers.decide.launcher import ahead, evicted_at
from workers.decide.node import is_back, still_lost, window
from workers.decide.observation import (
    Attachment,
    Manager,
    Observation,
    PodView,
    VmiView,
    VmView,
    Volume,
)
from workers.decide.placement.candidates import bearing
from workers.decide.proof import confirmed, proven
from workers.fencing.decide.allowed import providers
from workers.observe.cache import MOMENT, NODE_LEASES, Surroundings, listed, renewed
from workers.observe.others import expansion, neighbours, owned, witness
from workers.observe.parse import attachment_view, claims_of, pod_view, vm_view, vmi_view
from workers.observe.volumes import Disks

_TERMINAL = frozenset({"Succeeded", "Failed"})
_SKEW = 10.0  # seconds; a controller manager whose Lease is further off than this is not believed in anything
_STALE = 3.0  # seconds: a Lease is renewed every 2 s, and Date has whole seconds
_SLOW = 3  # looks at a VM that still does not run, after which Kubernetes' events are read


def observe(cluster: Cluster, record: Record, policy: Policy, now: float, around: Surroundings) -> Observation:
    """Raises ClusterError: what could not be read is not known, and nothing is decided on it."""
    asked = around.asked(cluster, record.drift)
    lost = _lost_node(cluster, record, policy, around)
    seen = Observation(lost, None, None, holds=active_holds(asked, record.drift, cluster.time() or 0.0))
    seen = replace(seen, cancelled=cancelled(asked, record.drift))
    if seen.cancelled:
        return seen
    kept = _kept(cluster, seen.node, policy, around)
    seen = replace(seen, fencing=_file(kept, seen.node, policy))
    if record.detached_at is None:  # both windows are counted by its clock
        seen = replace(seen, manager=around.once("manager", lambda: manager(cluster, around.clock)))
    if record.released_at is None and not _due(seen, record, policy, now):
        return seen
    vmi = cluster.find("virtualmachineinstances", record.drift.vm.name, record.drift.vm.namespace)
    heard = _lease(cluster, record.drift.outage, around) if record.detached_at is None else None
    seen = replace(seen, vmi=_instance(vmi, record), lease=heard)
    seen = replace(seen, launchers=_launchers(cluster, record, seen))
    if (due := _evicted_at(seen, record, now)) is not None:
        return replace(seen, evicted_at=due)
    seen = replace(seen, vm=vm_of(cluster, record, vmi))
    if seen.vm is None or (record.released_at is None and is_back(seen.node, record.drift.outage)):
        return seen
    seen = replace(seen, namespace=annotations_of(cluster, record, around))
    if lost_launchers(seen, record):
        seen = _before_release(cluster, seen, record, around)
        return replace(seen, proven=proven(fencings(kept), seen.nodes))
    return _after_release(cluster, seen, record, around)


def glance(cluster: Cluster, record: Record, policy: Policy, around: Surroundings) -> Observation:
    """What can end the six minutes early: the VM, and what is shared for a while: the node, the VM's namespace."""
    ref = record.drift.vm
    vm = None if ref.is_instance else cluster.find("virtualmachines", ref.name, ref.namespace)
    seen = Observation(_lost_node(cluster, record, policy, around), vm_view(vm) if vm else None, None)
    kept = _kept(cluster, seen.node, policy, around)
    seen = replace(seen, fencing=_file(kept, seen.node, policy))
    seen = replace(seen, cancelled=cancelled(around.asked(cluster, record.drift), record.drift))
    return replace(seen, namespace=annotations_of(cluster, record, around))


def _kept(cluster: Cluster, node: NodeView | None, policy: Policy, around: Surroundings) -> Obj | None:
    """What is known of nodes' deaths; not asked for where nobody may prove one."""
    return around.fencings(cluster) if node and providers(node, policy) else None


def _file(kept: Obj | None, node: NodeView | None, policy: Policy) -> Fencing | None:
    """What is known of the boot that is lost. Proof is only of whom the setting and the Node name at this moment."""
    file = fencing_of(kept, node.name, node.boot) if node else None
    if file and node and file.proof and file.proof.provider not in providers(node, policy):
        return replace(file, void=f"{file.proof.provider} is not named for this node any more")
    return file


def annotations_of(cluster: Cluster, record: Record, around: Surroundings) -> Mapping[str, str]:
    """Of the VM's namespace."""
    return part(around.find(cluster, "namespaces", record.drift.vm.namespace), "metadata", "annotations")


def _lost_node(cluster: Cluster, record: Record, policy: Policy, around: Surroundings) -> NodeView | None:
    """Where it may be proven dead nobody waits for a moment to pass."""
    node = around.find(cluster, "nodes", record.drift.outage.node.name, ttl=0.0 if policy.fencing else MOMENT)
    return node_view(node) if node else None


def _lease(cluster: Cluster, outage: Outage, around: Surroundings) -> str:
    return renewed(around.find(cluster, "leases", outage.node.name, NODE_LEASES, MOMENT))


def lost_node(cluster: Cluster, record: Record) -> NodeView | None:
    """The lost node as it is now."""
    node = cluster.find("nodes", record.drift.outage.node.name)
    return node_view(node) if node else None


def lease(cluster: Cluster, outage: Outage) -> str:
    """What the lost node's kubelet said last: its Lease's renewTime."""
    return renewed(cluster.find("leases", outage.node.name, NODE_LEASES))


def manager(cluster: Cluster, clock: Clock) -> Manager | None:
    """The controller manager by its Lease; None in a cluster that shows none."""
    asked = clock()
    found = cluster.find("leases", "kube-controller-manager", "kube-system")
    answered, server = clock(), cluster.time()
    at = moment(found, "spec", "renewTime")
    if at is None:
        return None
    ahead = _ahead(at, server, asked, answered) if server else None
    return Manager(at, moment(found, "spec", "acquireTime") or 0.0, ahead)


def _ahead(renewed_at: float, server: float, asked: float, answered: float) -> float | None:
    """How far the controller manager's clock is ahead of ours, by way of the API server's; small change is noise."""
    skew = renewed_at - server
    if abs(skew) > _SKEW:
        return None
    served = 0.0 if asked - 2.0 <= server <= answered + 1.0 else server - answered
    return served + (0.0 if abs(skew) <= _STALE else skew)


def _due(seen: Observation, record: Record, policy: Policy, now: float) -> bool:
    """Is more to be read than the node? Of a deleted node it is whether Kubernetes has removed its pods.

    Of one that is back it is whether the VM runs again.
    """
    if seen.node is None or is_back(seen.node, record.drift.outage):
        return True
    lost = isinstance(still_lost(seen.node, record.drift.outage), Passed)
    dead = confirmed(seen.fencing, seen.node) is not None
    return lost and (dead or isinstance(window(record, seen.manager, policy, now), Passed))


def _evicted_at(seen: Observation, record: Record, now: float) -> float | None:
    if record.released_at is not None or seen.node is None or confirmed(seen.fencing, seen.node):
        return None
    if is_back(seen.node, record.drift.outage):
        return None
    return evicted_at(lost_launchers(seen, record), seen.node, now, ahead(seen.manager))


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


def _as_vm(cluster: Cluster, record: Record, vmi: Obj | None) -> VmView | None:
    """An instance without a VM, shown as one. Once it is gone, only its ReplicaSet is left to look at."""
    ref = record.drift.vm
    if vmi and vmi["metadata"]["uid"] == ref.uid:
        meta = vmi["metadata"]
        if any(owner["kind"] == "VirtualMachine" for owner in meta.get("ownerReferences") or ()):
            return None  # a VM has adopted it since, and has a drift of its own
        # KubeVirt deletes the instance whose launcher is gone; that is the drift's course and not somebody's wish.
        notes, template = part(meta, "annotations"), said(part(vmi, "spec"))
        labels = vmi_view(vmi).labels
        return VmView(ref.uid, "", deleting=False, template=template, annotations=notes, labels=labels)
    owner = cluster.find("virtualmachineinstancereplicasets", ref.owner, ref.namespace) if ref.owner else None
    if owner is None:
        return None
    template, wanted = said(part(owner, "spec", "template", "spec")), number(owner, "spec", "replicas")
    replicas = 1 if wanted is None else int(wanted), int(number(owner, "status", "readyReplicas") or 0)
    return VmView(ref.uid, "", deleting=False, template=template, replicas=replicas)


def _launchers(cluster: Cluster, record: Record, seen: Observation) -> tuple[PodView, ...]:
    uids = sorted({record.vmi_uid, seen.vmi.uid if seen.vmi else ""} - {""})
    if not uids:
        return ()
    namespace, labels = (
        record.drift.vm.namespace,
        f"kubevirt.io=virt-launcher,kubevirt.io/created-by in ({','.join(uids)})",
    )
    launchers = [pod_view(pod) for pod in listed(cluster, "pods", namespace=namespace, labels=labels)]
    named = filter(is_name, seen.vmi.attachment_pods if seen.vmi else ())
    plugs = [cluster.find("pods", name, namespace) for name in named]
    return (*launchers, *(pod_view(pod, seen.vmi.uid) for pod in plugs if pod and seen.vmi))


def _before_release(cluster: Cluster, seen: Observation, record: Record, around: Surroundings) -> Observation:
    seen = replace(seen, expanded=expansion(cluster, seen, record))
    disks = Disks(cluster, around, record.drift.vm.namespace)
    template = seen.vm.template if seen.vm else {}
    return replace(
        seen,
        volumes=disks.all(record.drift.vm.name, parts(template, "volumes"), witness(seen, record)),
        nodes=around.nodes(cluster),
        renewals=around.renewals(cluster),
        neighbours=neighbours(cluster, bearing(seen, record), around),
    )


def _after_release(cluster: Cluster, seen: Observation, record: Record, around: Surroundings) -> Observation:
    """Where the replacement goes, and which node holds which volume."""
    new, ref = replacement(seen, record), record.drift.vm
    seen = replace(seen, expanded=expansion(cluster, seen, record) if new is None else None)
    specs = new.volumes if new else parts(seen.vm and seen.vm.template, "volumes")
    pod = next((pod for pod in seen.launchers if new and pod.vmi_uid == new.uid and not pod.hotplug), None)
    target = around.find(cluster, "nodes", pod.node, ttl=MOMENT) if pod and is_name(pod.node) else None
    # What a bound claim leads to does not change any more; what holds it is read anew.
    known = Disks(cluster, around, ref.namespace, remembered=True).all(ref.name, specs, witness(seen, record))
    volumes = [owned(volume, new, seen.vm) for volume in known if not volume.left]
    return replace(
        seen,
        volumes=tuple(_held(cluster, volume, record, pod.node if pod else "", around) for volume in volumes),
        target=node_view(target) if target else None,
        warnings=_warnings(cluster, pod, record) if pod else (),
    )


def _held(cluster: Cluster, volume: Volume, record: Record, target: str, around: Surroundings) -> Volume:
    lost = record.drift.outage.node.name
    # A VM that came up on the returned node holds its volumes there by right.
    held = _attachment(cluster, volume, lost) if target != lost and record.detached_at is None else None
    kept = held and volume.exclusive  # then it is not attached anywhere else
    attached = _attachment(cluster, volume, target) if target and not kept else None
    users = _users(cluster, volume, record, around) if kept else []
    names = tuple(pod["metadata"]["name"] for pod in users)
    helpers = tuple(pod_view(pod) for pod in users if _is_helper(pod))
    return replace(volume, held=held, attached=attached, users=names, helpers=helpers)


def _attachment(cluster: Cluster, volume: Volume, node: str) -> Attachment | None:
    """By its name, `csi-` + SHA-256 of volume handle, driver and node.

    Source: `getAttachmentName` in kubernetes, pkg/volume/csi/csi_attacher.go; the recorded traces agree.
    """
    if not volume.handle or not volume.attaches:
        return None
    digest = sha256(f"{volume.handle}{volume.driver}{node}".encode()).hexdigest()
    found = cluster.find("volumeattachments", f"csi-{digest}")
    known = attachment_view(found) if found else None
    return known if known and (known.volume, known.node) == (volume.pv, node) else None


def _users(cluster: Cluster, volume: Volume, record: Record, around: Surroundings) -> list[Obj]:
    """Pods on the lost node that use the claim besides the VM's own; they keep it attached there."""
    pods = around.pods_on(cluster, record.drift.outage.node.name, record.drift.vm.namespace)
    return [pod for pod in pods if _uses(pod, volume.claim) and not _own(pod, record)]


def _is_helper(pod: Obj) -> bool:
    """No part of a VM: those have a drift of their own, or none, and that is not decided here."""
    return "kubevirt.io" not in (pod["metadata"].get("labels") or {})


def _uses(pod: Obj, claim: str) -> bool:
    return text(pod, "status", "phase") not in _TERMINAL and claim in claims_of(pod)


def _own(pod: Obj, record: Record) -> bool:
    """The VM's launchers, and the pods that hold what is hotplugged into it; another VM's are others'."""
    meta, vm = pod["metadata"], record.drift.vm
    labels, notes = part(meta, "labels"), part(meta, "annotations")
    if record.vmi_uid and labels.get("kubevirt.io/created-by") == record.vmi_uid:
        return True
    return vm.name in {labels.get("vm.kubevirt.io/name"), notes.get("kubevirt.io/owner-vmi-name")}


def _warnings(cluster: Cluster, pod: PodView, record: Record) -> tuple[str, ...]:
    """What Kubernetes told of the pod; some of it, as Multi-Attach, only once. Read when the start takes long."""
    if record.phase is not Phase.STARTING or record.tries < _SLOW:
        return ()
    fields = f"involvedObject.uid={pod.uid},type=Warning"
    events = listed(cluster, "events", namespace=pod.namespace, fields=fields)
    told = dict.fromkeys(map(_told, events))
    return tuple(told)[-3:]


def _told(event: Obj) -> str:
    """Why, and what; both are optional."""
    said = (text(event, "reason"), text(event, "message")[:200])
    return ": ".join(filter(None, said)) or "a warning without words"
