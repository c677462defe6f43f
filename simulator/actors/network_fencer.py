"""CSI-Addons' network fencing: the storage clients at a NetworkFence's addresses are kept from its class' storage.

Source: csi-addons/kubernetes-csi-addons `internal/controller/csiaddons/networkfence_controller.go`: carried out once
per generation; the status is of the last thing that was done; a deleted one loses its finalizer, which lets nobody in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.machines.hypervisor import Hypervisor
from simulator.machines.machine import Backend

_FINALIZER = "csiaddons.openshift.io/network-fence"


@dataclass
class NetworkFencer:
    """`addresses`: the node of each client's CIDR. `takes`: seconds; `fails`: what the driver says instead.

    `hangs`: it does not look at anything. `lies`: it says that it has succeeded, and does nothing. `shared`: by CIDR,
    which other nodes reach the storage from there, too (NAT).
    """

    client: Client
    hypervisor: Hypervisor
    addresses: dict[str, str]
    takes: float = 1.0
    fails: str = ""
    hangs: bool = False
    name: str = "network-fencer"
    watches: tuple[str, ...] = ("networkfences",)
    lies: bool = False
    shared: Mapping[str, Collection[str]] = field(default_factory=dict)
    _due: dict[tuple[str, int], float] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fences = self.client.informer("networkfences")
        self._classes = self.client.informer("networkfenceclasses")

    def step(self, now: float) -> float | None:
        """Carry out what was asked for long enough ago."""
        self._fences.poll()
        self._classes.poll()
        if self.hangs:
            return None
        for fence in list(self._fences.objects.values()):
            self._sync(fence, now)
        return min((due for due in self._due.values() if due > now), default=None)

    def _sync(self, fence: Obj, now: float) -> None:
        meta = fence["metadata"]
        if objects.deleting(fence):
            self.client.patch("networkfences", meta["name"], {"metadata": {"finalizers": None}})
        elif self._done.get(meta["uid"]) != meta["generation"]:
            key = meta["uid"], meta["generation"]
            if now >= self._due.setdefault(key, now + self.takes):
                del self._due[key]
                self._done[meta["uid"]] = meta["generation"]
                self._carry_out(fence, now)

    def _carry_out(self, fence: Obj, now: float) -> None:
        name, done = fence["metadata"]["name"], "" if fence["spec"]["fenceState"] == "Fenced" else "un"
        result = {"result": "Succeeded", "message": f"{done}fencing operation successful"}
        if why := self.fails or self._failure(fence, now):
            result = {"result": "Failed", "message": why}
        self.client.patch("networkfences", name, {"metadata": {"finalizers": [_FINALIZER]}})
        self.client.patch("networkfences", name, {"status": result}, subresource="status")

    def _failure(self, fence: Obj, now: float) -> str:
        """Do it; why it cannot be done, "" if it was."""
        try:
            backends, nodes = [self._backend(fence)], self._at(fence["spec"]["cidrs"])
        except (LookupError, ValueError) as error:
            return f"rpc error: code = InvalidArgument desc = {error}"
        for node in sorted(nodes) if not self.lies else ():
            if fence["spec"]["fenceState"] == "Fenced":
                self.hypervisor.block_storage(node, backends, by="network-fence")
            else:
                self.hypervisor.unblock_storage(node, now, backends)
        return ""

    def _backend(self, fence: Obj) -> Backend:
        spec = self._classes.objects["", fence["spec"].get("networkFenceClassName", "")]["spec"]
        return spec["provisioner"], (spec.get("parameters") or {}).get("clusterID") or ""

    def _at(self, cidrs: list[str]) -> set[str]:
        """The nodes whose clients come from there."""
        hit = {address for address in self.addresses for cidr in cidrs if _holds(cidr, address)}
        return {self.addresses[address] for address in hit}.union(*(self.shared.get(at, ()) for at in hit))


def _holds(cidr: str, address: str) -> bool:
    wide, narrow = ip_network(cidr, strict=False), ip_network(address, strict=False)
    return wide.version == narrow.version and wide.supernet_of(narrow)  # type: ignore[arg-type] # of one version
