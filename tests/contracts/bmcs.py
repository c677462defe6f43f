"""BMCs of two machines to hold the door against: the twin's, and sushy-tools' emulator, a process with TLS."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reactor.adapters.redfish.bmc import Bmc, BmcReading, RedfishBmc
from reactor.settings import Settings
from rehearsal.twins.bmc import MachineBmcs
from simulator.machines.hypervisor import Hypervisor
from tests.support.emulator import Emulator

UUIDS = {
    "worker-1": "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c001",
    "worker-2": "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c002",
}


class World(Protocol):
    """Two machines that are on, and their BMCs."""

    @property
    def bmc(self) -> Bmc:
        """The door."""

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The BMC of worker-1 does not answer."""

    def refuse(self) -> None:
        """The BMC of worker-1 does not let us in any more."""

    def swap(self) -> None:
        """What is known as the BMC of worker-1 answers for the machine of worker-2."""

    def lead_nowhere(self) -> None:
        """What is known as the BMC of worker-1 has no such machine."""

    def demand(self, uuid: str) -> None:
        """It is written down which UUID the machine of worker-1 has."""

    def orders(self, node: str) -> int:
        """How often its machine was told to go off."""


@dataclass
class TwinWorld:
    bmc: MachineBmcs = field(default_factory=lambda: MachineBmcs(Hypervisor(), UUIDS))

    def __post_init__(self) -> None:
        for node in UUIDS:
            self.bmc.hypervisor.add_machine(node)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self.bmc.hanging.add("worker-1")
        yield
        self.bmc.hanging.clear()

    def refuse(self) -> None:
        self.bmc.refusing.add("worker-1")

    def swap(self) -> None:
        self.bmc.swapped["worker-1"] = "worker-2"

    def lead_nowhere(self) -> None:
        self.bmc.swapped["worker-1"] = "nobody"

    def demand(self, uuid: str) -> None:
        self.bmc.expected["worker-1"] = uuid

    def orders(self, node: str) -> int:
        return self.bmc.orders.count(node)


class EmulatorWorld:
    """The real door, to a process that speaks Redfish. `bmcs` is the mounted Secret."""

    def __init__(self, running: Emulator, bmcs: Path) -> None:
        self.running, self.bmcs = running, bmcs
        self.settings = Settings.read({"VMDRIFT_BMC_DIR": str(bmcs)})
        self.bmc = RedfishBmc(self.settings, limit=60.0)  # the machine that tests run on may be slow
        for node in UUIDS:
            self.write(node)
            if self.bmc.read(node).power != "On":
                running.switch(node, "On")
                until(self.bmc, node, "On")
        self._before = {node: running.orders(node) for node in UUIDS}

    def write(self, node: str, **changes: Any) -> None:
        self.running.write(self.bmcs, node, **changes)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self.running.pid, signal.SIGSTOP)
        self.bmc = RedfishBmc(self.settings, limit=0.5)
        try:
            yield
        finally:
            os.kill(self.running.pid, signal.SIGCONT)

    def refuse(self) -> None:
        self.write("worker-1", password="wrong-secret")

    def swap(self) -> None:
        self.write("worker-1", system=f"/redfish/v1/Systems/{UUIDS['worker-2']}")

    def lead_nowhere(self) -> None:
        self.write("worker-1", system="/redfish/v1/Systems/nobody")

    def demand(self, uuid: str) -> None:
        self.write("worker-1", uuid=uuid)

    def orders(self, node: str) -> int:
        return self.running.orders(node) - self._before[node]


def until(bmc: Bmc, node: str, power: str) -> BmcReading:
    """Read until it is so; the test's time-out ends it."""
    while (found := bmc.read(node)).power != power:
        pass
    return found
