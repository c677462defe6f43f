"""A watcher as a witness: does a suspected node answer on ports that answered this very process before?

A port that never accepted says nothing by its silence, nor does anything while no other node answers: then the trouble
may be ours. What it means for a fence: `workers.fencing.decide.witnesses`.
"""

from collections.abc import Callable, Collection, Sequence

from reactor import timing
from reactor.adapters.redis.witness_reports import WitnessReports
from reactor.adapters.tcp import Place
from reactor.model.node import NodeView
from reactor.model.times import Clock
from reactor.model.witness import Answer, WitnessReport

Ask = Callable[[Sequence[Place], float], Sequence[Answer]]
_CONTROLS = 3  # other nodes that are asked in the same second: one of them may just be restarting


class Witness:
    """Of one watcher. `own` names the Node that it runs on; `ports` of a node are asked, its kubelet's first.

    `ask` gives the answers of all places within so many seconds.
    """

    def __init__(self, own: str, ports: Sequence[int], ask: Ask, reports: WitnessReports, clock: Clock) -> None:
        self._own, self._ports, self._ask, self._reports, self._clock = own, ports, ask, reports, clock
        self._drilled: dict[str, frozenset[int]] = {}  # by a node's uid: the ports that accepted last
        self._next = 0

    def drill(self, nodes: Sequence[NodeView], some: int) -> None:
        """Try the ports of the next `some` healthy nodes. Only they are remembered, and those that exist."""
        healthy = [node for node in nodes if node.ready == "True" and node.address]
        chosen = [healthy[(self._next + at) % len(healthy)] for at in range(min(some, len(healthy)))]
        self._next = (self._next + some) % max(1, len(healthy))
        known = {node.uid for node in nodes}
        self._drilled = {uid: ports for uid, ports in self._drilled.items() if uid in known}
        for node, answers in zip(chosen, self._answers(chosen), strict=True):
            self._drilled[node.uid] = frozenset(port for port, one in answers.items() if one is Answer.ACCEPTED)

    def testify(self, suspects: Sequence[NodeView], nodes: Sequence[NodeView]) -> None:
        """Ask each suspect, and others in the same second, and write down what was heard. Raises StoreError."""
        suspects = [node for node in suspects if node.name != self._own]
        others = self._controls({node.uid for node in suspects}, nodes)
        heard, now = self._answers([*suspects, *others]), self._clock()
        asked_others = zip(others, heard[len(suspects) :], strict=True)
        control = next((other.name for other, answers in asked_others if Answer.ACCEPTED in answers.values()), "")
        for node, answers in zip(suspects, heard[: len(suspects)], strict=True):
            drilled = self._drilled.get(node.uid, frozenset())
            self._reports.write(node.uid, WitnessReport(self._own, now, answers, drilled, control))

    def _controls(self, suspects: Collection[str], nodes: Sequence[NodeView]) -> list[NodeView]:
        others = (node for node in nodes if node.ready == "True" and node.uid not in suspects)
        return [node for node in others if node.name != self._own and self._drilled.get(node.uid)][:_CONTROLS]

    def _answers(self, nodes: Sequence[NodeView]) -> list[dict[int, Answer]]:
        """Of each node, by port."""
        found = iter(self._ask([(node.address, port) for node in nodes for port in self._ports], timing.WITNESS_WAITS))
        return [{port: next(found) for port in self._ports} for _ in nodes]
