"""`reactor.adapters.redfish.bmc.Bmc` of simulated machines, which do as a test wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reactor.adapters.redfish.bmc import BmcReading
from reactor.adapters.redfish.credentials import file_of, pinned
from reactor.model.errors import AccessRefused, FenceError, NoAnswer
from simulator.machines.hypervisor import Hypervisor
from simulator.machines.machine import Machine

_SHOWN = 60  # characters of what a BMC says


@dataclass
class MachineBmcs:
    """The BMCs of a hypervisor's machines. `uuids`, by node: what each machine is; it has a BMC only if it is there.

    `hanging` and `refusing`: nodes whose BMC does not answer, or refuses us. `deaf`: those whose BMC takes the order
    and does nothing; `mute`: those whose BMC carries it out and does not answer. `swapped`: by node, whose machine its
    BMC answers for. `words`: by node, the PowerState that is told instead of the true one. `expected`: by node, the
    UUID that its file demands. `unable`: those whose BMC lists no ForceOff. `files`: which version of its file a node
    has. `orders`: of whom ForceOff was asked, by the node whose machine it hit.
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
    mute: set[str] = field(default_factory=set)
    unable: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)

    def read(self, node: str) -> BmcReading:
        demanded, machine = self._reached(node)
        told = self.words.get(node, "On" if machine.powered else "Off")
        able = node not in self.unable
        return BmcReading(_address(node), told[:_SHOWN], self._uuid(machine), demanded, can_force_off=able)

    def credentials(self, node: str) -> str:
        return f"{file_of(node)} {self.files.get(node, '')}"

    def force_off(self, node: str, uuid: str) -> None:
        _, machine = self._reached(node)
        if not uuid or self._uuid(machine) != uuid:
            raise FenceError(
                f"BMC {_address(node)} answers for another machine than the one checked; nothing was sent to it"
            )
        self.orders.append(machine.node)
        if node not in self.deaf and machine.powered:
            self.hypervisor.power_cut(machine.node, by="redfish")
        if node in self.mute:
            raise _silent(node)

    def _uuid(self, machine: Machine) -> str:
        return self.uuids.get(machine.node, "")[:_SHOWN]

    def _reached(self, node: str) -> tuple[str, Machine]:
        """The UUID that its file demands, and the machine that its BMC answers for."""
        file = file_of(node)
        if node not in self.uuids:
            raise FenceError(f"{file} in VMDRIFT_BMC_DIR: it is missing: add it to the Secret that is mounted there")
        demanded = pinned(node, self.expected.get(node))
        if node in self.hanging:
            raise _silent(node)
        if node in self.refusing:
            raise AccessRefused(f"BMC {_address(node)} refuses access (HTTP 401)")
        machine = self.hypervisor.machines.get(self.swapped.get(node, node))
        if machine is None:
            raise FenceError(f"BMC {_address(node)} has no such machine (HTTP 404): check system in {file}")
        return demanded, machine


def _silent(node: str) -> NoAnswer:
    return NoAnswer(f"BMC {_address(node)} does not answer in time")


def _address(node: str) -> str:
    return f"https://bmc.{node}"
