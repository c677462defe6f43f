"""What of a cluster `vmdrift dump` writes: an allow-list of fields, for all else in it may be secret.

VMs carry passwords in inline cloud-init and sysprep, kubectl's last-applied-configuration repeats them, and pods carry
them in env and arguments. A line names a place and what is kept there: a text, number or list of them; of an object
only that it is there, or all of it with a "/"; "*" stands for whatever else is there, of which only that is kept. Lists
are looked into.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reactor.model.objects import JsonObject

_Tree = dict[str, Any]  # key -> what of it is kept: a tree, or _WHOLE
_WHOLE = "/"

# Of any kind. Labels and annotations: see below.
_META = """
metadata: name namespace uid generation resourceVersion creationTimestamp deletionTimestamp deletionGracePeriodSeconds
metadata: finalizers
metadata.ownerReferences: apiVersion kind name uid controller
"""
_PLACEMENT = "nodeSelector/ affinity/ tolerations/ topologySpreadConstraints/ schedulerName"
# A VirtualMachineInstance's spec, wherever it stands.
_INSTANCE = f"""
HERE: architecture priorityClassName startStrategy {_PLACEMENT}
HERE.networks: *
HERE.resourceClaims: name
HERE.volumes: name *
HERE.volumes.persistentVolumeClaim: claimName hotpluggable readOnly
HERE.volumes.dataVolume: name hotpluggable
HERE.volumes.ephemeral.persistentVolumeClaim: claimName
HERE.volumes.memoryDump: claimName hotpluggable
HERE.domain: cpu/ features/ ioThreadsPolicy
HERE.domain.clock: timer/
HERE.domain.devices.gpus: deviceName
HERE.domain.devices.hostDevices: deviceName
HERE.domain.devices.interfaces: *
HERE.domain.devices.tpm: enabled persistent
HERE.domain.firmware: bootloader/
HERE.domain.launchSecurity: sev snp tdx
HERE.domain.launchSecurity.sev: policy/
HERE.domain.machine: type
HERE.domain.memory: guest maxGuest hugepages/
HERE.domain.resources: requests/ limits/ overcommitGuestOverhead
"""
_TYPE = f"""
data: kind apiVersion
data.metadata: name namespace
data.spec: cpu/ clock/ devices/ features/ firmware/ gpus/ hostDevices/ ioThreadsPolicy machine/ memory/ requirements/
data.spec: architecture preferredArchitecture preferredSubdomain volumes/ {_PLACEMENT}
data.spec.launchSecurity: sev snp tdx
data.spec.launchSecurity.sev: policy/
data.spec.preferredLaunchSecurity: sev snp tdx
data.spec.preferredLaunchSecurity.sev: policy/
"""
_LINES = {
    "nodes": """
        spec: unschedulable
        spec.taints: key value effect timeAdded
        status: allocatable/
        status.conditions: type status lastTransitionTime lastHeartbeatTime
        status.nodeInfo: bootID
    """,
    "pods": f"""
        spec: nodeName priorityClassName runtimeClassName {_PLACEMENT} overhead/
        spec.resourceClaims: name
        spec.schedulingGates: name
        spec.volumes: name
        spec.volumes.persistentVolumeClaim: claimName readOnly
        spec.containers: restartPolicy
        spec.containers.resources: requests/
        spec.initContainers: restartPolicy
        spec.initContainers.resources: requests/
        status: phase
        status.conditions: type status lastTransitionTime
        status.containerStatuses.state.waiting: reason
        status.initContainerStatuses.state.waiting: reason
    """,
    "virtualmachines": f"""
        spec: running runStrategy updateVolumesStrategy
        spec.instancetype: kind name revisionName
        spec.preference: kind name revisionName
        spec.template.metadata: labels/
        {_INSTANCE.replace("HERE", "spec.template.spec")}
        status: created ready printableStatus
        status.changedBlockTracking: state
        status.conditions: type status reason message
        status.instancetypeRef: kind name
        status.instancetypeRef.controllerRevisionRef: name
        status.preferenceRef: kind name
        status.preferenceRef.controllerRevisionRef: name
        status.memoryDumpRequest: phase claimName
        status.startFailure: retryAfterTimestamp
        status.stateChangeRequests: action uid
        status.volumeUpdateState: volumeMigrationState
        status.volumeUpdateState.volumeMigrationState: *
    """,
    "virtualmachineinstances": f"""
        {_INSTANCE.replace("HERE", "spec")}
        status: phase nodeName activePods/
        status.changedBlockTracking: state
        status.conditions: type status
        status.machine: type
        status.migrationState: completed failed sourceNode targetNode
        status.topologyHints: tscFrequency
        status.volumeStatus: name
        status.volumeStatus.hotplugVolume: attachPodName attachPodUID
        status.volumeStatus.persistentVolumeClaimInfo: claimName
    """,
    "virtualmachineinstancereplicasets": f"""
        spec: replicas
        spec.template.metadata: labels/
        {_INSTANCE.replace("HERE", "spec.template.spec")}
        status: readyReplicas
    """,
    "namespaces": "",
    "persistentvolumeclaims": """
        spec: volumeName accessModes storageClassName
        status: phase
    """,
    "persistentvolumes": """
        spec: accessModes storageClassName nodeAffinity/ *
        spec.claimRef: namespace name uid
        spec.csi: driver volumeHandle readOnly
        spec.csi.volumeAttributes: clusterID replicaNumber numberOfReplicas dataLocality
        status: phase
    """,
    "csidrivers": "spec: attachRequired",
    "storageclasses": "parameters: replicaNumber",
    "volumeattachments": """
        spec: attacher nodeName
        spec.source: persistentVolumeName *
        status: attached
    """,
    "leases": "spec: renewTime acquireTime",
    "controllerrevisions": _TYPE,
    "localvolumes": """
        spec: replicaNumber
        status: replicas
    """,
    "localvolumereplicas": """
        spec: nodeName
        status: state synced
    """,
}
_ANNOTATIONS = frozenset(
    {
        "kubevirt.io/heartbeat",
        "kubevirt.io/owner-vmi-name",
        "kubevirt.io/vm-generation",
        "openshift.io/node-selector",
        "scheduler.alpha.kubernetes.io/node-selector",
        "vmdrift.io/detach",
        "vmdrift.io/fencing",
        "vmdrift.io/out-of-service",
        "vmdrift.io/policy",
        "vmdrift.io/require-fence",
    }
)
# All labels of what placement is reckoned with, and of VMs (`-l`); of other kinds these.
_LABELLED = frozenset({"nodes", "pods", "namespaces", "virtualmachines", "virtualmachineinstances"})
_LABELS = frozenset({"persistent-state-for"})
# Conditions whose messages are KubeVirt's own words; those of others may repeat a spec.
_MESSAGES_ALLOWED = frozenset({"ManualRecoveryRequired", "VolumesChange"})
_LEASES = frozenset({"kube-node-lease"})
_MANAGER = "kube-controller-manager"
_REVISIONS = ("Instancetype", "Preference")


def is_needed(resource: str, obj: Mapping[str, Any]) -> bool:
    """Is this object needed? Most Leases and ControllerRevisions belong to others."""
    meta = obj["metadata"]
    if resource == "leases":
        return meta.get("namespace") in _LEASES or meta["name"] == _MANAGER
    data = obj.get("data")
    return resource != "controllerrevisions" or str(isinstance(data, dict) and data.get("kind")).endswith(_REVISIONS)


def allowed(resource: str, obj: Mapping[str, Any]) -> JsonObject:
    """What is kept of an object."""
    filtered: JsonObject = _filtered(obj, _TREES[resource])
    meta = obj["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    allowed_labels = labels if resource in _LABELLED else {key: labels[key] for key in labels if key in _LABELS}
    allowed_annotations = {key: annotations[key] for key in annotations if key in _ANNOTATIONS}
    filtered["metadata"] |= {
        **({"labels": allowed_labels} if allowed_labels else {}),
        **({"annotations": allowed_annotations} if allowed_annotations else {}),
    }
    for condition in _conditions(filtered):
        if condition.get("type") not in _MESSAGES_ALLOWED:
            condition.pop("message", None)
    return filtered


def _conditions(obj: JsonObject) -> Iterator[JsonObject]:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return (condition for condition in conditions if isinstance(condition, dict))


def _filtered(value: Any, tree: Any) -> Any:
    """Of an object where a text was expected only that it is there, and nothing where an object was."""
    if tree == _WHOLE:
        return value
    if isinstance(value, list):
        return [_filtered(item, tree) for item in value]
    if isinstance(value, Mapping):
        entries = ((key, item, tree.get(key, _presence(item, tree))) for key, item in value.items())
        return {key: _filtered(item, sub) for key, item, sub in entries if sub is not None}
    return value if not tree else None


def _presence(value: Any, tree: _Tree) -> _Tree | None:
    return {} if "*" in tree and isinstance(value, Mapping) else None


def _tree(lines: str) -> _Tree:
    tree: _Tree = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        place, _, names = line.partition(":")
        branch = tree
        for key in place.split("."):
            branch = branch.setdefault(key, {})
        for name in names.split():
            key, whole = name.rstrip(_WHOLE), name.endswith(_WHOLE)
            branch[key] = _WHOLE if whole else branch.get(key, {})
    return tree


_TREES = {resource: _tree(_META + lines) for resource, lines in _LINES.items()}
