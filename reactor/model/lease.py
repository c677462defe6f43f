"""The Leases by which kubelets report that they live."""

from reactor.model.objects import Obj, moment

NODE_LEASES = "kube-node-lease"  # the namespace in which kubelets renew theirs


def renewal(lease: Obj) -> tuple[str, float]:
    """A node's name, and when it last renewed its Lease, by its own clock: seconds since the epoch, 0 for never."""
    return lease["metadata"]["name"], moment(lease, "spec", "renewTime") or 0.0


def renewed_at(renewed: str) -> float:
    """A renewTime in seconds since the epoch, 0 where it is none."""
    return max(0.0, moment({"renewTime": renewed}, "renewTime") or 0.0)
