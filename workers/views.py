"""Kubernetes' objects -> what the checks look at."""

from collections.abc import Iterable, Mapping
from typing import Any

from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, UNREACHABLE_TAINT
from reactor.model.times import parse_time
from workers.decide.observation import Attachment, PodView, VmiView, VmView

Obj = Mapping[str, Any]
_FINISHED = frozenset({"Succeeded", "Failed"})
_SAID = 300  # characters of a condition's message
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})  # what every container waits for at its start


def vm_view(obj: Obj) -> VmView:
    """From a kubevirt.io/v1 VirtualMachine."""
    meta, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
    by_running = {True: "Always", False: "Halted"}.get(spec.get("running"), "")
    template = spec.get("template", {}).get("spec", {})
    requests = [request.get("action") for request in status.get("stateChangeRequests") or ()]
    return VmView(
        uid=meta["uid"],
        run_strategy=spec.get("runStrategy") or by_running,
        deleting="deletionTimestamp" in meta,
        template=template,
        annotations=meta.get("annotations", {}),
        # A restart is a Stop followed by a Start.
        stopping="Stop" in requests and "Start" not in requests,
        dumped=(status.get("memoryDumpRequest") or {}).get("phase") == "Completed",
        ready=bool(status.get("ready")),
        hotplugs=any(hotplugged(volume) for volume in template.get("volumes") or ()),
        recovery=_condition(status, "ManualRecoveryRequired"),
        failure=_condition(status, "Failure"),
        status=str(status.get("printableStatus") or ""),
    )


def _condition(status: Obj, kind: str) -> str:
    """What a condition that is True says, "" where it is not."""
    found: Obj = next((c for c in status.get("conditions") or () if c.get("type") == kind), {})
    text = f"{kind}: {found.get('message') or found.get('reason') or 'no reason is given'}"[:_SAID]
    return text if found.get("status") == "True" else ""


def vmi_view(obj: Obj) -> VmiView:
    """From a kubevirt.io/v1 VirtualMachineInstance."""
    meta, status = obj["metadata"], obj.get("status", {})
    plugged = {v["name"]: v["hotplugVolume"] for v in status.get("volumeStatus") or () if "hotplugVolume" in v}
    volumes = obj.get("spec", {}).get("volumes") or []
    return VmiView(
        uid=meta["uid"],
        node=status.get("nodeName", ""),
        phase=status.get("phase", ""),
        created=parse_time(meta["creationTimestamp"]),
        volumes=volumes,
        # The phase AttachedToNode comes with the attachment pod's creation; its uid, once that pod runs (recorded).
        unplugged=tuple(
            volume["name"]
            for volume in volumes
            if hotplugged(volume) and not plugged.get(volume["name"], {}).get("attachPodUID")
        ),
        attachment_pods=tuple(sorted({pod for plug in plugged.values() if (pod := plug.get("attachPodName"))})),
        conditions=_conditions(status.get("conditions") or ()),
    )


def hotplugged(volume: Obj) -> bool:
    """A volume of a spec that was plugged in while the VM ran."""
    sources = (volume.get(kind) or {} for kind in ("persistentVolumeClaim", "dataVolume", "memoryDump"))
    return any(source.get("hotpluggable") for source in sources)


def _conditions(conditions: Iterable[Obj]) -> frozenset[str]:
    return frozenset(
        c["type"] if c["status"] == "True" else f"no {c['type']}" for c in conditions if c["status"] != "Unknown"
    )


def pod_view(obj: Obj, vmi_uid: str = "") -> PodView:
    """From a v1 Pod: a virt-launcher, or a hotplug attachment pod of the instance `vmi_uid`."""
    meta, spec = obj["metadata"], obj["spec"]
    labels = meta.get("labels", {})
    return PodView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        node=spec.get("nodeName", ""),
        vmi_uid=vmi_uid or labels.get("kubevirt.io/created-by", ""),
        created=parse_time(meta["creationTimestamp"]),
        terminating="deletionTimestamp" in meta,
        tolerates=_tolerates(spec.get("tolerations", []), UNREACHABLE_TAINT, ""),
        stays=_tolerates(spec.get("tolerations", []), OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE) is None,
        pending=_pending(obj.get("status", {})),
        hotplug=labels.get("kubevirt.io") == "hotplug-disk",
        ending_at=_asked_to_end(meta),
        scheduled_at=_scheduled(obj.get("status", {})),
        finished=obj.get("status", {}).get("phase") in _FINISHED,
        forced=meta.get("deletionGracePeriodSeconds") == 0,
        finalizers=tuple(meta.get("finalizers") or ()),
    )


def _asked_to_end(meta: Obj) -> float | None:
    """The API server sets deletionTimestamp to the end of the grace period."""
    end = meta.get("deletionTimestamp")
    return parse_time(end) - float(meta.get("deletionGracePeriodSeconds") or 0) if end else None


def _scheduled(status: Obj) -> float | None:
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "True":
            return parse_time(condition["lastTransitionTime"]) if condition.get("lastTransitionTime") else None
    return None


def _pending(status: Obj) -> str:
    """The scheduler's message while it finds no node, or why a container does not start."""
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return str(condition.get("message", ""))
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waiting: Iterable[Obj] = ((c.get("state") or {}).get("waiting") or {} for c in containers)
    said = (
        f"{w['reason']}: {w.get('message', '')[:200]}" for w in waiting if w.get("reason", "") not in {"", *_ORDINARY}
    )
    return next(said, "")


def _tolerates(tolerations: list[Obj], key: str, value: str) -> float | None:
    """As the taint manager counts it: the shortest of the matching tolerations; none that matches: not at all."""
    matching = [
        t.get("tolerationSeconds")
        for t in tolerations
        if t.get("key") in {None, "", key}
        and t.get("effect") in {None, "", "NoExecute"}
        and (t.get("operator") == "Exists" or t.get("value", "") == value)
    ]
    if not matching:
        return 0.0
    limited = [float(seconds) for seconds in matching if seconds is not None]
    return max(0.0, min(limited)) if limited else None


def attachment_view(obj: Obj) -> Attachment:
    """From a storage.k8s.io/v1 VolumeAttachment."""
    meta, spec = obj["metadata"], obj["spec"]
    deleted = meta.get("deletionTimestamp")
    return Attachment(
        name=meta["name"],
        uid=meta["uid"],
        node=spec["nodeName"],
        volume=spec.get("source", {}).get("persistentVolumeName", ""),
        attached=bool(obj.get("status", {}).get("attached")),
        deleted_at=parse_time(deleted) if deleted else None,
        finalizers=tuple(meta.get("finalizers", ())),
    )
