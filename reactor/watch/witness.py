"""A watcher as a witness: does a suspected node answer on ports that answered this very process before?

A port that never accepted says nothing by its silence, nor does anything while no other node answers: then the trouble
may be ours. What it means for a fence: `workers.fencing.decide.witnesses`.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from math import ceil

import structlog

from reactor import timing
from reactor.adapters.redis.witness_reports import WitnessReports
from reactor.adapters.tcp import Place
from reactor.model.errors import StoreError
from reactor.model.node import NodeView
from reactor.model.times import Clock
from reactor.model.witness import Answer, WitnessReport

log = structlog.get_logger()

Ask = Callable[[Sequence[Place], float], Sequence[Answer]]
_LONG = 900.0  # seconds after which a node that is lost is asked no more
_AT_ONCE = 100  # nodes
_CONTROLS = 3  # other nodes that are asked in the same second: one of them may just be restarting


class Witness:
    """Of one watcher. `own` names the Node that it runs on; `ports` of a node are asked, its kubelet's first.

    `ask` gives the answers of all places within so many seconds.
    """

    def __init__(self, own: str, ports: Sequence[int], ask: Ask, reports: WitnessReports, clock: Clock) -> None:
        self._own, self._ports, self._ask, self._reports, self._clock = own, ports, ask, reports, clock
        self._drilled: dict[str, frozenset[int]] = {}  # by a node's uid: the ports that accepted last
        self._asked_since: dict[str, float] = {}  # by uid
        self._turn, self._drill_at = 0, 0.0

    def drill(self, nodes: Sequence[NodeView]) -> None:
        """Try the ports of these nodes, and remember which accepted."""
        for node, answers in zip(nodes, self._answers(nodes), strict=True):
            self._drilled[node.uid] = frozenset(port for port, one in answers.items() if one is Answer.ACCEPTED)

    def report(self, suspects: Sequence[NodeView], nodes: Sequence[NodeView]) -> None:
        """Ask each suspect, and others in the same second, and write down what was heard. Raises StoreError."""
        suspects = [node for node in suspects if node.name != self._own]
        others = self._controls({*self._asked_since, *(node.uid for node in suspects)}, nodes)
        heard, now = self._answers([*suspects, *others]), self._clock()
        asked_others = zip(others, heard[len(suspects) :], strict=True)
        control = next((other.name for other, answers in asked_others if Answer.ACCEPTED in answers.values()), "")
        for node, answers in zip(suspects, heard[: len(suspects)], strict=True):
            drilled = self._drilled.get(node.uid, frozenset())
            self._reports.write(node.uid, WitnessReport(self._own, now, answers, drilled, control))

    def turn(self, suspected: Collection[str], nodes: Sequence[NodeView], steady: float) -> None:
        """Once every timing.WITNESS_EVERY: ask those that are `suspected` or lost, and now and then drill the others.

        `steady`: seconds of a clock that nobody sets. Raises StoreError.
        """
        asked = [node for node in nodes if node.lost or node.name in suspected]
        self._asked_since = {node.uid: self._asked_since.get(node.uid, steady) for node in asked}
        if asked:
            self.report([node for node in asked if steady < self._asked_since[node.uid] + _LONG], nodes)
        known = {node.uid for node in nodes}
        self._drilled = {uid: ports for uid, ports in self._drilled.items() if uid in known}
        if nodes and steady >= self._drill_at:  # at the start of a process none is known yet
            self._drill_at = steady + max(timing.WITNESS_EVERY, timing.DRILL_EVERY / max(1, len(nodes)))
            healthy = [node for node in nodes if node.ready == "True" and node.address]
            self.drill(self._next([node for node in healthy if node.uid not in self._asked_since]))

    def _next(self, nodes: Sequence[NodeView]) -> Sequence[NodeView]:
        """First those that were never drilled; then all in turn, so that each is drilled every DRILL_EVERY."""
        if new := [node for node in nodes if node.uid not in self._drilled]:
            return new[:_AT_ONCE]
        some = ceil(len(nodes) * timing.WITNESS_EVERY / timing.DRILL_EVERY)
        self._turn = (self._turn + some) % max(1, len(nodes))
        return [*nodes, *nodes][self._turn : self._turn + some]

    def _controls(self, suspects: Collection[str], nodes: Sequence[NodeView]) -> list[NodeView]:
        others = (node for node in nodes if node.ready == "True" and node.uid not in suspects)
        return [node for node in others if node.name != self._own and self._drilled.get(node.uid)][:_CONTROLS]

    def _answers(self, nodes: Sequence[NodeView]) -> list[dict[int, Answer]]:
        """Of each node, by port."""
        found = iter(self._ask([(node.address, port) for node in nodes for port in self._ports], timing.WITNESS_WAITS))
        return [{port: next(found) for port in self._ports} for _ in nodes]


def bear_witness(
    witness: Witness,
    suspected: Callable[[], Collection[str]],
    nodes: Callable[[], Mapping[str, NodeView]],
    ended: Callable[[], bool],
) -> None:
    """Until `ended`; `nodes`: all that the watcher knows now. What Redis does not take is said again a second later."""
    trouble = ""
    while not ended():
        try:
            witness.turn(suspected(), tuple(nodes().values()), time.monotonic())
            trouble = ""
        except StoreError as error:
            if str(error) != trouble:
                log.warning("what witnesses heard is not written", why=str(error))
            trouble = str(error)
        time.sleep(timing.WITNESS_EVERY)
