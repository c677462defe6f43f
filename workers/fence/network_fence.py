"""The fencing provider `network-fence`: CSI-Addons blocks the storage clients of the lost node.

Facts from csi-addons/kubernetes-csi-addons, `api/csiaddons/v1alpha1` and `internal/controller/csiaddons/
networkfence_controller.go`: a NetworkFence is carried out when its generation changes; its status tells a result and a
message, and not of which generation; **deleting one does not let its clients in again**, so it is set to Unfenced
first, and deleted once the message says that this was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from reactor.doors.cluster import Cluster, Obj
from reactor.model.errors import Conflict, FenceError, NotFound, NotServed
from reactor.model.fencing import Standing, State, Target
from workers.fence.marks import marked
from workers.fence.provider import FencingCluster
from workers.surroundings import listed

_FENCES, _NODES = "networkfences", "csiaddonsnodes"
_DRIVER = "vmdrift.io/driver"  # on a NetworkFence of ours: whose storage it blocks
_LONGEST = 253  # characters of a name
_UNDONE = "unfenc"  # in the message of a status: "unfencing operation successful"


@dataclass(frozen=True, slots=True)
class _Client:
    """What CSIAddonsNodes say of one class: the driver, and the addresses of the node's clients."""

    driver: str
    cidrs: frozenset[str]


class NetworkFence:
    """A Provider."""

    name, lasting = "network-fence", True

    def __init__(self, cluster: FencingCluster) -> None:
        self._cluster = cluster

    def fence(self, target: Target) -> None:
        """One NetworkFence per class of the node's clients; those that there are for this boot stay as they are."""
        clients = _clients(self._cluster, target)
        if not clients:
            raise FenceError(
                f"No CSIAddonsNode tells the storage clients of node {target.node.name}: is the CSI-Addons sidecar of "
                "its driver running with network fencing, and is there a NetworkFenceClass?"
            )
        for name, client in clients.items():
            self._make(name, client, target)

    def status(self, target: Target) -> Standing:
        """As `blocked`."""
        return blocked(self._cluster, target)

    def release(self, target: Target) -> Standing:
        """Let them in again, and only then delete. ABSENT: none of ours is left."""
        for one in _mine(self._cluster, target):
            self._let_in(one)
        left = [one["metadata"]["name"] for one in _mine(self._cluster, target)]
        if left:
            return Standing(State.WORKING, f"NetworkFence {', '.join(left)} is being taken back.", ours=True)
        return Standing(State.ABSENT, "No NetworkFence of ours is left.")

    def _make(self, name: str, client: _Client, target: Target) -> None:
        fence = _name(target.node.name, name)
        annotations = {**target.marks, _DRIVER: client.driver}
        made = {
            "apiVersion": "csiaddons.openshift.io/v1alpha1",
            "kind": "NetworkFence",
            "metadata": {"name": fence, "annotations": annotations},
            "spec": {"networkFenceClassName": name, "fenceState": "Fenced", "cidrs": sorted(client.cidrs)},
        }
        known = self._cluster.find(_FENCES, fence)
        if known and marked(known, target):
            return
        try:
            self._cluster.create(_FENCES, made)
        except Conflict as error:
            told = f"NetworkFence {fence} is there, and not for this boot: it is left alone."
            raise FenceError(f"{told} {error}.") from error

    def _let_in(self, one: Obj) -> None:
        meta, status = one["metadata"], one.get("status") or {}
        if "deletionTimestamp" in meta:
            return
        if one["spec"].get("fenceState") != "Unfenced":
            self._cluster.change(_FENCES, one, {"spec": {"fenceState": "Unfenced"}})
        elif status.get("result") == "Succeeded" and _undone(one):
            self._cluster.delete(_FENCES, meta["name"], uid=meta["uid"])


def blocked(cluster: Cluster, target: Target) -> Standing:
    """FENCED if each of ours is, and they cover all clients that are known now. Raises ClusterError, FenceError."""
    mine, clients = _mine(cluster, target), _clients(cluster, target)
    if not mine:
        return Standing(State.ABSENT, f"No NetworkFence was asked for for node {target.node.name}.")
    if objection := next(filter(None, map(_objection, mine)), None):
        return objection
    covered = {one["spec"].get("networkFenceClassName"): frozenset(one["spec"]["cidrs"]) for one in mine}
    bare = [name for name, client in clients.items() if not client.cidrs <= covered.get(name, frozenset())]
    if bare:
        told = f"Clients of class {', '.join(sorted(bare))} came up that no NetworkFence blocks."
        return Standing(State.FAILED, told, ours=True)
    names = "NetworkFence " + ", ".join(one["metadata"]["name"] for one in mine)
    drivers = tuple(sorted({one["metadata"]["annotations"][_DRIVER] for one in mine}))
    return Standing(State.FENCED, f"{names} has succeeded.", names, drivers, ours=True)


def reach(cluster: Cluster, target: Target) -> tuple[str, ...]:
    """The drivers whose storage a fence would block, () where nobody tells. Raises ClusterError, FenceError."""
    return tuple(sorted({client.driver for client in _clients(cluster, target).values()}))


def _mine(cluster: Cluster, target: Target) -> list[Obj]:
    return [one for one in _listed(cluster, _FENCES) if marked(one, target)]


def _clients(cluster: Cluster, target: Target) -> Mapping[str, _Client]:
    """By the class' name. The nodeID of a CSIAddonsNode is what its driver calls the node: for Ceph, its name."""
    found: dict[str, _Client] = {}
    for addon in _listed(cluster, _NODES):
        driver = addon.get("spec", {}).get("driver", {})
        if driver.get("nodeID") != target.node.name:
            continue
        for client in addon.get("status", {}).get("networkFenceClientStatus") or ():
            cidrs = {cidr for detail in client.get("clientDetails") or () for cidr in detail.get("cidrs") or ()}
            if cidrs:
                found[client["networkFenceClassName"]] = _Client(driver["name"], frozenset(cidrs))
    return found


def _listed(cluster: Cluster, resource: str) -> list[Obj]:
    try:
        return listed(cluster, resource)
    except (NotServed, NotFound) as error:
        raise FenceError(
            f"VMDRIFT_FENCING: network-fence needs CSI-Addons, which is not installed: {error}."
        ) from error


def _objection(one: Obj) -> Standing | None:
    """Why this one does not block anything, or not yet; None if it does."""
    name, status = one["metadata"]["name"], one.get("status") or {}
    if "deletionTimestamp" in one["metadata"] or one["spec"].get("fenceState") != "Fenced":
        return Standing(State.FAILED, f"NetworkFence {name} was set to Unfenced, or deleted.", ours=True)
    if status.get("result") == "Failed":
        return Standing(State.FAILED, f"NetworkFence {name} has failed: {status.get('message', '')[:200]}.", ours=True)
    if status.get("result") != "Succeeded" or _undone(one):
        return Standing(State.WORKING, f"NetworkFence {name} is under way.", ours=True)
    return None


def _undone(one: Obj) -> bool:
    return _UNDONE in str((one.get("status") or {}).get("message", "")).lower()


def _name(node: str, name: str) -> str:
    """The same for the same node and class. Both are DNS subdomains, and so is this."""
    whole = f"vm-drift-{node}-{name}"
    return whole if len(whole) <= _LONGEST else f"vm-drift-{sha256(whole.encode()).hexdigest()[:40]}"
