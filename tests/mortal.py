"""Processes that are killed at a chosen call: every door's every method counts, before or after it took effect."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reactor.watch.watcher import Watcher
from simulator.world import World
from tests.virtual import KilledError, Reactor

_RESTARTED = 8.0  # seconds until a killed process is back


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
    """A Reactor whose watcher and workers can be killed at any call; a killed one starts anew with an empty memory."""

    fate = Fate()

    def hand_over_fencing(self, fate: Fate) -> None:
        """From now on: who fences, and who writes down what others say of it."""
        tools = self.fencing.tools
        doors: dict[str, Any] = {name: Mortal(getattr(tools, name), fate) for name in ("store", "queue")}
        cluster: Any = Mortal(self.fencing.cluster, fate)
        self.fencing = replace(self.fencing, tools=replace(tools, cluster=cluster, **doors), cluster=cluster)
        claims: Any = Mortal(self.intake.claims, fate)
        self.fate, self.intake = fate, replace(self.intake, claims=claims)

    def hand_over(self, fate: Fate) -> None:
        """From now on."""
        doors: dict[str, Any] = {
            name: Mortal(getattr(self.tools, name), fate) for name in ("cluster", "store", "queue")
        }
        self.fate, self.tools = fate, replace(self.tools, **doors)
        self._new_watchers()

    def step(self, now: float) -> float:
        try:
            return super().step(now)
        except KilledError:
            self._new_watchers()
            return now + _RESTARTED

    def _new_watchers(self) -> None:
        self._resync_at = None
        tools = self.tools
        self._watchers = [Watcher(tools.store, tools.queue, w._source, self.world.clock) for w in self._watchers]


def mortal(world: World, fate: Fate) -> MortalReactor:
    """A reactor in the hands of fate."""
    reactor = MortalReactor(world)
    reactor.hand_over(fate)
    return reactor
