"""`reactor.doors.bmc.Bmc` of simulated machines, which do as a test wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reactor.doors.bmc import Reading
from reactor.model.errors import FenceError
from simulator.hypervisor import Hypervisor


@dataclass
class MachineBmcs:
    """The BMCs of a hypervisor's machines. `uuids`, by node: what each machine is; it has a BMC only if it is there.

    `hanging` and `refusing`: nodes whose BMC does not answer, or refuses us. `deaf`: those whose BMC takes the order
    and does nothing. `swapped`: by node, whose machine its BMC answers for. `words`: by node, the PowerState that is
    told instead of the true one. `expected`: by node, the UUID that its file demands. `orders`: of whom ForceOff was
    asked, by the node whose machine it hit.
    """

    hypervisor: Hypervisor
    uuids: Mapping[str, str]
    hanging: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    swapped: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    def read(self, node: str) -> Reading:
        machine = self._reached(node)
        power = "On" if self.hypervisor.machines[machine].powered else "Off"
        told = self.words.get(node, power)
        return Reading(_address(node), told, self.uuids.get(machine, ""), self.expected.get(node, ""))

    def force_off(self, node: str, uuid: str) -> None:
        machine = self._reached(node)
        if not uuid or self.uuids.get(machine, "") != uuid:
            raise FenceError(f"BMC {_address(node)} answers for another machine than was judged")
        self.orders.append(machine)
        if node not in self.deaf and self.hypervisor.machines[machine].powered:
            self.hypervisor.power_cut(machine, by="redfish")

    def _reached(self, node: str) -> str:
        """The node whose machine the BMC answers for."""
        if node not in self.uuids:
            raise FenceError(f"{node}.json in VMDRIFT_BMC_DIR: it is missing")
        if node in self.hanging:
            raise FenceError(f"BMC {_address(node)} does not answer in time")
        if node in self.refusing:
            raise FenceError(f"BMC {_address(node)} refuses us (HTTP 401)")
        return self.swapped.get(node, node)


def _address(node: str) -> str:
    return f"https://bmc.{node}"
