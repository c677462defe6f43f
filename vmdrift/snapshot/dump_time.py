"""When a dump was made, by what it holds."""

from collections.abc import Mapping, Sequence

from reactor.model.lease import NODE_LEASES
from reactor.model.objects import JsonObject, moment, parts, text
from workers.decide.quorum import ABANDONED


def written_at(objects: Mapping[str, Sequence[JsonObject]]) -> float:
    """When a dump was made: the controller manager renews its Lease every 2 s, kubelets theirs every 10 s."""
    times = {
        (text(lease, "metadata", "namespace"), lease["metadata"]["name"]): stamp
        for lease in objects.get("leases", ())
        if (stamp := moment(lease, "spec", "renewTime"))
    }
    keys = ((NODE_LEASES, node["metadata"]["name"]) for node in objects["nodes"])
    kubelets = sorted(times[key] for key in keys if key in times)
    manager = times.get(("kube-system", "kube-controller-manager"))
    # Where leader election was switched off since, a Lease is left that nobody renews.
    if manager and not (kubelets and kubelets[len(kubelets) // 2] > manager + ABANDONED):
        return manager
    conditions = (condition for node in objects["nodes"] for condition in parts(node, "status", "conditions"))
    return max(
        kubelets or filter(None, (moment(condition, "lastHeartbeatTime") for condition in conditions)), default=0.0
    )
