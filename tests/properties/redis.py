"""A reactor whose Redis can lose its last second, and whose every record is read by the judge."""

from collections import deque
from copy import copy
from typing import Any

from reactor.model.drift import Policy, Record
from simulator.twins.queue import MemoryQueue
from simulator.twins.store import MemoryStore
from simulator.world import World
from tests.properties.judge import Judge
from tests.virtual import Reactor

_Picture = dict[str, Any]


class JudgedStore(MemoryStore):
    """A store that shows the judge each record as it is written."""

    def __init__(self, world: World, judge: Judge) -> None:
        super().__init__(world.clock)
        self._judge = judge

    def _write(self, record: Record, events: Any) -> None:
        super()._write(record, events)
        self._judge.told(record)


class Photographed(Reactor):
    """There are pictures of its Redis, one of each moment at which something may have been written."""

    def __init__(self, world: World, policy: Policy, store: JudgedStore) -> None:
        super().__init__(world, policy, store)
        self._pictures: deque[tuple[float, _Picture, _Picture]] = deque(maxlen=50)

    def step(self, now: float) -> float:
        self._pictures.append((now, _picture(self.store), _picture(self.queue)))
        return super().step(now)

    def lose_last_second(self) -> None:
        """Redis died and came back with what it had written to its disk: all but the last second."""
        while len(self._pictures) > 1 and self._pictures[-1][0] > self.world.now - 1:
            self._pictures.pop()
        for thing, picture in zip((self.store, self.queue), self._pictures[-1][1:], strict=True):
            vars(thing).update({name: copy(value) for name, value in picture.items()})


def _picture(thing: MemoryStore | MemoryQueue) -> _Picture:
    picture = {name: copy(value) for name, value in vars(thing).items() if isinstance(value, dict | set | list | int)}
    if isinstance(thing, MemoryQueue):
        picture["_jobs"] = {job_id: copy(job) for job_id, job in thing._jobs.items()}
    return picture
