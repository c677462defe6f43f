"""Processes that are killed at a chosen call: every door's every method counts, before or after it took effect."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from reactor.adapters.rq import DRIFTS, EVENTS, FENCING
from reactor.model.drift import Policy
from reactor.watch.watcher import Watcher
from simulator.world import World
from tests.support.processes import Equip, KilledError
from tests.support.reactor import Reactor
from workers.context import Tools
from workers.fencing.run import FenceTools

# A door's methods that change nothing.
READS = frozenset({"find", "pages", "time", "outage", "outages", "record", "records"})


class Fate:
    """Kills at the `at`-th call (from 0), before it is sent or after it took effect; `None` spares everybody."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.calls, self._at, self._after = 0, at, after
        self.where = ""
        self.doors: set[str] = set()

    @property
    def killed(self) -> bool:
        """Did it happen?"""
        return bool(self.where)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call, or die at it."""
        mine = self.calls == self._at
        self.calls += 1
        self.doors.add(name.partition(".")[0])
        if mine and not self._after:
            self._die(f"before {name}")
        result = method(*args, **more)
        if mine:
            self._die(f"after {name}")
        return result

    def _die(self, where: str) -> None:
        self.where = where
        raise KilledError(where)


class Mortal:
    """A door whose calls are fate's."""

    def __init__(self, door: Any, fate: Fate) -> None:
        self._door, self._fate = door, fate

    def __getattr__(self, name: str) -> Any:
        method, who = getattr(self._door, name), type(self._door).__name__
        return lambda *args, **more: self._fate.call(f"{who}.{name}", method, *args, **more)


class MortalReactor(Reactor):
    """A Reactor whose processes can be killed at any call; a killed one starts anew with an empty memory."""

    def hand_over_fencing(self, fate: Fate) -> None:
        """From now on: who fences, and who writes down what others say of it."""
        for worker in self.workers(FENCING):
            worker.equip_with(partial(_fencing, worker.equip, fate))
        for worker in self.workers(EVENTS):
            worker.equip_with(partial(_mortal, worker.equip, fate, ("claims",)))

    def hand_over(self, fate: Fate) -> None:
        """From now on: watchers, intake and the workers of drifts."""
        for worker in (*self.workers(EVENTS), *self.workers(DRIFTS)):
            worker.equip_with(partial(_mortal, worker.equip, fate, ("cluster", "store", "queue")))
        for watching in self._watchers:
            watching.watch_with(partial(_watcher, watching.watch, fate))


def _mortal(equip: Equip, fate: Fate, doors: tuple[str, ...], *its: Any) -> Tools:
    tools: Tools = equip(*its)
    mortal: dict[str, Any] = {name: Mortal(getattr(tools, name), fate) for name in doors}
    return replace(tools, **mortal)


def _fencing(equip: Equip, fate: Fate, *its: Any) -> FenceTools:
    fence: FenceTools = equip(*its)
    doors: dict[str, Any] = {name: Mortal(getattr(fence.tools, name), fate) for name in ("store", "queue")}
    cluster: Any = Mortal(fence.cluster, fate)
    return replace(fence, tools=replace(fence.tools, cluster=cluster, **doors), cluster=cluster)


def _watcher(watch: Callable[[], Watcher], fate: Fate) -> Watcher:
    watcher: Any = watch()
    return Watcher(Mortal(watcher._store, fate), Mortal(watcher._queue, fate), watcher._source, watcher._clock)


def mortal(world: World, fate: Fate, policy: Policy | None = None) -> MortalReactor:
    """A reactor in the hands of fate."""
    reactor = MortalReactor(world, policy)
    reactor.hand_over(fate)
    return reactor
