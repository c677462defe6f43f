"""`reactor.adapters.fence_agents.agents.Plugs` of simulated machines, which do as a test wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reactor.model.errors import FenceError, NoAnswer
from reactor.model.plug import PlugReading
from simulator.machines.hypervisor import Hypervisor


@dataclass
class MachinePlugs:
    """What feeds a hypervisor's machines, each with one plug, or `feeds` outlets.

    `hanging` and `refusing`: nodes whose agent does not end, or says nothing of use but `trouble`. `deaf`: those whose
    agent takes the order and does nothing. `files`: which version of its file a node has. `words`: by plug, what is
    read instead of the truth. `orders`: the plugs that were switched off.
    """

    hypervisor: Hypervisor
    feeds: int = 0
    hanging: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    words: dict[str, bool] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    trouble: str = "(exit code 1: Unable to connect)"
    files: dict[str, str] = field(default_factory=dict)

    def read(self, node: str) -> tuple[PlugReading, ...]:
        self._reached(node)
        return tuple(
            PlugReading(f"fence_pdu plug {id_}", id_, self.feeds > 0, self._on(node, id_)) for id_ in self.ids(node)
        )

    def off(self, node: str, ids: Sequence[str]) -> None:
        self._reached(node)
        self.orders += ids
        if node not in self.deaf and {*self.ids(node)} <= {*self.orders}:
            self.hypervisor.power_cut(node, by="fence-agent")

    def credentials(self, node: str) -> str:
        return f"{node} {self.files.get(node, '')}"

    def ids(self, node: str) -> list[str]:
        """Of its plugs."""
        return [f"{node}-{number}" for number in range(max(self.feeds, 1))]

    def _on(self, node: str, id_: str) -> bool:
        """An outlet has power until it is switched off, whatever its machine does."""
        cut = id_ in self.orders and node not in self.deaf
        return self.words.get(id_, not cut if self.feeds else self.hypervisor.machines[node].powered)

    def _reached(self, node: str) -> None:
        if node in self.hanging:
            raise NoAnswer("fence_pdu has not ended within 20 s (status)")
        if node in self.refusing:
            raise FenceError(f"fence_pdu does not say whether it is on {self.trouble}")
