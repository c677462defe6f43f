"""What virt-controller says of a VirtualMachine, given its VMI: the new VMI and the VM's status, as recorded. Pure.

Source: KubeVirt `pkg/virt-controller/watch/vm/vm.go`.
"""

from simulator.actors import objects
from simulator.actors.vmi import FINALIZE, FOREGROUND, phase_of, phase_patch
from simulator.api.instance_types import PARTS
from simulator.client import Obj
from simulator.store.objects import rfc3339

_COPIED = ("Ready", "LiveMigratable", "StorageLiveMigratable", "PodScheduled", "Paused")
_KEPT = frozenset({"volumeSnapshotStatuses", "changedBlockTracking", *PARTS.values()})  # of the VM's status
_RESTARTED = {"Always": objects.FINISHED, "RerunOnFailure": frozenset({"Failed"})}


def strategy(vm: Obj) -> str:
    """The run strategy; `spec.running` is the old way to say Always or Halted."""
    return str(vm["spec"].get("runStrategy") or ("Always" if vm["spec"].get("running") else "Halted"))


def start_requested(vm: Obj) -> bool:
    """Whether somebody asked for a start (`virtctl start`, or a failure that is to be rerun)."""
    return any(entry["action"] == "Start" for entry in vm.get("status", {}).get("stateChangeRequests") or ())


def should_start(vm: Obj) -> bool:
    """Whether a VM without VMI gets one."""
    how = strategy(vm)
    if objects.deleting(vm) or how in ("Halted", "WaitAsReceiver") or _to_be_repaired(vm):
        return False
    if how == "Manual":
        return start_requested(vm)
    return how != "Once" or "printableStatus" not in vm.get("status", {})


def _to_be_repaired(vm: Obj) -> bool:
    """A migration of its volumes broke off (`startVMI`): it is not started before somebody has undone that."""
    return bool(objects.condition(vm, "ManualRecoveryRequired").get("status") == "True")


def should_stop(vm: Obj, vmi: Obj) -> bool:
    """Whether the VMI is to be deleted: nobody wants it, or another one is to take its place."""
    how, requests = strategy(vm), vm.get("status", {}).get("stateChangeRequests") or ()
    stopped = any(entry["action"] == "Stop" and entry.get("uid") == vmi["metadata"]["uid"] for entry in requests)
    return stopped or objects.deleting(vm) or how == "Halted" or phase_of(vmi) in _RESTARTED.get(how, ())


def new_vmi(vm: Obj, spec: Obj, now: float) -> Obj:
    """The VMI of a VM, whose template with instance type and preference makes this spec."""
    meta, template = vm["metadata"], vm["spec"]["template"]
    tracked = {name: vm["status"][name] for name in ("changedBlockTracking",) if name in vm.get("status", {})}
    spec = {**spec}
    spec.setdefault("evictionStrategy", "None")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": dict(template.get("metadata", {}).get("labels") or {}),
            "annotations": {"kubevirt.io/vm-generation": str(meta.get("generation", 1))},
            "finalizers": [FINALIZE, FOREGROUND],
            "ownerReferences": [objects.owner_reference(vm)],
        },
        "spec": spec,
        **phase_patch({}, "Pending", now, **tracked),
    }


def status(vm: Obj, vmi: Obj | None, now: float, *, starting: bool = False) -> Obj:
    """The VM's whole new status; `starting` = the VMI that is there was created just now."""
    old = vm.get("status", {})
    new = {
        "conditions": _conditions(vm, vmi, now),
        "printableStatus": _printable(vm, vmi, starting=starting),
        "runStrategy": strategy(vm),
        "desiredGeneration": vm["metadata"].get("generation", 1),
        "observedGeneration": vm["metadata"].get("generation", 1),
    }
    if vmi is not None:
        new["created"] = True
    if objects.condition({"status": new}, "Ready")["status"] == "True":
        new["ready"] = True
    if requests := _requests(vm, vmi):
        new["stateChangeRequests"] = requests
    return {**{name: value for name, value in old.items() if name in _KEPT}, **new}


def _requests(vm: Obj, vmi: Obj | None) -> list[Obj]:
    """A failed VMI under RerunOnFailure is to be started again; a request ends when a fresh VMI is there."""
    requests = list(vm.get("status", {}).get("stateChangeRequests") or ())
    if vmi is None:
        return requests
    if phase_of(vmi) in objects.FINISHED or objects.deleting(vmi):
        again = strategy(vm) == "RerunOnFailure" and phase_of(vmi) == "Failed"
        return requests or ([{"action": "Start"}] if again else [])
    return []


def _conditions(vm: Obj, vmi: Obj | None, now: float) -> list[Obj]:
    copied = [] if vmi is None else [objects.condition(vmi, kind) for kind in _COPIED]
    copied = [entry for entry in (*copied, objects.condition(vm, "ManualRecoveryRequired")) if entry]
    if copied and copied[0]["type"] == "Ready":
        return copied
    missing = "VMINotExists", "VMI does not exist"
    if vmi is not None:
        missing = "VMIConditionMissing", "VMI is missing the Ready condition"
    before = objects.condition(vm, "Ready")
    if before.get("reason") == missing[0]:
        return [before, *copied]
    ready = objects.pod_condition("Ready", "False", now, reason=missing[0], message=missing[1])
    return [ready | {"lastProbeTime": rfc3339(now)}, *copied]


def _printable(vm: Obj, vmi: Obj | None, *, starting: bool) -> str:
    if vmi is None:
        return "Starting" if starting else "Stopped"
    phase = phase_of(vmi)
    if phase in objects.FINISHED:
        ran = any(entry["phase"] == "Running" for entry in vmi["status"].get("phaseTransitionTimestamps") or ())
        return "Stopped" if ran else "CrashLoopBackOff"
    if objects.deleting(vmi):
        return "Terminating" if objects.deleting(vm) else "Stopping"
    if objects.condition(vmi, "PodScheduled").get("reason") == "Unschedulable":
        return "ErrorUnschedulable"
    return "Running" if phase == "Running" else "Starting"
