"""The hand on a virtual world's controller manager: its clock, its death, and another one that takes over."""

from simulator.actors.cast import Phases, control_plane
from simulator.actors.leader import CONTROLLERS, Leader
from simulator.actors.node_lifecycle import NodeLifecycle
from simulator.world import World

TAKES_OVER = 15.0  # seconds until the Lease of a leader that died has expired


class ControllerManager:
    """The controller manager of a world that has one.

    `leader.skew` (seconds ahead of the API server, negative for behind) may be set at any time: what is written from
    then on bears that clock, `lastTransitionTime`, `timeAdded` and the Lease.
    """

    def __init__(self, world: World) -> None:
        node_lifecycle = next(actor for actor in world.actors if isinstance(actor, NodeLifecycle))
        self.leader, self.timing = node_lifecycle.leader, node_lifecycle.timing
        self._world = world

    def stop(self) -> None:
        """It dies: nothing is marked, evicted, detached or collected any more, and its Lease is renewed no more."""
        for actor in self._world.actors:
            if actor.name in CONTROLLERS:
                self._world.remove(actor)

    def start(self, identity: str) -> None:
        """Another process leads, with the same clock: it remembers nothing, so every timer begins anew."""
        self.leader = Leader(identity, self.leader.skew)
        actors = control_plane(self._world.api.client, self.timing, Phases(), self.leader)
        self._world.add(*(actor for actor in actors if actor.name in CONTROLLERS))

    def restart(self, identity: str = "kube-controller-manager-1", away: float = TAKES_OVER) -> None:
        """Stop, live for `away` seconds, start."""
        self.stop()
        self._world.run_for(away)
        self.start(identity)
