"""What of a VM is not played: it asks for something of which the simulated cluster knows nothing, or only a part. Pure.

What a pod asks for is counted on each node by its name, whatever it is: devices and huge pages, too.
"""

from collections.abc import Iterable, Iterator, Mapping

from reactor.model.objects import Obj, part, parts, text
from vmdrift.snapshot import ClusterSnapshot
from workers.observe.cache import listed

_COUNTED = "only how many a node has"
# A field of an instance's domain, and what to call it.
_OF_DOMAIN: Mapping[tuple[str, ...], str] = {
    ("devices", "gpus"): f"GPU ({_COUNTED})",
    ("devices", "hostDevices"): f"PCI device ({_COUNTED})",
    ("cpu", "dedicatedCpuPlacement"): f"dedicated CPUs ({_COUNTED})",
    ("cpu", "numa"): "NUMA",
    ("cpu", "realtime"): "realtime (only the node's label)",
    ("memory", "hugepages"): "hugepages (only how much a node has)",
    ("launchSecurity",): "confidential computing (only the node's labels)",
}
_SETS = frozenset({"VirtualMachinePool"})
_PLAIN = frozenset({"", "default-scheduler"})
_LONG = 60  # characters that are shown of a name
Launchers = Mapping[str, Obj]  # by the uid of their instance


def launchers(snapshot: ClusterSnapshot) -> Launchers:
    """Of all instances, one each."""
    own = ((text(pod, "metadata", "labels", "kubevirt.io/created-by"), pod) for pod in listed(snapshot, "pods"))
    return {uid: pod for uid, pod in own if uid and text(pod, "spec", "nodeName")}


def unplayed(snapshot: ClusterSnapshot, pods: Launchers, name: str, namespace: str) -> tuple[str, ...]:
    """Of one VM, in words."""
    vmi = snapshot.find("virtualmachineinstances", name, namespace) or {}
    vm = snapshot.find("virtualmachines", name, namespace) or {}
    pod = pods.get(text(vmi, "metadata", "uid"), {})
    return tuple(dict.fromkeys((*_of_domain(vmi), *_of_placement(vmi, pod), *_of_life(vmi, vm))))


def _of_domain(vmi: Obj) -> Iterator[str]:
    domain = part(vmi, "spec", "domain")
    for path, name in _OF_DOMAIN.items():
        above = part(domain, *path[:-1])
        if path[-1] in above and above[path[-1]] not in (False, None, []):
            yield name
    if any("sriov" in interface for interface in parts(domain, "devices", "interfaces")):
        yield f"SR-IOV network ({_COUNTED})"
    elif any("multus" in network for network in parts(vmi, "spec", "networks")):
        yield "a second network"


def _of_placement(vmi: Obj, pod: Obj) -> Iterator[str]:
    scheduler, runtime = text(vmi, "spec", "schedulerName"), text(pod, "spec", "runtimeClassName")
    if scheduler not in _PLAIN:
        yield f"scheduler {scheduler[:_LONG]} (placed as Kubernetes' own would)"
    if runtime:
        yield f"runtime class {runtime[:_LONG]} (only what the lost launcher had of it)"
    if claims := [*_names(parts(vmi, "spec", "resourceClaims")), *_names(parts(pod, "spec", "resourceClaims"))]:
        yield f"resource claims {', '.join(dict.fromkeys(claims))[:_LONG]}"
    if parts(pod, "spec", "schedulingGates"):
        yield "scheduling gates"
    priority = text(vmi, "spec", "priorityClassName") or text(pod, "spec", "priorityClassName")
    if priority:
        yield f"priority class {priority[:_LONG]} (nobody is preempted)"


def _of_life(vmi: Obj, vm: Obj) -> Iterator[str]:
    migration = part(vmi, "status", "migrationState")
    if migration and not (migration.get("completed") or migration.get("failed")):
        yield "a migration that was under way"
    if any(c.get("type") == "Paused" and c.get("status") == "True" for c in parts(vmi, "status", "conditions")):
        yield "that it is paused (it comes back running)"
    if text(vmi, "spec", "startStrategy") == "Paused":
        yield "that it starts paused"
    for owner in parts(vm, "metadata", "ownerReferences"):
        if (kind := text(owner, "kind")) in _SETS:
            yield f"its {kind}"
    if "volumeMigrationState" in part(vm, "status", "volumeUpdateState"):
        yield "a volume migration that was under way"


def _names(claims: Iterable[Obj]) -> list[str]:
    return [text(claim, "name") for claim in claims]
