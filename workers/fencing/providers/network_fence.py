"""The fencing provider `network-fence`: CSI-Addons blocks the storage clients of the lost node.

Facts from csi-addons/kubernetes-csi-addons, `api/csiaddons/v1alpha1` and `internal/controller/csiaddons/
networkfence_controller.go`: a NetworkFence is carried out when its generation changes; its status has a result and a
message, and not their generation; **deleting one does not let its clients in again**, so it is set to Unfenced
first, and deleted once the message says that this was done.
"""

from collections.abc import Mapping
from hashlib import sha256

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import Conflict, FenceError
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.objects import JsonObject, part, text, words
from workers.fencing.providers.marks import marked
from workers.fencing.providers.provider import GRANT, FencingCluster, lacking
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
        """One NetworkFence per class of the node's clients; existing ones for this boot stay as they are."""
        for name, client in self._clients(target).items():
            self._make(name, client, target)

    def status(self, target: Target) -> ProviderStatus:
        """As `blocked`."""
        return blocked(self._cluster, target, self._namespaces)

    def release(self, target: Target) -> ProviderStatus:
        """Let them in again, and only then delete. ABSENT: none of ours is left."""
        for fence in _mine(self._cluster, target):
            self._let_in(fence)
        names = [fence["metadata"]["name"] for fence in _mine(self._cluster, target)]
        if names:
            return ProviderStatus(State.WORKING, f"NetworkFence {', '.join(names)} is being taken back.", ours=True)
        return ProviderStatus(State.ABSENT, "No NetworkFence of ours is left.")

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled:  # noqa: ARG002 - as every provider
        """Are its storage clients known, and may we block them?"""
        by_class = self._clients(target)
        needed(self._cluster, _FENCES)
        if why := lacking(self._cluster, _FENCES, "create", "patch", "delete"):
            return Drilled(False, f"network-fence cannot block anything: {why}.", GRANT)
        hosts = sorted({str(host) for client in by_class.values() for host in client.hosts})
        return Drilled(
            True, f"Its storage clients are known ({', '.join(hosts)}; class {', '.join(sorted(by_class))})."
        )

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - as every provider
        """It logs in nowhere."""
        return ""

    def _clients(self, target: Target) -> Mapping[str, Client]:
        by_class = clients(self._cluster, target, self._namespaces)
        if not by_class:
            raise FenceError(
                f"No CSIAddonsNode lists the storage clients of node {target.node.name}: is the CSI-Addons sidecar of "
                "its driver running with network fencing, in the namespace that VMDRIFT_CSI_ADDONS_NAMESPACES or the "
                "driver's name says, and is there a NetworkFenceClass of that driver?"
            )
        return by_class

    def _make(self, name: str, client: Client, target: Target) -> None:
        fence_name = _name(target.node.name, name)
        annotations = {**target.marks, _DRIVER: client.driver, _CLUSTER: client.cluster}
        body = {
            "apiVersion": "csiaddons.openshift.io/v1alpha1",
            "kind": "NetworkFence",
            "metadata": {"name": fence_name, "annotations": annotations},
            "spec": {"networkFenceClassName": name, "fenceState": "Fenced", "cidrs": sorted(map(str, client.hosts))},
        }
        existing = self._cluster.find(_FENCES, fence_name)
        if existing and marked(existing, target):
            return
        try:
            self._cluster.create(_FENCES, body)
        except Conflict as error:
            sentence = f"NetworkFence {fence_name} already exists, but not for this boot: it is not changed."
            raise FenceError(f"{sentence} {error}.") from error

    def _let_in(self, fence: JsonObject) -> None:
        meta, status = fence["metadata"], part(fence, "status")
        if "deletionTimestamp" in meta:
            return
        if text(fence, "spec", "fenceState") != "Unfenced":
            self._cluster.change(_FENCES, fence, {"spec": {"fenceState": "Unfenced"}})
        elif status.get("result") == "Succeeded" and _undone(fence):
            self._cluster.delete(_FENCES, meta["name"], uid=meta["uid"])


def blocked(cluster: Cluster, target: Target, namespaces: Pairs) -> ProviderStatus:
    """FENCED if each of ours is, and they cover all clients that are known now. Raises ClusterError, FenceError."""
    mine = _mine(cluster, target)
    if not mine:
        return ProviderStatus(State.ABSENT, f"No NetworkFence was requested for node {target.node.name}.")
    if objection := next(filter(None, map(_objection, mine)), None):
        return objection
    covered = {text(fence, "spec", "networkFenceClassName"): _hosts(fence) for fence in mine}
    current = clients(cluster, target, namespaces)
    uncovered = [name for name, client in current.items() if not client.hosts <= covered.get(name, frozenset())]
    if uncovered:
        sentence = f"Clients of class {', '.join(sorted(uncovered))} came up that no NetworkFence blocks."
        return ProviderStatus(State.FAILED, sentence, ours=True)
    names = "NetworkFence " + ", ".join(fence["metadata"]["name"] for fence in mine)
    storage = tuple(sorted({_storage(fence) for fence in mine}))
    return ProviderStatus(State.FENCED, f"{names} has succeeded.", names, storage, ours=True)


def reach(cluster: Cluster, target: Target, namespaces: Pairs) -> tuple[tuple[str, str], ...]:
    """What a fence would block, as in ProviderStatus.storage; () if not known. Raises ClusterError, FenceError."""
    return tuple(sorted({(client.driver, client.cluster) for client in clients(cluster, target, namespaces).values()}))


def _mine(cluster: Cluster, target: Target) -> list[JsonObject]:
    return [fence for fence in needed(cluster, _FENCES) if marked(fence, target)]


def _hosts(fence: JsonObject) -> frozenset[Network]:
    return frozenset(filter(None, map(network_of, words(fence, "spec", "cidrs"))))


def _storage(fence: JsonObject) -> tuple[str, str]:
    """One that an older version made does not say of which cluster: then no volume is covered by it."""
    annotations = part(fence, "metadata", "annotations")
    return text(annotations, _DRIVER), text(annotations, _CLUSTER)


def _objection(fence: JsonObject) -> ProviderStatus | None:
    """Why this one does not block anything, or not yet; None if it does."""
    name, status = fence["metadata"]["name"], part(fence, "status")
    if "deletionTimestamp" in fence["metadata"] or text(fence, "spec", "fenceState") != "Fenced":
        return ProviderStatus(State.FAILED, f"NetworkFence {name} was set to Unfenced, or deleted.", ours=True)
    if status.get("result") == "Failed":
        return ProviderStatus(
            State.FAILED, f"NetworkFence {name} has failed: {text(status, 'message')[:200]}.", ours=True
        )
    if status.get("result") != "Succeeded" or _undone(fence):
        return ProviderStatus(State.WORKING, f"NetworkFence {name} is under way.", ours=True)
    return None


def _undone(fence: JsonObject) -> bool:
    return _UNDONE in text(fence, "status", "message").lower()


def _name(node: str, name: str) -> str:
    """The same for the same node and class. Both are DNS subdomains, and so is this."""
    whole = f"vm-drift-{node}-{name}"
    return whole if len(whole) <= _LONGEST else f"vm-drift-{sha256(whole.encode()).hexdigest()[:40]}"
