"""How an object is deleted: at once, with a grace period (pods), or held back by finalizers. Pure rules.

Source: kubernetes `staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go` (BeforeDelete), `pkg/registry/core/pod`,
and what a real API server was recorded to do.
"""

from typing import Any

from simulator.client import Obj
from simulator.store.objects import epoch, field, rfc3339
from simulator.store.resources import Resource

_DEFAULT_POD_GRACE = 30


def marked(kind: Resource, obj: Obj, now: float, grace: int | None) -> Obj:
    """The object with its deletion begun or shortened; the same object when the request changes nothing.

    Args:
        kind: the object's kind; only pods have a grace period.
        obj: the object as stored; it is not changed.
        now: seconds since the epoch.
        grace: seconds, as the request says; None for the object's own.
    """
    meta = obj["metadata"]
    if kind.plural != "pods":
        held = bool(meta.get("finalizers")) and "deletionTimestamp" not in meta
        return _with_deletion(kind, obj, now, 0) if held else obj
    if "deletionTimestamp" not in meta:
        seconds = _pod_grace(obj, grace)
        return _with_deletion(kind, obj, now + seconds, seconds)
    return _shortened(kind, obj, now, grace)


def may_go(obj: Obj) -> bool:
    """Whether nothing holds the object any more: no finalizer and, once deletion has begun, no grace period."""
    meta = obj["metadata"]
    return not meta.get("finalizers") and not meta.get("deletionGracePeriodSeconds")


def _pod_grace(pod: Obj, grace: int | None) -> int:
    if not field(pod, "spec.nodeName") or field(pod, "status.phase") in {"Failed", "Succeeded"}:
        return 0  # no kubelet has anything to stop
    if grace is not None:
        return grace
    own: Any = pod.get("spec", {}).get("terminationGracePeriodSeconds")
    return _DEFAULT_POD_GRACE if own is None else int(own)


def _shortened(kind: Resource, pod: Obj, now: float, grace: int | None) -> Obj:
    meta = pod["metadata"]
    running = int(meta.get("deletionGracePeriodSeconds") or 0)
    if grace is None or grace >= running:
        return pod
    # Counted from when the deletion began; a forced one (0) is stamped with the present (recorded).
    at = epoch(meta["deletionTimestamp"]) - running + grace if grace else now
    return _with_deletion(kind, pod, at, grace)


def _with_deletion(kind: Resource, obj: Obj, at: float, grace: int) -> Obj:
    meta = {**obj["metadata"], "deletionTimestamp": rfc3339(at), "deletionGracePeriodSeconds": grace}
    if kind.counts_generation and "deletionTimestamp" not in obj["metadata"]:
        meta["generation"] = meta.get("generation", 0) + 1
    return {**obj, "metadata": meta}
