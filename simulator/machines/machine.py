"""A host: its power, its ways out, its clock, and who the firmware says that it is."""

from dataclasses import dataclass, field
from uuid import UUID, uuid5

Backend = tuple[str, str]  # a CSI driver, and the clusterID of the storage cluster behind it; "" for what has none
NO_BACKEND: Backend = ("", "")  # of a disk that no driver serves
EVERYTHING: Backend = ("*", "*")  # every backend, and what has none
_FIRMWARE = UUID("5f0d2c0e-7b1c-4e55-9d0a-3c1f6a1e8b42")  # ours, made up: the space of all machines' names


@dataclass
class Machine:
    """One host. `network` is its way to the API server; `blocked`: the storage that keeps its clients out.

    `skew`: seconds by which its clock is ahead of the API server's, negative for behind. `firmware`: the system UUID
    that it bears instead of one of its own: another machine's, or "" for none.
    """

    node: str
    powered: bool = True
    kubelet_alive: bool = True
    virt_handler_alive: bool = True
    network: bool = True
    boots: int = 1
    skew: float = 0.0
    blocked: set[Backend] = field(default_factory=set)
    firmware: str | None = None

    @property
    def storage(self) -> bool:
        """Whether no storage keeps its clients out. Set it to let them in everywhere, or nowhere."""
        return not self.blocked

    @storage.setter
    def storage(self, free: bool) -> None:
        self.blocked = set() if free else {EVERYTHING}

    def reaches(self, backend: Backend) -> bool:
        """Whether what runs on it can write to disks there."""
        return not self.blocked or self.blocked.isdisjoint({EVERYTHING, backend})

    def clock(self, now: float) -> float:
        """What its clock shows at `now`: the time in its Lease, its conditions and virt-handler's heartbeat."""
        return now + self.skew

    @property
    def boot_id(self) -> str:
        """As in `status.nodeInfo.bootID`: another one after each power on."""
        return f"{self.node}-boot{self.boots}"

    @property
    def system_uuid(self) -> str:
        """As in `status.nodeInfo.systemUUID`, the firmware's: the same for as long as the machine exists."""
        return str(uuid5(_FIRMWARE, self.node)) if self.firmware is None else self.firmware

    @property
    def identity(self) -> dict[str, str]:
        """What its kubelet reports of it in `status.nodeInfo`."""
        return {"bootID": self.boot_id, "systemUUID": self.system_uuid}

    @property
    def kubelet_works(self) -> bool:
        """Whether the kubelet runs and reaches the API server."""
        return self.powered and self.kubelet_alive and self.network

    @property
    def virt_handler_works(self) -> bool:
        """Whether virt-handler runs and reaches the API server."""
        return self.powered and self.virt_handler_alive and self.network
