"""The fencing provider `fence-agent`: any ClusterLabs agent reads what feeds a lost node, and switches it off.

A plug is named by the administrator, and knows no UUID: which machine it feeds is their word alone. What can be checked
is that the plug is one: OFF counts only of what was read as ON before, as it is configured now. A misspelt outlet, an
empty one, or an agent that says OFF whatever it finds, proves nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from reactor import in_thread, timing
from reactor.adapters.fence_agents.agents import Plugs
from reactor.adapters.fence_agents.plugs import SETTING
from reactor.adapters.redis.plug_memory import PlugMemory
from reactor.model.errors import AccessRefused, FenceError, NoAnswer, StoreRefused
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.identity import NodeRef
from reactor.model.plug import PlugReading

Begin = Callable[[Callable[[], None], str], Future[None]]
# What ipmitool, SSH, SNMP and web APIs say of a login. "Unable to connect/login" is said of a dead address as well.
_REFUSED = re.compile(r"(?i)(?<!connect/)(login|password|passwd|unauthori[sz]ed|denied|authenticat|invalid user|RAKP)")
_LOOK = "Now: check the machine, and vmdrift confirm-off. Once it is up: run the fence drill"


class FenceAgent:
    """A Provider. `begin` begins work of this name, which may take longer than anybody waits for it.

    `beat` runs before an order is waited for (heartbeats).
    """

    name = "fence-agent"

    def __init__(
        self,
        plugs: Plugs,
        memory: PlugMemory,
        begin: Begin = in_thread.begun,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._plugs, self._memory, self._begin, self._beat = plugs, memory, begin, beat
        self._orders: dict[tuple[NodeRef, str], Future[None]] = {}

    def fence(self, target: Target) -> None:
        """Off, for what reads ON; nothing is sent unless all plugs can be read.

        An agent may take longer than a pass: then it goes on, and `status` says so. What became of it is raised when it
        is asked for again.
        """
        self._beat()
        key = (target.node, target.boot)
        order = self._orders.get(key) or self._begin(partial(self._order, target.node), f"off {target.node.name}")
        self._orders[key] = order
        try:
            order.result(timing.PROVIDER_ANSWERS)
        except TimeoutError:
            if order.done():  # its own
                raise
        finally:
            if order.done():
                self._orders.pop(key, None)

    def status(self, target: Target) -> ProviderStatus:
        """As `standing`; WORKING while an order runs, because many devices let in one at a time."""
        if (order := self._orders.get((target.node, target.boot))) and not order.done():
            return ProviderStatus(State.WORKING, f"Its agents are switching node {target.node.name} off.")
        readings = self._plugs.read(target.node.name)
        try:
            self._remember(target.node, readings)
            seen = self._memory.seen_on(target.node.uid, [reading.id for reading in readings])
        except StoreRefused as error:
            if not _lives(readings):
                raise _unknown(error) from error
            seen = {}
        return standing(target.node.name, readings, seen)

    def release(self, target: Target) -> ProviderStatus:
        """ABSENT always. Nothing is switched on again: whoever administers the machine does that."""
        sentence = f"Nothing is left to take back: node {target.node.name} is not switched on again by us."
        return ProviderStatus(State.ABSENT, sentence)

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled:
        """Does each plug read ON? Then its OFF is proof from now on.

        One that reads OFF twice, of a node that was heard in between, feeds another machine, or none: that it was ever
        ON is forgotten. Not at once: the node may have lost its power a moment ago.
        """
        readings = self._drilled(target.node)
        off = [reading for reading in readings if not reading.on]
        if off and failed_before:
            self._memory.forget(target.node.uid, [reading.id for reading in off])
        if off:
            sentence = f"{_read(off)} OFF, and node {target.node.name} is Ready: it feeds another machine, or none."
            return Drilled(False, sentence, f"Correct {target.node.name}.json in {SETTING}.")
        return Drilled(True, f"{_read(readings)} ON; OFF counts as proof from now on.")

    def credentials(self, target: Target) -> str:
        """The node's file."""
        return self._plugs.credentials(target.node.name)

    def _drilled(self, node: NodeRef) -> tuple[PlugReading, ...]:
        """AccessRefused where an agent's words sound like it: agents have no code for that."""
        try:
            return self.look(node)
        except NoAnswer:
            raise
        except FenceError as error:
            if _REFUSED.search(str(error)):
                raise AccessRefused(str(error)) from error
            raise

    def look(self, node: NodeRef) -> tuple[PlugReading, ...]:
        """Read each plug of this node, and remember those that are on. It switches nothing.

        Raises FenceError, StoreUnreachable.
        """
        readings = self._plugs.read(node.name)
        try:
            self._remember(node, readings)
        except StoreRefused as error:
            raise _unknown(error) from error
        return readings

    def _remember(self, node: NodeRef, readings: Sequence[PlugReading]) -> None:
        self._memory.saw_on(node.uid, [reading.id for reading in readings if reading.on])

    def _order(self, node: NodeRef) -> None:
        on = [reading.id for reading in self.look(node) if reading.on]
        if on:
            self._plugs.off(node.name, on)


def standing(node: str, readings: Sequence[PlugReading], seen: Mapping[str, float]) -> ProviderStatus:
    """What these readings say of the node. Pure. `seen`: when each plug, by id, was read as on.

    FENCED: all read OFF, and each was seen ON. A machine that reads ON lives; an outlet with power says nothing of the
    machine behind it, which may be off all the same, so that is no veto against who knows better.
    """
    on, by = [reading for reading in readings if reading.on], _names(readings)
    if _lives(readings):
        return ProviderStatus(State.ALIVE, f"{_read(on)} ON: node {node} is on.", by=by)
    if on:
        sentence = f"{_read(on)} ON: node {node} has power, which does not say whether it is on."
        return ProviderStatus(State.ABSENT, sentence, by=by)
    if unseen := [reading for reading in readings if reading.id not in seen]:
        sentence = f"{_read(unseen)} OFF, and nobody has read ON there with this configuration: that proves nothing."
        return ProviderStatus(State.ABSENT, f"{sentence} {_LOOK}.", by=by)
    return ProviderStatus(State.FENCED, f"{_read(readings)} OFF, and ON before: node {node} is off.", by=by)


def _lives(readings: Sequence[PlugReading]) -> bool:
    return any(reading.on and not reading.feed for reading in readings)


def _unknown(error: StoreRefused) -> FenceError:
    return FenceError(f"Which plugs were read as ON cannot be noted or read: {error}. Apply users.rules.")


def _names(readings: Sequence[PlugReading]) -> str:
    return " and ".join(reading.plug for reading in readings)


def _read(readings: Sequence[PlugReading]) -> str:
    return f"{_names(readings)} {'reads' if len(readings) == 1 else 'read'}"
