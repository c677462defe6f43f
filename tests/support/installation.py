"""The product in a simulated cluster, in virtual time: what plays, golden stages and random lives have in common."""

from reactor.model.drift import Record
from rehearsal.reactor import Reactor
from rehearsal.twins.store import MemoryStore
from simulator.world import World


class Installation:
    """A world with a Reactor in it. A subclass says with `reactor_with` which one, and sets `world` before."""

    world: World
    reactor: Reactor

    def reactor_with(self, store: MemoryStore | None = None, watchers: int = 1) -> Reactor:
        """A Reactor that remembers what is in the store, or nothing."""
        raise NotImplementedError

    def install(self, store: MemoryStore | None = None, watchers: int = 1) -> None:
        """All processes start."""
        self.reactor = self.reactor_with(store, watchers)
        self.world.add(self.reactor)

    def restart(self, *, forgetful: bool = False) -> None:
        """All processes die and others start, with the same store but an empty queue, or with nothing at all.

        What tests made of a machine's BMC stays: it is no memory of the product's.
        """
        old = self.reactor
        self.world.remove(old)
        self.install(None if forgetful else old.store, len(old.watchers))
        self.reactor.providers |= {name: old.providers[name] for name in old.providers.keys() & {"redfish"}}

    def nudge(self) -> None:
        """Something was put into the queue from outside: the reactor looks now, not only when it wanted to."""
        self.world.remove(self.reactor)
        self.world.add(self.reactor)

    @property
    def records(self) -> list[Record]:
        """All records, of all outages."""
        return list(self.reactor.store.records_by_drift.values())
