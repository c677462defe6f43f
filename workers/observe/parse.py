"""Kubernetes' objects -> what the checks look at."""

from collections.abc import Iterable

from reactor.model.objects import Obj, moment, number, part, parts, text, texts, without_nulls, words
from workers.decide.observation import TYPES, Attachment, VmiView, VmView
from workers.observe.pods import claims_of, neighbour_view, pod_view

__all__ = ["attachment_view", "claims_of", "hotplugged", "neighbour_view", "pod_view", "vm_view", "vmi_view"]
_LONGEST = 300  # characters of a condition's message


def vm_view(obj: Obj) -> VmView:
    """From a kubevirt.io/v1 VirtualMachine."""
    meta, spec, status = obj["metadata"], part(obj, "spec"), part(obj, "status")
    by_running = {"True": "Always", "False": "Halted"}.get(str(spec.get("running")), "")
    template = without_nulls(part(spec, "template", "spec"))
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
        recovery=_recovery(spec, status),
        failure=_condition(status, "Failure"),
        status=text(status, "printableStatus"),
        retry_at=moment(status, "startFailure", "retryAfterTimestamp"),
        labels=texts(spec, "template", "metadata", "labels"),
        generation=_generation(meta),
        typed={kind: text(spec, kind, "name") for kind in TYPES if part(spec, kind)},
        revisions={kind: name for kind in TYPES if (name := _revision(obj, kind))},
        tracked=_tracked(status),
    )


def _generation(meta: Obj) -> str:
    count = number(meta, "generation")
    return "" if count is None else str(int(count))


def _revision(vm: Obj, kind: str) -> str:
    """The ControllerRevision that holds the instance type or the preference as this VM has it; not that of another."""
    ref = part(vm, "status", f"{kind}Ref")
    same = text(ref, "name") in {"", text(vm, "spec", kind, "name")}
    return text(vm, "spec", kind, "revisionName") or (text(ref, "controllerRevisionRef", "name") if same else "")


def _tracked(status: Obj) -> bool:
    """Are its changed blocks tracked, in a state claim? Source: HasCBTStateEnabled in kubevirt, pkg/storage/cbt."""
    return text(status, "changedBlockTracking", "state") in {"Initializing", "Enabled"}


def _recovery(spec: Obj, status: Obj) -> str:
    """KubeVirt turns a VM whose volumes were being migrated into one that needs a repair once its instance ends.

    Source: kubevirt `pkg/virt-controller/watch/vm/vm.go`, syncVolumeMigration and startVMI.
    """
    by_migration = text(spec, "updateVolumesStrategy") == "Migration"
    migrating = by_migration and bool(part(status, "volumeUpdateState", "volumeMigrationState"))
    return _condition(status, "ManualRecoveryRequired") or (_condition(status, "VolumesChange") if migrating else "")


def _condition(status: Obj, kind: str) -> str:
    """What a condition that is True says, "" where it is not."""
    condition = next((c for c in parts(status, "conditions") if text(c, "type") == kind), None)
    why = text(condition, "message") or text(condition, "reason") or "no reason is given"
    return f"{kind}: {why}"[:_LONGEST] if text(condition, "status") == "True" else ""


def vmi_view(obj: Obj) -> VmiView:
    """From a kubevirt.io/v1 VirtualMachineInstance."""
    status = part(obj, "status")
    plugged = {text(v, "name"): part(v, "hotplugVolume") for v in parts(status, "volumeStatus")}
    volumes = parts(without_nulls(part(obj, "spec")), "volumes")
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
        spec=without_nulls(part(obj, "spec")),
        labels=texts(obj, "metadata", "labels"),
        owner=_owner(parts(obj, "metadata", "ownerReferences")),
        generation=text(obj, "metadata", "annotations", "kubevirt.io/vm-generation"),
        claims=_claims(parts(status, "volumeStatus")),
        tracked=_tracked(status),
        deleting=bool(obj["metadata"].get("deletionTimestamp")),
    )


def _owner(references: Iterable[Obj]) -> str:
    """The uid of the VM that controls it."""
    vms = (ref for ref in references if text(ref, "kind") == "VirtualMachine" and ref.get("controller") is True)
    return next((text(ref, "uid") for ref in vms if text(ref, "apiVersion").startswith("kubevirt.io/")), "")


def _claims(volume_statuses: Iterable[Obj]) -> tuple[str, ...]:
    names = (text(volume, "persistentVolumeClaimInfo", "claimName") for volume in volume_statuses)
    return tuple(sorted({name for name in names if name}))


def hotplugged(volume: Obj) -> bool:
    """A volume of a spec that was plugged in while the VM ran."""
    sources = (part(volume, kind) for kind in ("persistentVolumeClaim", "dataVolume", "memoryDump"))
    return any(source.get("hotpluggable") for source in sources)


def _conditions(conditions: Iterable[Obj]) -> frozenset[str]:
    statuses = ((text(c, "type"), text(c, "status")) for c in conditions)
    return frozenset(
        kind if status == "True" else f"no {kind}" for kind, status in statuses if status in {"True", "False"}
    )


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
