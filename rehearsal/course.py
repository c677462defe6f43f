"""How an outage goes: when there is proof, when the nodes are back, and what vm-drift loses of itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf


class Part(StrEnum):
    """Of vm-drift itself, what can be lost with the nodes."""

    REDIS = "redis"
    WORKER = "worker"
    OWN_NODE = "own-node"


@dataclass(frozen=True, slots=True)
class Course:
    """How an outage goes; seconds count from the loss.

    `proof_after`: when BMCs begin to answer; never where it is inf, as they lose their power with their hosts.
    `back_after`: when the nodes have power again. `lose`: a Redis that forgets everything, at the loss and a minute
    later; a worker, until it is replaced; a node that bore Redis and so all that vm-drift can do, until it is replaced.
    """

    proof_after: float = 0.0
    back_after: float = inf
    lose: frozenset[Part] = frozenset()


class Script:
    """An actor: what happens, each at its time."""

    name = "script"
    watches: tuple[str, ...] = ()

    def __init__(self, scenes: Iterable[tuple[float, Callable[[], object]]]) -> None:
        self._scenes = sorted((scene for scene in scenes if scene[0] < inf), key=lambda scene: scene[0])

    def step(self, now: float) -> float | None:
        while self._scenes and self._scenes[0][0] <= now:
            self._scenes.pop(0)[1]()
        return self._scenes[0][0] if self._scenes else None
