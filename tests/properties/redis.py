"""A reactor whose Redis can lose its last second, and whose every record is read by the judge."""

from collections import deque
from copy import copy
from typing import Any

from reactor.model.drift import Policy, Record
from reactor.model.times import Clock
from rehearsal.clocks import Clocks
from rehearsal.reactor import Reactor
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore
from simulator.world import World
from tests.properties.judge import Judge

_Picture = dict[str, Any]
_APART = 0.2  # seconds between two pictures


class JudgedStore(MemoryStore):
    """A store that shows the judge each record as it is written."""

    def __init__(self, clock: Clock, judge: Judge) -> None:
        super().__init__(clock, judge.world.clock)
        self._judge = judge

    def _write(self, record: Record, events: Any) -> None:
        super()._write(record, events)
        self._judge.told(record)


class Photographed(Reactor):
    """There are pictures of its Redis, one of each moment at which something may have been written."""

    def __init__(
        self, world: World, policy: Policy, store: MemoryStore, watchers: int, clocks: Clocks, **processes: bool
    ) -> None:
        super().__init__(world, policy, store, watchers, clocks, **processes)
        self._pictures: deque[tuple[float, _Picture, _Picture]] = deque(maxlen=50)

    def step(self, now: float) -> float:
        if not self._pictures or now > self._pictures[-1][0] + _APART:
            self._pictures.append((now, _picture(self.store), _jobs(self.queue)))
        return super().step(now)

    def lose_last_second(self) -> None:
        """Redis died and came back with what it had written to its disk: all but the last second."""
        while len(self._pictures) > 1 and self._pictures[-1][0] > self.world.now - 1:
            self._pictures.pop()
        store, jobs = self._pictures[-1][1:]
        vars(self.store).update({name: copy(value) for name, value in store.items()})
        for name, kept in jobs.items():  # shared by all who have a queue
            shared = vars(self.queue)[name]
            shared.clear()
            shared.update({key: copy(value) for key, value in kept.items()})


def _picture(thing: MemoryStore) -> _Picture:
    return {name: copy(value) for name, value in vars(thing).items() if isinstance(value, dict | set | list | int)}


def _jobs(queue: MemoryQueue) -> _Picture:
    kept = {name: value for name, value in vars(queue).items() if isinstance(value, dict)}
    return {name: {key: copy(one) for key, one in value.items()} for name, value in kept.items()}
