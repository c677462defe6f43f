"""Backend storage: the claim that keeps a persistent vTPM, EFI variables, or the state of changed block tracking.

Source: KubeVirt `pkg/storage/backend-storage/backend-storage.go` (PVCForVMI, createPVC, UpdateVolumeStatus) and
`pkg/storage/cbt/cbt.go`. Its access mode is ReadWriteOnce, as on the cluster's default StorageClass.
"""

from collections.abc import Iterable

from simulator.actors import objects
from simulator.client import Obj
from simulator.store.objects import Key, key_of

STATE = "persistent-state-for"  # a label, and before "-<VM>" the beginning of the name of the claim that bears it
_VOLUME = f"{STATE}-this-vm"  # in an instance's volumeStatus
_DEFAULTS = ("storageclass.kubevirt.io/is-default-virt-class", "storageclass.kubernetes.io/is-default-class")


def needed(vmi: Obj) -> bool:
    """Whether the instance keeps a state."""
    domain = vmi["spec"].get("domain", {})
    efi = ((domain.get("firmware") or {}).get("bootloader") or {}).get("efi") or {}
    return _keeps((domain.get("devices") or {}).get("tpm")) or bool(efi.get("persistent")) or _tracks(vmi)


def claim_for(vmi: Obj, claims: Iterable[Obj]) -> Obj | None:
    """The claim with its label that is not being deleted, else the one that is named as before there was the label."""
    meta, legacy = vmi["metadata"], None
    for claim in claims:
        about = claim["metadata"]
        if about["namespace"] != meta["namespace"] or objects.deleting(claim):
            continue
        if about.get("labels", {}).get(STATE) == meta["name"]:
            return claim
        if about["name"] == f"{STATE}-{meta['name']}":
            legacy = claim
    return legacy


def instance_of(claim: Obj) -> Key | None:
    """The instance whose state a claim may keep, None if nobody's."""
    namespace, name = key_of(claim)
    legacy = name.removeprefix(f"{STATE}-") if name.startswith(f"{STATE}-") else ""
    meant = claim["metadata"].get("labels", {}).get(STATE) or legacy
    return (namespace, meant) if meant else None


def new_claim(vmi: Obj, classes: Iterable[Obj]) -> Obj | None:
    """The claim to be made for it, on the default StorageClass; None without one."""
    meta, named = vmi["metadata"], _default(list(classes))
    if named is None:
        return None
    return {
        "metadata": {
            "generateName": f"{STATE}-{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": {STATE: meta["name"], "cdi.kubevirt.io/applyStorageProfile": "true"},
            "ownerReferences": meta.get("ownerReferences") or [objects.owner_reference(vmi)],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Mi"}},
            "storageClassName": named,
            "volumeMode": "Filesystem",
        },
    }


def volume_status(claim: Obj) -> Obj:
    """What the instance's volumeStatus says of it."""
    info = {"claimName": claim["metadata"]["name"], "accessModes": claim["spec"]["accessModes"]}
    return {"name": _VOLUME, "target": "", "persistentVolumeClaimInfo": info}


def pod_volume(vmi: Obj, claim: Obj) -> Obj:
    """The launcher's volume on it."""
    source = {"claimName": claim["metadata"]["name"]}
    return {"name": f"{vmi['metadata']['name']}-state", "persistentVolumeClaim": source}


def _default(classes: list[Obj]) -> str | None:
    for annotation in _DEFAULTS:
        for found in classes:
            if found["metadata"].get("annotations", {}).get(annotation) == "true":
                return str(found["metadata"]["name"])
    return None


def _keeps(device: Obj | None) -> bool:
    return bool((device or {}).get("persistent")) and (device or {}).get("enabled") is not False


def _tracks(vmi: Obj) -> bool:
    return vmi.get("status", {}).get("changedBlockTracking", {}).get("state") in ("Initializing", "Enabled")
