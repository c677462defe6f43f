"""Many losses of one cluster, each played from the same moment, on all cores.

The cluster is loaded once. Every loss is played in a child of this process, which has that memory for its own: nothing
is loaded, copied or sent again.
"""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from reactor.model.drift import Policy
from rehearsal.course import Course
from rehearsal.loaded import loaded
from rehearsal.outage import played
from simulator.world import World
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import predictions
from vmdrift.rehearse.fates import Rehearsal, rehearsed
from vmdrift.snapshot import ClusterSnapshot

Nodes = tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """The cluster, loaded and settled, and how its outages go."""

    snapshot: ClusterSnapshot
    room: FreeRoom
    world: World
    policy: Policy
    course: Course

    @classmethod
    def of(cls, snapshot: ClusterSnapshot, policy: Policy, course: Course) -> "Stage":
        """Loads it."""
        return cls(snapshot, FreeRoom.of(snapshot), loaded(snapshot.objects, snapshot.at), policy, course)

    def play(self, lost: Nodes) -> Rehearsal:
        """Once: what is lost stays lost."""
        told = {str(one.vm): one for node in lost for one in predictions(self.snapshot, node, self.policy, self.room)}
        return rehearsed(self.snapshot, lost, told, played(self.world, lost, self.policy, self.course))


_stage: list[Stage] = []  # of a child


def play_all(stage: Stage, sets: Sequence[Nodes], step: Callable[[], object], end: float = inf) -> list[Rehearsal]:
    """In their order. `step` is called after each (progress); after `end`, by time.monotonic, none is waited for."""
    gc.collect()
    gc.freeze()  # nobody looks for garbage in the cluster again, or copies it for that
    return [stage.play(sets[0])] if len(sets) == 1 else list(_in_children(stage, sets, step, end))


def _in_children(stage: Stage, sets: Sequence[Nodes], step: Callable[[], object], end: float) -> Iterator[Rehearsal]:
    forking = multiprocessing.get_context("fork")
    with forking.Pool(os.cpu_count(), _stage.append, (stage,), maxtasksperchild=1) as pool:
        for rehearsal in pool.imap(_play, sets):
            step()
            yield rehearsal
            if time.monotonic() > end:
                return


def _play(lost: Nodes) -> Rehearsal:
    return _stage[0].play(lost)
