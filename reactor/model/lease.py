"""The Leases by which kubelets report that they live."""

from typing import Any

from reactor.model.objects import Obj, moment, part

NODE_LEASES = "kube-node-lease"  # the namespace in which kubelets renew theirs
USUAL = 40.0  # seconds: the kubelet's default leaseDurationSeconds
_LONGEST = 86400  # seconds


def renewal(lease: Obj) -> tuple[str, float]:
    """A node's name, and when it last renewed its Lease, by its own clock: seconds since the epoch, 0 for never."""
    return lease["metadata"]["name"], moment(lease, "spec", "renewTime") or 0.0


def duration(lease: Obj) -> float:
    """Its leaseDurationSeconds, a quarter of which lies between two renewals; the usual where it makes no sense."""
    value: Any = part(lease, "spec").get("leaseDurationSeconds")
    usable = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(min(value, _LONGEST)) if usable else USUAL


def renewed_at(renewed: str) -> float:
    """A renewTime in seconds since the epoch, 0 where it is none."""
    return max(0.0, moment({"renewTime": renewed}, "renewTime") or 0.0)
