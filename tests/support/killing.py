"""The one way to kill a process in the middle of its work: at a call of one of its adapters.

A process in virtual time dies by KilledError (`Fate`, `KillableReactor`), a real one by SIGKILL (`die`). For both the
adapter is `Intercepted`.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from redis import Redis

import workers.app
from reactor.adapters.rq import DRIFTS, EVENTS, FENCING
from reactor.model.drift import Outcome, Policy
from reactor.model.identity import Drift
from reactor.process import start
from rehearsal.processes import Equip, KilledError
from rehearsal.reactor import Reactor
from simulator.world import World
from workers.context import Tools
from workers.fencing.run import FenceTools
from workers.rq.main import work_drifts

# An adapter's methods that change nothing.
READS = frozenset({"find", "pages", "time", "outage", "outages", "record", "records", "drift_waits"})
# Makes a call: with its name, as Adapter.method, the method, and what the method is given.
Call = Callable[..., Any]


class Intercepted:
    """An adapter each of whose calls goes through `call`."""

    def __init__(self, adapter: Any, call: Call) -> None:
        self._adapter, self._call = adapter, call

    def __getattr__(self, name: str) -> Any:
        method, who = getattr(self._adapter, name), type(self._adapter).__name__
        if not callable(method):
            return Intercepted(method, self._call)
        return lambda *args, **more: self._call(f"{who}.{name}", method, *args, **more)


def intercepted(tools: Any, call: Call, *adapters: str) -> Any:
    """The tools with these adapters intercepted."""
    return replace(tools, **{name: Intercepted(getattr(tools, name), call) for name in adapters})


# real processes


def die(*_: Any, **__: Any) -> Any:
    """SIGKILL for this process, whatever it was called with."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark: str) -> None:
    """As `die`, unless a process has died of this mark: Redis keeps it for those that follow."""
    with Redis.from_url(os.environ["VMDRIFT_REDIS_URL"]) as redis:
        if redis.set(mark, 1, nx=True):
            die()


def work_drifts_through(call_of: Callable[[Drift], Call], *adapters: str) -> int:
    """As `python -m workers drifts`, but for each pass the calls to these adapters go through what `call_of` makes."""
    app: Any = workers.app  # where jobs find what runs them
    run_pass = app.run_pass

    def intercepted_pass(drift: Drift, tools: Tools) -> Outcome:
        outcome: Outcome = run_pass(drift, intercepted(tools, call_of(drift), *adapters))
        return outcome

    app.run_pass = intercepted_pass
    return start("work drifts", work_drifts)


# virtual time


class Fate:
    """Kills at the `at`-th call (from 0), before it is sent or after it took effect; `None` spares everybody."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.calls, self._at, self._after = 0, at, after
        self.where = ""
        self.adapters: set[str] = set()

    @property
    def killed(self) -> bool:
        """Did it happen?"""
        return bool(self.where)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call, or die at it."""
        mine = self.calls == self._at
        self.calls += 1
        self.adapters.add(name.partition(".")[0])
        if mine and not self._after:
            self._die(f"before {name}")
        result = method(*args, **more)
        if mine:
            self._die(f"after {name}")
        return result

    def _die(self, where: str) -> None:
        self.where = where
        raise KilledError(where)


class KillableReactor(Reactor):
    """A Reactor whose processes can be killed at any call; a killed one starts again with an empty memory."""

    def hand_over_fencing(self, fate: Fate) -> None:
        """From now on: the fencing role, and intake where it writes down what others reported."""
        for worker in self.workers(FENCING):
            worker.equip_with(partial(_fencing, worker.equip, fate))
        for worker in self.workers(EVENTS):
            worker.equip_with(partial(_drifts, worker.equip, fate, ("claims",)))

    def hand_over(self, fate: Fate) -> None:
        """From now on: watchers, intake and the workers of drifts."""
        for worker in (*self.workers(EVENTS), *self.workers(DRIFTS)):
            worker.equip_with(partial(_drifts, worker.equip, fate, ("cluster", "store", "queue")))
        watch = partial(self._equipment.watcher, self.queue, lambda adapter: Intercepted(adapter, fate.call))
        for watching in self.watchers:
            watching.watch_with(watch)


def _drifts(equip: Equip, fate: Fate, adapters: tuple[str, ...], *its: Any) -> Any:
    return intercepted(equip(*its), fate.call, *adapters)


def _fencing(equip: Equip, fate: Fate, *its: Any) -> FenceTools:
    fence: FenceTools = equip(*its)
    cluster: Any = Intercepted(fence.cluster, fate.call)
    tools = replace(intercepted(fence.tools, fate.call, "store", "queue"), cluster=cluster)
    return replace(fence, tools=tools, cluster=cluster)


def killable(world: World, fate: Fate, policy: Policy | None = None) -> KillableReactor:
    """A reactor in the hands of fate."""
    reactor = KillableReactor(world, policy)
    reactor.hand_over(fate)
    return reactor
