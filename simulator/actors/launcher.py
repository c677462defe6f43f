"""The pods that virt-controller makes: launchers and hotplug attachment pods; shapes as recorded. Pure.

Source: KubeVirt `pkg/virt-controller/services/template.go`. Left out: what only a real container runtime needs.
"""

import json
from pathlib import PurePosixPath

from simulator.actors import backend, nodeselectors, objects
from simulator.actors.nodefit import REQUIRED
from simulator.client import Obj

IMAGE = "registry.local/kubevirt/virt-launcher:v1"
CPU_MODEL = "Skylake-Client"  # of every node of a scene
_COPIED = ("schedulerName", "topologySpreadConstraints", "priorityClassName")  # of the instance, as they are
_EXTRA_GRACE = 30  # a launcher gets this many seconds more than its guest (recorded)
_SCRATCH = ("private", "public", "sockets", "virt-bin-share-dir", "libvirt-runtime", "ephemeral-disks")
_DEVICES = {f"devices.kubevirt.io/{name}": "1" for name in ("kvm", "tun", "vhost-net")}
# What DefaultTolerationSeconds admission gives every pod that does not say otherwise.
_NOT_FOREVER = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def launcher(vmi: Obj, state: Obj | None = None) -> Obj:
    """The launcher pod of a VMI, without a node. `state`: the claim of its backend storage, if it has one."""
    meta, spec = vmi["metadata"], vmi["spec"]
    placement = {name: spec[name] for name in _COPIED if spec.get(name)}
    labels = {
        **{name: value for name, value in meta.get("labels", {}).items() if name != "kubevirt.io/nodeName"},
        "kubevirt.io": "virt-launcher",
        "kubevirt.io/created-by": meta["uid"],
        "vm.kubevirt.io/name": meta["name"],
        "vmi.kubevirt.io/id": meta["name"],
    }
    return {
        "metadata": {
            "generateName": f"virt-launcher-{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": _annotations(vmi),
            "ownerReferences": [objects.owner_reference(vmi)],
        },
        "spec": {
            "affinity": nodeselectors.affinity(spec),
            "automountServiceAccountToken": False,
            "containers": [_compute(vmi)],
            "hostname": meta["name"],
            "nodeSelector": nodeselectors.selectors(vmi),
            "readinessGates": [{"conditionType": "kubevirt.io/virtual-machine-unpaused"}],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": spec.get("terminationGracePeriodSeconds", 30) + _EXTRA_GRACE,
            "tolerations": with_default_tolerations(spec.get("tolerations") or []),
            "volumes": [*_volumes(spec), *([backend.pod_volume(vmi, state)] if state else [])],
            **placement,
        },
    }


def migration_target(vmi: Obj, migration: Obj, state: Obj | None = None) -> Obj:
    """The launcher pod that a migration moves a VMI to: not on the node of the present one, on the same CPU model."""
    pod, meta = launcher(vmi, state), migration["metadata"]
    pod["metadata"]["labels"]["kubevirt.io/migrationJobUID"] = meta["uid"]
    pod["metadata"]["annotations"]["kubevirt.io/migrationJobName"] = meta["name"]
    apart = {
        "labelSelector": {"matchLabels": {"kubevirt.io/created-by": vmi["metadata"]["uid"]}},
        "topologyKey": "kubernetes.io/hostname",
    }
    rules = pod["spec"]["affinity"].get("podAntiAffinity") or {}
    pod["spec"]["affinity"] |= {"podAntiAffinity": {**rules, REQUIRED: [*(rules.get(REQUIRED) or ()), apart]}}
    if vmi["spec"]["domain"]["cpu"]["model"] == nodeselectors.HOST_MODEL:
        pod["spec"]["nodeSelector"][f"cpu-model-migration.node.kubevirt.io/{CPU_MODEL}"] = "true"
    return pod


def attachment(vmi: Obj, pod: Obj, names: list[str]) -> Obj:
    """The pod that holds a VMI's hotplugged volumes on its launcher's node."""
    meta = vmi["metadata"]
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [pod["spec"]["nodeName"]]}
    here = {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}
    held = [volume for volume in _volumes(vmi["spec"], hotplugged=True) if volume["name"] in names]
    resources = {"limits": {"cpu": "100m", "memory": "80M"}, "requests": {"cpu": "10m", "memory": "2M"}}
    return {
        "metadata": {
            "generateName": "hp-volume-",
            "namespace": meta["namespace"],
            "labels": {"kubevirt.io": "hotplug-disk"},
            "annotations": {"kubevirt.io/owner-vmi-name": meta["name"], "kubevirt.io/owner-vmi-uid": meta["uid"]},
            "ownerReferences": [objects.owner_reference(pod)],
        },
        "spec": {
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": here}},
            "containers": [{"name": "hotplug-disk", "image": IMAGE, "resources": resources}],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 0,
            "tolerations": with_default_tolerations(vmi["spec"].get("tolerations") or []),
            "volumes": [{"name": "hotplug-disks", "emptyDir": {}}, *held],
        },
    }


def hotplugged(vmi: Obj) -> list[Obj]:
    """The VMI's volumes that are attached while it runs."""
    sources = (
        (v, v.get("persistentVolumeClaim") or v.get("dataVolume") or {}) for v in vmi["spec"].get("volumes") or ()
    )
    return [volume for volume, source in sources if source.get("hotpluggable")]


def with_default_tolerations(tolerations: list[Obj]) -> list[Obj]:
    """Tolerations plus 300 s of not-ready and unreachable where nothing is said of them, whatever value is.

    Source: kubernetes `plugin/pkg/admission/defaulttolerationseconds/admission.go`.
    """
    spoken = {t.get("key") or "" for t in tolerations if t.get("effect") in (None, "", "NoExecute")}
    missing = [key for key in _NOT_FOREVER if spoken.isdisjoint({key, ""})]
    added = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    return [*tolerations, *({"key": key, **added} for key in missing)]


def _volumes(spec: Obj, *, hotplugged: bool = False) -> list[Obj]:
    volumes: list[Obj] = [] if hotplugged else [{"name": name, "emptyDir": {}} for name in _SCRATCH]
    for volume in spec.get("volumes") or ():
        claim = claim_of(volume)
        if claim and bool(claim.get("hotpluggable")) == hotplugged:
            source = {name: claim[name] for name in ("claimName", "readOnly") if name in claim}
            volumes.append({"name": volume["name"], "persistentVolumeClaim": source})
        elif "hostDisk" in volume:
            volumes.append(
                {"name": volume["name"], "hostPath": {"path": str(PurePosixPath(volume["hostDisk"]["path"]).parent)}}
            )
        elif "containerDisk" in volume and not hotplugged:
            image = {"reference": volume["containerDisk"]["image"], "pullPolicy": "IfNotPresent"}
            volumes.append({"name": volume["name"], "image": image})
    return volumes if hotplugged else [*volumes, {"name": "hotplug-disks", "emptyDir": {}}]


def claim_of(volume: Obj) -> Obj:
    """A VM's volume's claim, {} when it has none; a DataVolume's has its name."""
    if data := volume.get("dataVolume"):
        return {**data, "claimName": data["name"]}
    claim: Obj = (
        volume.get("persistentVolumeClaim") or (volume.get("ephemeral") or {}).get("persistentVolumeClaim") or {}
    )
    return claim


def _annotations(vmi: Obj) -> Obj:
    meta = vmi["metadata"]
    freezer = ["/usr/bin/virt-freezer", "--name", meta["name"], "--namespace", meta["namespace"]]
    return {
        "kubevirt.io/domain": meta["name"],
        "kubevirt.io/migrationTransportUnix": "true",
        "kubectl.kubernetes.io/default-container": "compute",
        "descheduler.alpha.kubernetes.io/request-evict-only": "",
        "pre.hook.backup.velero.io/command": json.dumps([*freezer, "--freeze"]),
        "post.hook.backup.velero.io/command": json.dumps([*freezer, "--unfreeze"]),
    }


def _compute(vmi: Obj) -> Obj:
    requested = vmi["spec"].get("domain", {}).get("resources", {}).get("requests") or {}
    requests = {"cpu": "100m", "memory": "544Mi", "ephemeral-storage": "50M", **requested, **_DEVICES}
    return {
        "name": "compute",
        "image": IMAGE,
        "command": ["/usr/bin/virt-launcher-monitor"],
        "resources": {"limits": dict(_DEVICES), "requests": requests},
    }
