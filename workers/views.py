"""Kubernetes' objects -> what the checks look at."""

from collections.abc import Iterable, Mapping
from typing import Any

from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, UNREACHABLE_TAINT
from reactor.model.objects import moment, number, part, parts, said, text, words
from workers.decide.observation import Attachment, PodView, VmiView, VmView

Obj = Mapping[str, Any]
_FINISHED = frozenset({"Succeeded", "Failed"})
_SAID = 300  # characters of a condition's message
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})  # what every container waits for at its start


def vm_view(obj: Obj) -> VmView:
    """From a kubevirt.io/v1 VirtualMachine."""
    meta, spec, status = obj["metadata"], part(obj, "spec"), part(obj, "status")
    by_running = {"True": "Always", "False": "Halted"}.get(str(spec.get("running")), "")
    template = said(part(spec, "template", "spec"))
    requests = [text(request, "action") for request in parts(status, "stateChangeRequests")]
    return VmView(
        uid=meta["uid"],
        run_strategy=text(spec, "runStrategy") or by_running,
        deleting=bool(meta.get("deletionTimestamp")),
        template=template,
        annotations=part(meta, "annotations"),
        # A restart is a Stop followed by a Start.
        stopping="Stop" in requests and "Start" not in requests,
        dumped=text(status, "memoryDumpRequest", "phase") == "Completed",
        ready=bool(status.get("ready")),
        hotplugs=any(hotplugged(volume) for volume in parts(template, "volumes")),
        recovery=_condition(status, "ManualRecoveryRequired"),
        failure=_condition(status, "Failure"),
        status=text(status, "printableStatus"),
    )


def _condition(status: Obj, kind: str) -> str:
    """What a condition that is True says, "" where it is not."""
    found = next((c for c in parts(status, "conditions") if text(c, "type") == kind), None)
    why = text(found, "message") or text(found, "reason") or "no reason is given"
    return f"{kind}: {why}"[:_SAID] if text(found, "status") == "True" else ""


def vmi_view(obj: Obj) -> VmiView:
    """From a kubevirt.io/v1 VirtualMachineInstance."""
    status = part(obj, "status")
    plugged = {text(v, "name"): part(v, "hotplugVolume") for v in parts(status, "volumeStatus")}
    volumes = parts(said(part(obj, "spec")), "volumes")
    return VmiView(
        uid=obj["metadata"]["uid"],
        node=text(status, "nodeName"),
        phase=text(status, "phase"),
        created=moment(obj, "metadata", "creationTimestamp") or 0.0,
        volumes=volumes,
        # The phase AttachedToNode comes with the attachment pod's creation; its uid, once that pod runs (recorded).
        unplugged=tuple(
            text(volume, "name")
            for volume in volumes
            if hotplugged(volume) and not text(plugged, text(volume, "name"), "attachPodUID")
        ),
        attachment_pods=tuple(sorted({pod for plug in plugged.values() if (pod := text(plug, "attachPodName"))})),
        conditions=_conditions(parts(status, "conditions")),
    )


def hotplugged(volume: Obj) -> bool:
    """A volume of a spec that was plugged in while the VM ran."""
    sources = (part(volume, kind) for kind in ("persistentVolumeClaim", "dataVolume", "memoryDump"))
    return any(source.get("hotpluggable") for source in sources)


def _conditions(conditions: Iterable[Obj]) -> frozenset[str]:
    known = ((text(c, "type"), text(c, "status")) for c in conditions)
    return frozenset(kind if is_so == "True" else f"no {kind}" for kind, is_so in known if is_so in {"True", "False"})


def pod_view(obj: Obj, vmi_uid: str = "") -> PodView:
    """From a v1 Pod: a virt-launcher, or a hotplug attachment pod of the instance `vmi_uid`."""
    meta, spec, status = obj["metadata"], part(obj, "spec"), part(obj, "status")
    labels, tolerations = part(meta, "labels"), parts(spec, "tolerations")
    return PodView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        node=text(spec, "nodeName"),
        vmi_uid=vmi_uid or text(labels, "kubevirt.io/created-by"),
        created=moment(meta, "creationTimestamp") or 0.0,
        terminating=bool(meta.get("deletionTimestamp")),
        tolerates=_tolerates(tolerations, UNREACHABLE_TAINT, ""),
        stays=_tolerates(tolerations, OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE) is None,
        pending=_pending(status),
        hotplug=text(labels, "kubevirt.io") == "hotplug-disk",
        ending_at=_asked_to_end(meta),
        scheduled_at=_scheduled(status),
        finished=text(status, "phase") in _FINISHED,
        forced=meta.get("deletionGracePeriodSeconds") == 0,
        finalizers=tuple(meta.get("finalizers") or ()),
    )


def _asked_to_end(meta: Obj) -> float | None:
    """The API server sets deletionTimestamp to the end of the grace period."""
    end = moment(meta, "deletionTimestamp")
    return None if end is None else end - (number(meta, "deletionGracePeriodSeconds") or 0.0)


def _scheduled(status: Obj) -> float | None:
    found = (c for c in parts(status, "conditions") if text(c, "type") == "PodScheduled")
    return next((moment(c, "lastTransitionTime") for c in found if text(c, "status") == "True"), None)


def _pending(status: Obj) -> str:
    """The scheduler's message while it finds no node, or why a container does not start."""
    for condition in parts(status, "conditions"):
        if text(condition, "type") == "PodScheduled" and text(condition, "status") != "True":
            return text(condition, "message")
    containers = [*parts(status, "initContainerStatuses"), *parts(status, "containerStatuses")]
    waiting = (part(container, "state", "waiting") for container in containers)
    told = (
        f"{text(w, 'reason')}: {text(w, 'message')[:200]}" for w in waiting if text(w, "reason") not in {"", *_ORDINARY}
    )
    return next(told, "")


def _tolerates(tolerations: Iterable[Obj], key: str, value: str) -> float | None:
    """As the taint manager counts it: the shortest of the matching tolerations; none that matches: not at all."""
    matching = [
        number(t, "tolerationSeconds")
        for t in tolerations
        if text(t, "key") in {"", key}
        and text(t, "effect") in {"", "NoExecute"}
        and (text(t, "operator") == "Exists" or text(t, "value") == value)
    ]
    if not matching:
        return 0.0
    limited = [seconds for seconds in matching if seconds is not None]
    return max(0.0, min(limited)) if limited else None


def claims_of(pod: Obj) -> frozenset[str]:
    """The claims that a pod names; they are of its own namespace."""
    volumes = (text(volume, "persistentVolumeClaim", "claimName") for volume in parts(pod, "spec", "volumes"))
    return frozenset(claim for claim in volumes if claim)


def attachment_view(obj: Obj) -> Attachment:
    """From a storage.k8s.io/v1 VolumeAttachment."""
    meta, spec = obj["metadata"], part(obj, "spec")
    return Attachment(
        name=meta["name"],
        uid=meta["uid"],
        node=text(spec, "nodeName"),
        volume=text(spec, "source", "persistentVolumeName"),
        attached=bool(part(obj, "status").get("attached")),
        deleted_at=moment(meta, "deletionTimestamp"),
        finalizers=words(meta, "finalizers"),
    )
