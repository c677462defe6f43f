"""Small pure helpers that the actors share: conditions, taints, owner references, Events, volumes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.client import Obj
from simulator.machines.machine import NO_BACKEND, Backend
from simulator.store.objects import Key, key_of, rfc3339

_CEPH_HANDLE = re.compile(r"[0-9a-f]{4}-(?P<length>[0-9a-f]{4})-(?P<rest>.+)")
CSI_PREFIX = "kubernetes.io/csi/"  # of a volume's name in node.status.volumesInUse and volumesAttached
FINISHED = frozenset({"Failed", "Succeeded"})


def conditions(obj: Obj) -> list[Obj]:
    """status.conditions, empty when absent."""
    return list(obj.get("status", {}).get("conditions") or ())


def condition(obj: Obj, kind: str) -> Obj:
    """One condition by its type, {} when absent."""
    for entry in obj.get("status", {}).get("conditions") or ():
        if entry["type"] == kind:
            found: Obj = entry
            return found
    return {}


def with_condition(entries: list[Obj], new: Obj) -> list[Obj]:
    """The list with one condition set, in place when its type is known; `lastTransitionTime` kept if status stays."""
    for index, old in enumerate(entries):
        if old["type"] == new["type"]:
            return [*entries[:index], new, *entries[index + 1 :]]
    return [*entries, new]


def pod_condition(kind: str, status: str, now: float, **more: Any) -> Obj:
    """A pod's (or VMI's) condition as the API stores it, with `reason` and `message` where given."""
    return {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": rfc3339(now), **more}


def deleting(obj: Obj) -> bool:
    """Whether deletion has begun."""
    return "deletionTimestamp" in obj["metadata"]


def owner_reference(owner: Obj) -> Obj:
    """The controller's ownerReference."""
    return {
        "apiVersion": owner["apiVersion"],
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }


def taints(node: Obj) -> list[Obj]:
    """spec.taints, empty when absent."""
    return list(node.get("spec", {}).get("taints") or ())


def tolerations(pod: Obj, taint: Obj) -> list[Obj]:
    """The pod's tolerations of one taint (kubernetes `ToleratesTaint`)."""
    return [entry for entry in pod["spec"].get("tolerations") or () if _tolerates(entry, taint)]


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def event(about: Obj, what: tuple[str, str], component: str, now: float, *, kind: str = "Normal") -> Obj:
    """A core/v1 Event as client-go's recorder writes it; about a cluster-scoped object it goes to `default`.

    Args:
        about: the object.
        what: reason and message.
        component: who says so.
        now: seconds since the epoch.
        kind: Normal or Warning.
    """
    meta, at = about["metadata"], rfc3339(now)
    namespace = meta.get("namespace", "")
    involved = {"kind": about["kind"], "apiVersion": about["apiVersion"], "name": meta["name"], "uid": meta["uid"]}
    if namespace:
        involved["namespace"] = namespace
    return {
        "metadata": {"generateName": f"{meta['name']}.", "namespace": namespace or "default"},
        "involvedObject": involved,
        "reason": what[0],
        "message": what[1],
        "type": kind,
        "source": {"component": component},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": "",
    }


def scheduling_event(pod: Obj, what: tuple[str, str], action: str, now: float) -> Obj:
    """An Event as the scheduler writes it, through events.k8s.io: eventTime and action, no source and no count."""
    obj = event(pod, what, "default-scheduler", now, kind="Normal" if action == "Binding" else "Warning")
    for name in ("firstTimestamp", "lastTimestamp", "count"):
        del obj[name]
    who = {"source": {}, "reportingInstance": "default-scheduler-0"}
    return obj | who | {"eventTime": micro_time(now), "action": action}


def micro_time(now: float) -> str:
    """Seconds since the epoch as Kubernetes' MicroTime (Leases, eventTime)."""
    micros = round(now * 1_000_000)
    second, rest = divmod(micros, 1_000_000)
    return f"{rfc3339(second)[:-1]}.{rest:06d}Z"


def claims(pod: Obj, *, writable: bool = False) -> Iterable[Key]:
    """(namespace, name) of every PersistentVolumeClaim a pod mounts; with `writable` none that it mounts read-only."""
    for volume in pod["spec"].get("volumes") or ():
        claim = volume.get("persistentVolumeClaim")
        if claim and not (writable and claim.get("readOnly")):
            yield key_of(pod)[0], claim["claimName"]


def volume_of(claim: Obj | None, volumes: Mapping[Key, Obj]) -> Obj | None:
    """The PersistentVolume that a claim names, if it names that claim, too, by its uid; both are shared.

    Source: kubernetes `pkg/controller/volume/attachdetach/util`, getPVSpecFromCache; the kubelet does the same.
    """
    if claim is None:
        return None
    volume = volumes.get(("", claim["spec"].get("volumeName", "")))
    whose = (volume["spec"].get("claimRef") or {}).get("uid") if volume else None
    return volume if whose == claim["metadata"]["uid"] else None


def unique_volume(volume: Obj) -> str | None:
    """A PersistentVolume's name in a node's status ("kubernetes.io/csi/<driver>^<handle>"), None when it is not CSI."""
    csi = volume["spec"].get("csi")
    return f"{CSI_PREFIX}{csi['driver']}^{csi['volumeHandle']}" if csi else None


def backend(volume: Obj) -> Backend:
    """Where a PersistentVolume lies; ceph-csi says the cluster in an attribute, and in the handle ("0001-0009-...")."""
    csi = volume["spec"].get("csi")
    if csi is None:
        return NO_BACKEND
    told = (csi.get("volumeAttributes") or {}).get("clusterID")
    return csi["driver"], told or _cluster_in(csi["volumeHandle"])


def _cluster_in(handle: str) -> str:
    """The clusterID in a handle of ceph-csi's (`internal/util/volid.go`) after its version and length; "" if none."""
    found = _CEPH_HANDLE.match(handle)
    return found["rest"][: int(found["length"], 16)] if found else ""
