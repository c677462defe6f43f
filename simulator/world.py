"""Time and turn-taking: who acts when. Virtual time for tests, real time for a cluster in this process.

An actor is a level-triggered controller: it does all that is due now and says when it must be called again even if
nothing changes. `World` steps actors in a seeded order, in rounds, until nothing changes any more, then jumps to the
next due time; the same seed makes the same history. `RealTime` steps the same actors by a real clock.
"""

import math
import random
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from simulator.actors.retry import REFUSED_FOR_NOW, RETRY
from simulator.api.api import Api
from simulator.client import ApiError
from simulator.machines.hypervisor import Hypervisor
from simulator.store.store import Store

EPOCH = 1_795_000_000.0  # where a virtual clock starts, seconds since the epoch: a Wednesday in 2026
_ROUNDS = 10_000  # at one instant; more means that actors undo each other's work for ever


class Actor(Protocol):
    """Whatever takes steps. `watches`: the plural resource names whose change must wake it, None for all."""

    @property
    def name(self) -> str:
        """Who it is, in error messages."""

    @property
    def watches(self) -> Collection[str] | None:
        """Resource names (and `hypervisor.MACHINES`), None for every one."""

    def step(self, now: float) -> float | None:
        """Do all that is due at `now` (seconds since the epoch); when to be called again, None = only on change."""


@runtime_checkable
class Renewing(Protocol):
    """An actor that renews something every few seconds, which hardly anybody reads.

    `renews`: the resource. `on_demand`: it is told when somebody is about to read that, and need not wake for it.
    """

    renews: str
    on_demand: bool

    def renew(self, now: float) -> None:
        """All that was due by `now`; ApiError."""


@dataclass
class _Entry:
    actor: Actor
    due: float  # infinite: only on change
    stale: bool = True


class Roster:
    """Who is to be stepped: those whose time has come, and those who watch what has changed."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self._watching: dict[str, list[_Entry]] = {}
        self._watching_all: list[_Entry] = []

    def add(self, actor: Actor) -> None:
        """A new actor; its first step is due at once."""
        entry = _Entry(actor, math.inf)
        self.entries.append(entry)
        if actor.watches is None:
            self._watching_all.append(entry)
        for resource in actor.watches or ():
            self._watching.setdefault(resource, []).append(entry)

    def remove(self, actor: Actor) -> None:
        """The actor is never stepped again; KeyError when it is not there."""
        entry = next((entry for entry in self.entries if entry.actor is actor), None)
        if entry is None:
            raise KeyError(actor.name)
        for entries in (self.entries, self._watching_all, *self._watching.values()):
            if entry in entries:
                entries.remove(entry)

    def changed(self, resource: str) -> None:
        """Wake those who watch a resource."""
        for entry in self._watching.get(resource, ()):
            entry.stale = True
        for entry in self._watching_all:
            entry.stale = True

    def awake(self, now: float) -> list[_Entry]:
        """Those to be stepped now."""
        return [entry for entry in self.entries if entry.stale or entry.due <= now]

    def next_due(self) -> float | None:
        """When the next one is to be stepped if nothing changes."""
        due = min((entry.due for entry in self.entries), default=math.inf)
        return None if due == math.inf else due

    def step(self, entry: _Entry, now: float) -> None:
        """One step; an actor that lost a race is due again in a second."""
        entry.stale = False
        try:
            due = entry.actor.step(now)
            entry.due = math.inf if due is None else due
        except ApiError as error:
            if error.code not in REFUSED_FOR_NOW:
                raise
            entry.due = now + RETRY


class World:
    """A virtual cluster: clock, store, API, hypervisor and whoever acts on them.

    Args:
        seed: decides names, uids and the order of turns.
        start: the clock's first reading, seconds since the epoch.
    """

    def __init__(self, seed: int = 0, start: float = EPOCH) -> None:
        self.now = start
        self.store = Store(self.clock, seed=seed)
        self.api = Api(self.store)
        self.hypervisor = Hypervisor(clock=self.clock)
        self._roster = Roster()
        self._random = random.Random(seed)  # noqa: S311 - the order of turns must repeat with the seed
        self._renewing: list[Renewing] = []
        self.api.before_reads = self._renew
        self.store.listeners.append(self._roster.changed)
        self.hypervisor.listeners.append(self._roster.changed)

    def clock(self) -> float:
        """The virtual time, seconds since the epoch."""
        return self.now

    @property
    def actors(self) -> list[Actor]:
        """Whoever lives in it now."""
        return [entry.actor for entry in self._roster.entries]

    def actor(self, name: str) -> Actor:
        """The first of this name who lives in it now; KeyError without one."""
        found = next((actor for actor in self.actors if actor.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def add(self, *actors: Actor) -> None:
        """New actors; they take their first step when time goes on."""
        for actor in actors:
            self._roster.add(actor)
            if isinstance(actor, Renewing):
                actor.on_demand = True
                self._renewing.append(actor)

    def remove(self, actor: Actor) -> None:
        """An actor dies; whoever replaces it starts with an empty memory."""
        if isinstance(actor, Renewing):
            self._renew(actor.renews)
            self._renewing.remove(actor)
        self._roster.remove(actor)

    def _renew(self, resource: str) -> None:
        """What has been renewed by now, as whoever is about to read it would find it."""
        for actor in self._renewing:
            if actor.renews == resource:
                with suppress(ApiError):
                    actor.renew(self.now)

    def run_until(self, time: float) -> None:
        """Live until a time, with everything done that is due by then."""
        self._run(lambda: False, time)

    def run_for(self, seconds: float) -> None:
        """Live for a while."""
        self.run_until(self.now + seconds)

    def run(self, until: Callable[[], bool], limit: float) -> bool:
        """Live until a condition holds (asked whenever things have settled); whether it did within `limit` seconds."""
        return self._run(until, self.now + limit)

    def _run(self, until: Callable[[], bool], end: float) -> bool:
        while True:
            self._settle()
            if until():
                return True
            due = self._roster.next_due()
            if due is None or due > end:
                self.now = max(self.now, end)
                return False
            self.now = max(self.now, due)

    def _settle(self) -> None:
        for _ in range(_ROUNDS):
            awake = self._roster.awake(self.now)
            if not awake:
                return
            self._random.shuffle(awake)
            for entry in awake:
                self._roster.step(entry, self.now)
        names = ", ".join(sorted(entry.actor.name for entry in self._roster.awake(self.now)))
        raise RuntimeError(f"never settles: {names}")


class RealTime:
    """A thread that steps actors in real time.

    Args:
        actors: stepped in this order.
        clock: seconds since the epoch.
        poll: seconds between two looks when nothing is due; how late a change is noticed that no listener tells of.
    """

    def __init__(self, actors: Iterable[Actor], clock: Callable[[], float], poll: float = 0.5) -> None:
        self._clock, self._poll = clock, poll
        self._roster = Roster()
        for actor in actors:
            self._roster.add(actor)
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, name="simulator", daemon=True)
        self.error: BaseException | None = None

    def changed(self, resource: str) -> None:
        """A resource has changed: add this to `Store.listeners` and `Hypervisor.listeners`."""
        self._roster.changed(resource)
        self._woken.set()

    def start(self) -> None:
        """Begin to step."""
        self._thread.start()

    def stop(self) -> None:
        """Step no more; raises what an actor's step raised, if one did."""
        self._stopped.set()
        self._woken.set()
        self._thread.join()
        if self.error:
            raise self.error

    def _live(self) -> None:
        try:
            while not self._stopped.is_set():
                self._woken.clear()
                for entry in self._roster.awake(self._clock()):
                    self._roster.step(entry, self._clock())
                self._woken.wait(self._pause())
        except BaseException as error:  # noqa: BLE001 - kept for `stop`, whose caller sees it
            self.error = error

    def _pause(self) -> float:
        due = self._roster.next_due()
        return self._poll if due is None else min(self._poll, max(0.0, due - self._clock()))
