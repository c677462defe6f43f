"""The fencing provider `network-fence`: CSI-Addons blocks the storage clients of the lost node.

Facts from csi-addons/kubernetes-csi-addons, `api/csiaddons/v1alpha1` and `internal/controller/csiaddons/
networkfence_controller.go`: a NetworkFence is carried out when its generation changes; its status tells a result and a
message, and not of which generation; **deleting one does not let its clients in again**, so it is set to Unfenced
first, and deleted once the message says that this was done.
"""

from hashlib import sha256

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import Conflict, FenceError
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.objects import JsonObject, part, text, words
from workers.fencing.providers.marks import marked
from workers.fencing.providers.provider import FencingCluster
from workers.fencing.providers.storage_clients import Client, Network, Pairs, clients, needed, network_of

_FENCES = "networkfences"
# On a NetworkFence of ours: whose storage it blocks, as the class said when it was made.
_DRIVER, _CLUSTER = "vmdrift.io/driver", "vmdrift.io/storage-cluster"
_LONGEST = 253  # characters of a name
_UNDONE = "unfenc"  # in the message of a status: "unfencing operation successful"


class NetworkFence:
    """A Provider. `namespaces`: as in VMDRIFT_CSI_ADDONS_NAMESPACES."""

    name = "network-fence"

    def __init__(self, cluster: FencingCluster, namespaces: Pairs = ()) -> None:
        self._cluster, self._namespaces = cluster, namespaces

    def fence(self, target: Target) -> None:
        """One NetworkFence per class of the node's clients; those that there are for this boot stay as they are."""
        found = clients(self._cluster, target, self._namespaces)
        if not found:
            raise FenceError(
                f"No CSIAddonsNode tells the storage clients of node {target.node.name}: is the CSI-Addons sidecar of "
                "its driver running with network fencing, in the namespace that VMDRIFT_CSI_ADDONS_NAMESPACES or the "
                "driver's name says, and is there a NetworkFenceClass of that driver?"
            )
        for name, client in found.items():
            self._make(name, client, target)

    def status(self, target: Target) -> ProviderStatus:
        """As `blocked`."""
        return blocked(self._cluster, target, self._namespaces)

    def release(self, target: Target) -> ProviderStatus:
        """Let them in again, and only then delete. ABSENT: none of ours is left."""
        for one in _mine(self._cluster, target):
            self._let_in(one)
        left = [one["metadata"]["name"] for one in _mine(self._cluster, target)]
        if left:
            return ProviderStatus(State.WORKING, f"NetworkFence {', '.join(left)} is being taken back.", ours=True)
        return ProviderStatus(State.ABSENT, "No NetworkFence of ours is left.")

    def _make(self, name: str, client: Client, target: Target) -> None:
        fence = _name(target.node.name, name)
        annotations = {**target.marks, _DRIVER: client.driver, _CLUSTER: client.cluster}
        made = {
            "apiVersion": "csiaddons.openshift.io/v1alpha1",
            "kind": "NetworkFence",
            "metadata": {"name": fence, "annotations": annotations},
            "spec": {"networkFenceClassName": name, "fenceState": "Fenced", "cidrs": sorted(map(str, client.hosts))},
        }
        known = self._cluster.find(_FENCES, fence)
        if known and marked(known, target):
            return
        try:
            self._cluster.create(_FENCES, made)
        except Conflict as error:
            told = f"NetworkFence {fence} is there, and not for this boot: it is left alone."
            raise FenceError(f"{told} {error}.") from error

    def _let_in(self, one: JsonObject) -> None:
        meta, status = one["metadata"], part(one, "status")
        if "deletionTimestamp" in meta:
            return
        if text(one, "spec", "fenceState") != "Unfenced":
            self._cluster.change(_FENCES, one, {"spec": {"fenceState": "Unfenced"}})
        elif status.get("result") == "Succeeded" and _undone(one):
            self._cluster.delete(_FENCES, meta["name"], uid=meta["uid"])


def blocked(cluster: Cluster, target: Target, namespaces: Pairs) -> ProviderStatus:
    """FENCED if each of ours is, and they cover all clients that are known now. Raises ClusterError, FenceError."""
    mine = _mine(cluster, target)
    if not mine:
        return ProviderStatus(State.ABSENT, f"No NetworkFence was asked for for node {target.node.name}.")
    if objection := next(filter(None, map(_objection, mine)), None):
        return objection
    covered = {text(one, "spec", "networkFenceClassName"): _hosts(one) for one in mine}
    known = clients(cluster, target, namespaces)
    bare = [name for name, client in known.items() if not client.hosts <= covered.get(name, frozenset())]
    if bare:
        told = f"Clients of class {', '.join(sorted(bare))} came up that no NetworkFence blocks."
        return ProviderStatus(State.FAILED, told, ours=True)
    names = "NetworkFence " + ", ".join(one["metadata"]["name"] for one in mine)
    storage = tuple(sorted({_storage(one) for one in mine}))
    return ProviderStatus(State.FENCED, f"{names} has succeeded.", names, storage, ours=True)


def reach(cluster: Cluster, target: Target, namespaces: Pairs) -> tuple[tuple[str, str], ...]:
    """What a fence would block, as in Standing.storage; () where nobody tells. Raises ClusterError, FenceError."""
    return tuple(sorted({(one.driver, one.cluster) for one in clients(cluster, target, namespaces).values()}))


def _mine(cluster: Cluster, target: Target) -> list[JsonObject]:
    return [one for one in needed(cluster, _FENCES) if marked(one, target)]


def _hosts(one: JsonObject) -> frozenset[Network]:
    return frozenset(filter(None, map(network_of, words(one, "spec", "cidrs"))))


def _storage(one: JsonObject) -> tuple[str, str]:
    """One that an older version made does not say of which cluster: then no volume is covered by it."""
    said = part(one, "metadata", "annotations")
    return text(said, _DRIVER), text(said, _CLUSTER)


def _objection(one: JsonObject) -> ProviderStatus | None:
    """Why this one does not block anything, or not yet; None if it does."""
    name, status = one["metadata"]["name"], part(one, "status")
    if "deletionTimestamp" in one["metadata"] or text(one, "spec", "fenceState") != "Fenced":
        return ProviderStatus(State.FAILED, f"NetworkFence {name} was set to Unfenced, or deleted.", ours=True)
    if status.get("result") == "Failed":
        return ProviderStatus(
            State.FAILED, f"NetworkFence {name} has failed: {text(status, 'message')[:200]}.", ours=True
        )
    if status.get("result") != "Succeeded" or _undone(one):
        return ProviderStatus(State.WORKING, f"NetworkFence {name} is under way.", ours=True)
    return None


def _undone(one: JsonObject) -> bool:
    return _UNDONE in text(one, "status", "message").lower()


def _name(node: str, name: str) -> str:
    """The same for the same node and class. Both are DNS subdomains, and so is this."""
    whole = f"vm-drift-{node}-{name}"
    return whole if len(whole) <= _LONGEST else f"vm-drift-{sha256(whole.encode()).hexdigest()[:40]}"
