"""Pods -> what the checks look at."""

from collections.abc import Iterable

from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, UNREACHABLE_TAINT
from reactor.model.objects import Obj, moment, number, part, parts, text, texts, without_nulls
from workers.decide.observation import Neighbour, PodView
from workers.decide.placement.selectors import REQUIRED

# The fields of a pod's spec that decide where it may run.
_PLACEMENT_FIELDS = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "schedulerName",
    "resourceClaims",
)
_FINISHED = frozenset({"Succeeded", "Failed"})
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})  # what every container waits for at its start


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
        ending_at=_ending_at(meta),
        scheduled_at=_scheduled(status),
        finished=text(status, "phase") in _FINISHED,
        forced=meta.get("deletionGracePeriodSeconds") == 0,
        finalizers=tuple(meta.get("finalizers") or ()),
        spec=without_nulls({name: spec[name] for name in _PLACEMENT_FIELDS if spec.get(name)}),
        labels=texts(labels),
        claims=tuple(sorted(claims_of(obj))),
    )


def neighbour_view(obj: Obj) -> Neighbour:
    """From a v1 Pod of anybody."""
    meta = obj["metadata"]
    return Neighbour(
        namespace=text(meta, "namespace"),
        name=meta["name"],
        uid=meta["uid"],
        node=text(obj, "spec", "nodeName"),
        labels=texts(meta, "labels"),
        repels=parts(without_nulls(part(obj, "spec", "affinity", "podAntiAffinity")), REQUIRED),
        leaving=bool(meta.get("deletionTimestamp")),
    )


def _ending_at(meta: Obj) -> float | None:
    """The API server sets deletionTimestamp to the end of the grace period."""
    end = moment(meta, "deletionTimestamp")
    return None if end is None else end - (number(meta, "deletionGracePeriodSeconds") or 0.0)


def _scheduled(status: Obj) -> float | None:
    scheduled = (c for c in parts(status, "conditions") if text(c, "type") == "PodScheduled")
    return next((moment(c, "lastTransitionTime") for c in scheduled if text(c, "status") == "True"), None)


def _pending(status: Obj) -> str:
    """The scheduler's message while it finds no node, or why a container does not start."""
    for condition in parts(status, "conditions"):
        if text(condition, "type") == "PodScheduled" and text(condition, "status") != "True":
            return text(condition, "message")
    containers = [*parts(status, "initContainerStatuses"), *parts(status, "containerStatuses")]
    waiting = (part(container, "state", "waiting") for container in containers)
    reasons = (
        f"{text(w, 'reason')}: {text(w, 'message')[:200]}" for w in waiting if text(w, "reason") not in {"", *_ORDINARY}
    )
    return next(reasons, "")


def _tolerates(tolerations: Iterable[Obj], key: str, value: str) -> float | None:
    """For how many seconds: by the first toleration that matches, whatever comes after it. None: for ever.

    Source: kubernetes `GetMatchingTolerations` (pkg/apis/core/v1/helper) and `getMinTolerationTime`
    (pkg/controller/tainteviction): of each taint the first one counts, and of several taints the shortest.
    """
    toleration = next((t for t in tolerations if _matches(t, key, value)), None)
    if toleration is None:
        return 0.0
    seconds = number(toleration, "tolerationSeconds")
    return None if seconds is None else max(0.0, seconds)


def _matches(toleration: Obj, key: str, value: str) -> bool:
    applies = text(toleration, "key") in {"", key} and text(toleration, "effect") in {"", "NoExecute"}
    return applies and (text(toleration, "operator") == "Exists" or text(toleration, "value") == value)


def claims_of(pod: Obj) -> frozenset[str]:
    """The claims that a pod names; they are of its own namespace."""
    volumes = (text(volume, "persistentVolumeClaim", "claimName") for volume in parts(pod, "spec", "volumes"))
    return frozenset(claim for claim in volumes if claim)
