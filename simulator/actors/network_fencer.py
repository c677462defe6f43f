"""CSI-Addons' network fencing: whose storage clients a NetworkFence names is kept from every disk.

Source: csi-addons/kubernetes-csi-addons `internal/controller/csiaddons/networkfence_controller.go`: carried out once
per generation; the status is of the last thing that was done; a deleted one loses its finalizer, which lets nobody in.
"""

from dataclasses import dataclass, field

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.hypervisor import Hypervisor

_FINALIZER = "csiaddons.openshift.io/network-fence"


@dataclass
class NetworkFencer:
    """`addresses`: the node of each client's CIDR. `takes`: seconds; `fails`: what the driver says instead.

    `hangs`: it does not look at anything.
    """

    client: Client
    hypervisor: Hypervisor
    addresses: dict[str, str]
    takes: float = 1.0
    fails: str = ""
    hangs: bool = False
    name: str = "network-fencer"
    watches: tuple[str, ...] = ("networkfences",)
    _due: dict[tuple[str, int], float] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fences = self.client.informer("networkfences")

    def step(self, now: float) -> float | None:
        """Carry out what was asked for long enough ago."""
        self._fences.poll()
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
        name, fenced = fence["metadata"]["name"], fence["spec"]["fenceState"] == "Fenced"
        result = {"result": "Failed", "message": self.fails}
        if not self.fails:
            for node in {self.addresses[cidr] for cidr in fence["spec"]["cidrs"] if cidr in self.addresses}:
                if fenced:
                    self.hypervisor.block_storage(node)
                else:
                    self.hypervisor.unblock_storage(node, now)
            result = {"result": "Succeeded", "message": f"{'' if fenced else 'un'}fencing operation successful"}
        self.client.patch("networkfences", name, {"metadata": {"finalizers": [_FINALIZER]}})
        self.client.patch("networkfences", name, {"status": result}, subresource="status")
