"""What virt-controller says of a VirtualMachineInstance, given its launcher pod: patches, as recorded. Pure.

Source: KubeVirt `pkg/virt-controller/watch/vmi/` (`lifecycle.go`, `conditions`).
"""

from typing import Any

from simulator.actors import objects
from simulator.actors.launcher import IMAGE
from simulator.client import Obj
from simulator.store.objects import rfc3339

FOREGROUND = "kubevirt.io/foregroundDeleteVirtualMachine"
FINALIZE = "kubevirt.io/virtualMachineControllerFinalize"
NEW = ("Pending", "Scheduling")  # virt-controller's own; from Scheduled on virt-handler has the instance
# Go writes these whether they are set or not, so virt-controller has read a null where there was nothing.
_TIMES = {"lastProbeTime": None, "lastTransitionTime": None}


def phase_of(vmi: Obj) -> str:
    """The phase; a new VMI without one is Pending."""
    return str(vmi.get("status", {}).get("phase") or "Pending")


def phase_patch(vmi: Obj, phase: str, now: float, **status: Any) -> Obj:
    """The merge patch that brings a VMI into a phase, with more status fields."""
    entered = {"phase": phase, "phaseTransitionTimestamp": rfc3339(now)}
    stamps = [*(vmi.get("status", {}).get("phaseTransitionTimestamps") or ()), entered]
    return {"status": {"phase": phase, "phaseTransitionTimestamps": stamps, **status}}


def json_patch(old: Obj, new: Obj) -> list[Obj]:
    """What brings one state to the other, field by field, where each is still as it was read (`prepareVMIPatch`)."""
    operations: list[Obj] = []
    for part in ("metadata", "status"):
        before, after = old.get(part) or {}, new.get(part) or {}
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                operations += _change(f"/{part}/{name}", before.get(name), after.get(name))
    return operations


def _change(path: str, old: Any, new: Any) -> list[Obj]:
    test = [] if old is None else [{"op": "test", "path": path, "value": _as_read(path, old)}]
    change = {"op": "remove", "path": path} if new is None else {"op": "add", "path": path, "value": new}
    return [*test, change]


def _as_read(path: str, value: Any) -> Any:
    return [_TIMES | condition for condition in value] if path == "/status/conditions" else value


def going_down(pod: Obj) -> bool:
    """Whether the launcher is on its way out, or already finished."""
    return objects.deleting(pod) or pod["status"]["phase"] in objects.FINISHED


def next_patch(vmi: Obj, pod: Obj | None, now: float) -> Obj | None:
    """The one change that the VMI needs now, None when it is as its launcher says."""
    phase = phase_of(vmi)
    if phase in objects.FINISHED:
        return _after_end(vmi, pod, now)
    if pod is None:
        known = vmi.get("status", {}).get("activePods") or objects.deleting(vmi)
        return _ended(vmi, now) if known else None
    if phase in NEW and going_down(pod):
        return phase_patch(vmi, "Failed", now)
    if phase == "Pending":
        active = {"activePods": {pod["metadata"]["uid"]: pod["spec"].get("nodeName", "")}}
        conditions = [_ready("False", now, "GuestNotRunning", "Guest VM is not reported as running")]
        return phase_patch(vmi, "Scheduling", now, conditions=conditions, launcherContainerImageVersion=IMAGE, **active)
    if phase == "Scheduling" and pod["status"]["phase"] == "Running":
        return _scheduled(vmi, pod, now)
    return _conditions_patch(vmi, pod, now)


def _after_end(vmi: Obj, pod: Obj | None, now: float) -> Obj | None:
    """An ended VMI lets go of its finalizer when its pod is gone, and says that the pod is."""
    if pod is not None:
        return None
    if objects.condition(vmi, "Ready").get("reason") != "PodNotExists":
        return _ended(vmi, now)
    finalizers = vmi["metadata"].get("finalizers") or []
    if FOREGROUND not in finalizers:
        return None
    left = [name for name in finalizers if name != FOREGROUND]
    return {
        "metadata": {"finalizers": left or None},
        "status": {"activePods": None, "launcherContainerImageVersion": None},
    }


def _ended(vmi: Obj, now: float) -> Obj:
    gone = _ready("False", now, "PodNotExists", "virt-launcher pod has not yet been scheduled")
    conditions = objects.with_condition(objects.conditions(vmi), gone)
    if phase_of(vmi) in objects.FINISHED:
        return {"status": {"conditions": conditions}}
    return phase_patch(vmi, "Failed", now, conditions=conditions)


def _scheduled(vmi: Obj, pod: Obj, now: float) -> Obj:
    node = pod["spec"]["nodeName"]
    patch = phase_patch(
        vmi,
        "Scheduled",
        now,
        nodeName=node,
        activePods={pod["metadata"]["uid"]: node},
        interfaces=[{"name": "default", "podInterfaceName": "eth0"}],
        migrationTransport="Unix",
        qosClass="Burstable",
        conditions=[entry for entry in objects.conditions(vmi) if entry["type"] != "PodScheduled"],
    )
    return patch | {"metadata": {"labels": {"kubevirt.io/nodeName": node}}}


def _conditions_patch(vmi: Obj, pod: Obj, now: float) -> Obj | None:
    """Ready and PodScheduled as the launcher has them, if they are not so already."""
    old = objects.conditions(vmi)
    new = [entry for entry in old if entry["type"] != "PodScheduled"]
    scheduled = objects.condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        new.append({name: value for name, value in scheduled.items() if name != "observedGeneration"})
    ready, present = _wanted_ready(vmi, pod, now), objects.condition(vmi, "Ready")
    if any(ready.get(name) != present.get(name) for name in ("status", "reason")):
        new = objects.with_condition(new, ready)
    return {"status": {"conditions": new}} if new != old else None


def _wanted_ready(vmi: Obj, pod: Obj, now: float) -> Obj:
    if phase_of(vmi) != "Running":
        return _ready("False", now, "GuestNotRunning", "Guest VM is not reported as running")
    if going_down(pod):
        return _ready("False", now, "PodTerminating", "virt-launcher pod is terminating")
    ready = objects.condition(pod, "Ready")
    return {"type": "Ready", "lastProbeTime": None, "lastTransitionTime": rfc3339(now)} | {
        name: ready[name] for name in ("status", "reason", "message") if name in ready
    }


def _ready(status: str, now: float, reason: str, message: str) -> Obj:
    entry = objects.pod_condition("Ready", status, now, reason=reason, message=message)
    return entry | {"lastProbeTime": rfc3339(now)}
