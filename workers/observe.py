"""Cluster -> Observation: the live objects of one VM, read once for one pass.

Every object is asked for by name, or by a label that only this VM's pods carry, so a pass costs the same in a cluster
of any size. VolumeAttachments cannot be asked for by node or volume, but their names are deterministic.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from reactor.doors.cluster import Cluster
from reactor.model.drift import Policy, Record
from reactor.model.node import NodeView, node_view
from reactor.model.times import parse_time
from workers.decide import lost_launchers, replacement
from workers.decide.decision import Held
from workers.decide.node import still_lost, window
from workers.decide.observation import Attachment, Observation, PodView, VmiView, VmView, Volume
from workers.decide.placement import settled

Obj = Mapping[str, Any]
_NODES_AT_ONCE = 20  # the first of them nearly always settles whether there is a node that fits


def observe(cluster: Cluster, record: Record, policy: Policy, now: float) -> Observation:
    """Raises ClusterError: what could not be read is not known, and nothing is decided on it."""
    drift = record.drift
    node = lost_node(cluster, record)
    if record.released_at is None and not _due(node, record, policy, now):
        return Observation(node, None, None)
    vm = cluster.find("virtualmachines", drift.vm.name, drift.vm.namespace)
    vmi = cluster.find("virtualmachineinstances", drift.vm.name, drift.vm.namespace)
    seen = Observation(node, vm_view(vm) if vm else None, vmi_view(vmi) if vmi else None)
    seen = replace(seen, launchers=_launchers(cluster, record, seen))
    if seen.vm is None:
        return seen
    volumes = tuple(_volume(cluster, drift.vm.namespace, v) for v in seen.vm.template.get("volumes", []))
    if lost_launchers(seen, record):
        return replace(seen, volumes=volumes, nodes=_nodes(cluster, record, seen.vm, policy))
    return _with_target(cluster, replace(seen, volumes=volumes), record)


def lost_node(cluster: Cluster, record: Record) -> NodeView | None:
    """The lost node as it is now."""
    node = cluster.find("nodes", record.drift.outage.node.name)
    return node_view(node) if node else None


def _due(node: NodeView | None, record: Record, policy: Policy, now: float) -> bool:
    """Is more to be read than the node? Of a deleted node it is whether Kubernetes has removed its pods."""
    outage = record.drift.outage
    if node is None:
        return True
    return isinstance(still_lost(node, outage), Held) and isinstance(window(outage, policy, now), Held)


def _launchers(cluster: Cluster, record: Record, seen: Observation) -> tuple[PodView, ...]:
    uids = sorted({record.vmi_uid, seen.vmi.uid if seen.vmi else ""} - {""})
    if not uids:
        return ()
    labels = f"kubevirt.io=virt-launcher,kubevirt.io/created-by in ({','.join(uids)})"
    pages = cluster.pages("pods", namespace=record.drift.vm.namespace, labels=labels)
    return tuple(pod_view(pod) for page in pages for pod in page.items)


def _nodes(cluster: Cluster, record: Record, vm: VmView, policy: Policy) -> tuple[NodeView, ...]:
    nodes: list[NodeView] = []
    for page in cluster.pages("nodes", limit=_NODES_AT_ONCE):
        nodes += map(node_view, page.items)
        if settled(vm.template, nodes, record.drift.outage.node, policy):
            break
    return tuple(nodes)


def _with_target(cluster: Cluster, seen: Observation, record: Record) -> Observation:
    """Where the replacement goes, and which node holds which volume."""
    new, lost = replacement(seen, record), record.drift.outage.node.name
    name = next((pod.node for pod in seen.launchers if new and pod.vmi_uid == new.uid), "")
    target = cluster.find("nodes", name) if name else None
    volumes = tuple(
        replace(
            volume,
            # A VM that came up on the returned node holds its volumes there by right.
            held=_attachment(cluster, volume, lost) if name != lost else None,
            attached=_attachment(cluster, volume, name) if name else None,
        )
        for volume in seen.volumes
    )
    return replace(seen, volumes=volumes, target=node_view(target) if target else None)


def _attachment(cluster: Cluster, volume: Volume, node: str) -> Attachment | None:
    """By its name, `csi-` + SHA-256 of volume handle, driver and node.

    Source: `getAttachmentName` in kubernetes, pkg/volume/csi/csi_attacher.go; the recorded traces agree.
    """
    if not volume.handle:
        return None
    digest = sha256(f"{volume.handle}{volume.driver}{node}".encode()).hexdigest()
    found = cluster.find("volumeattachments", f"csi-{digest}")
    return attachment_view(found) if found else None


def _volume(cluster: Cluster, namespace: str, spec: Obj) -> Volume:
    kind = next((key for key in spec if key != "name"), "")
    volume, claim = Volume(spec["name"], kind), _claim(kind, spec.get(kind) or {})
    if not claim:
        return volume
    volume = replace(volume, claim=claim)
    pvc = cluster.find("persistentvolumeclaims", claim, namespace)
    if pvc is None:
        return replace(volume, trouble=f"claim {claim} is missing")
    if pvc.get("status", {}).get("phase") != "Bound":
        return replace(volume, trouble=f"claim {claim} is {pvc.get('status', {}).get('phase', 'not bound')}")
    pv = cluster.find("persistentvolumes", pvc["spec"]["volumeName"])
    if pv is None:
        return replace(volume, trouble=f"the PersistentVolume of claim {claim} is missing")
    return _with_pv(volume, pv)


def _claim(kind: str, source: Obj) -> str:
    if kind == "dataVolume":
        return str(source.get("name", ""))
    if kind == "ephemeral":
        source = source.get("persistentVolumeClaim", {})
    return str(source.get("claimName", ""))


def _with_pv(volume: Volume, pv: Obj) -> Volume:
    spec = pv["spec"]
    csi = spec.get("csi", {})
    known = ("csi", "local", "hostPath")
    return replace(
        volume,
        pv=pv["metadata"]["name"],
        source=next((key for key in known if key in spec), "another"),
        driver=csi.get("driver", ""),
        handle=csi.get("volumeHandle", ""),
        modes=tuple(spec.get("accessModes", [])),
    )


def vm_view(obj: Obj) -> VmView:
    """From a kubevirt.io/v1 VirtualMachine."""
    meta, spec = obj["metadata"], obj["spec"]
    by_running = {True: "Always", False: "Halted"}.get(spec.get("running"), "")
    return VmView(
        uid=meta["uid"],
        run_strategy=spec.get("runStrategy") or by_running,
        deleting="deletionTimestamp" in meta,
        template=spec.get("template", {}).get("spec", {}),
        annotations=meta.get("annotations", {}),
    )


def vmi_view(obj: Obj) -> VmiView:
    """From a kubevirt.io/v1 VirtualMachineInstance."""
    meta, status = obj["metadata"], obj.get("status", {})
    return VmiView(
        meta["uid"], status.get("nodeName", ""), status.get("phase", ""), parse_time(meta["creationTimestamp"])
    )


def pod_view(obj: Obj) -> PodView:
    """From a v1 Pod that is a virt-launcher."""
    meta, spec = obj["metadata"], obj["spec"]
    scheduled: Obj = next(
        (
            c
            for c in obj.get("status", {}).get("conditions", [])
            if c["type"] == "PodScheduled" and c["status"] != "True"
        ),
        {},
    )
    return PodView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        node=spec.get("nodeName", ""),
        vmi_uid=meta.get("labels", {}).get("kubevirt.io/created-by", ""),
        created=parse_time(meta["creationTimestamp"]),
        terminating="deletionTimestamp" in meta,
        tolerates=_tolerates(spec.get("tolerations", [])),
        pending=scheduled.get("message", ""),
    )


def _tolerates(tolerations: list[Obj]) -> float | None:
    """As the taint manager counts it: the shortest of the matching tolerations; none that matches: not at all."""
    matching = [
        t.get("tolerationSeconds")
        for t in tolerations
        if t.get("key") in {None, "", "node.kubernetes.io/unreachable"} and t.get("effect") in {None, "", "NoExecute"}
    ]
    if not matching:
        return 0.0
    limited = [float(seconds) for seconds in matching if seconds is not None]
    return max(0.0, min(limited)) if limited else None


def attachment_view(obj: Obj) -> Attachment:
    """From a storage.k8s.io/v1 VolumeAttachment."""
    meta, spec = obj["metadata"], obj["spec"]
    return Attachment(
        name=meta["name"],
        uid=meta["uid"],
        node=spec["nodeName"],
        volume=spec.get("source", {}).get("persistentVolumeName", ""),
        attached=bool(obj.get("status", {}).get("attached")),
        deleting="deletionTimestamp" in meta,
    )
