"""What virt-controller says of a VMI's volumes, hotplugged ones with their attachment pod; as recorded. Pure.

Source: KubeVirt `pkg/virt-controller/watch/vmi/volume-hotplug.go`. `AttachedToNode` comes as soon as the attachment pod
has a node, even while its disk waits in Multi-Attach; only `attachPodUID` says that the pod runs.
"""

from collections.abc import Mapping

from simulator.actors import objects
from simulator.actors.launcher import claim_of, hotplugged
from simulator.actors.vmi import going_down
from simulator.client import Obj
from simulator.store.objects import Key


def needs_attachment(vmi: Obj, launcher: Obj | None, pod: Obj | None) -> bool:
    """Whether an attachment pod is to be created: there is none, the launcher is well, and virt-handler has been there.

    virt-controller needs the SELinux context that virt-handler writes once the guest runs (`template.go`,
    matchSELinuxLevelOfVMI). Without it nothing is created and nothing is said: the volume stays Bound, PVCNotReady.
    """
    if pod is not None or launcher is None or going_down(launcher) or not hotplugged(vmi):
        return False
    return bool(vmi["status"].get("selinuxContext")) and objects.condition(launcher, "Ready").get("status") == "True"


def volume_status(vmi: Obj, pod: Obj | None, claims: Mapping[Key, Obj]) -> list[Obj]:
    """status.volumeStatus, by volume name; `pod` is the attachment pod."""
    plugged = {volume["name"] for volume in hotplugged(vmi)}
    before = {entry["name"]: entry for entry in vmi.get("status", {}).get("volumeStatus") or ()}
    entries = []
    for volume in sorted(vmi["spec"].get("volumes") or (), key=lambda volume: str(volume["name"])):
        entry: Obj = {"name": volume["name"], "target": "", **_claim_info(vmi, volume, claims)}
        if volume["name"] in plugged:
            entry |= _plugged(volume["name"], before.get(volume["name"], {}), pod)
        entries.append(entry)
    return entries


def _plugged(name: str, before: Obj, pod: Obj | None) -> Obj:
    if pod is None or not pod["spec"].get("nodeName"):
        known = before.get("hotplugVolume", {}).get("attachPodName")
        hotplug = {"attachPodName": known} if known else {}
        bound = {"phase": "Bound", "reason": "PVCNotReady", "message": "PVC is in phase Bound"}
        return {"hotplugVolume": hotplug, **bound}
    hotplug = {"attachPodName": pod["metadata"]["name"]}
    if pod["status"]["phase"] == "Running":
        hotplug["attachPodUID"] = pod["metadata"]["uid"]
    message = f"Created hotplug attachment pod {pod['metadata']['name']}, for volume {name}"
    return {"hotplugVolume": hotplug, "phase": "AttachedToNode", "reason": "SuccessfulCreate", "message": message}


def _claim_info(vmi: Obj, volume: Obj, claims: Mapping[Key, Obj]) -> Obj:
    name = claim_of(volume).get("claimName")
    claim = claims.get((vmi["metadata"]["namespace"], name)) if name else None
    if claim is None:
        return {}
    info = {
        "claimName": name,
        "accessModes": claim["spec"]["accessModes"],
        "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
        "capacity": claim.get("status", {}).get("capacity", {}),
        "requests": claim["spec"].get("resources", {}).get("requests", {}),
        "filesystemOverhead": "0.055",
    }
    return {"persistentVolumeClaimInfo": info}
