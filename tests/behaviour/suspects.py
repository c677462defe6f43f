"""Plays in which somebody may be suspected, and what is told of it."""

from collections.abc import Callable

from reactor.model.drift import Policy
from simulator.api.api import Fault
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene
from tests.support.virtual import Play

NODES = tuple(f"node-{letter}" for letter in "abcdefghij")
LOST = NODES[0]
FENCED = Policy(fencing=("redfish",))
SUSPECTED, CLEARED = ("node.suspected", LOST), ("node.cleared", LOST)


def watched(policy: Policy = FENCED, nodes: tuple[str, ...] = NODES, watchers: int = 1) -> Play:
    """For a minute: whatever begins with a watcher has begun."""
    play = Play.of(Scene(nodes, ()), policy, watchers=watchers, suspects=True)
    play.world.run_for(60)
    return play


def told(play: Play) -> list[tuple[str, str]]:
    """The events about suspicions, in order: kind and node."""
    events = [event for _, event in play.reactor.store.events()]
    return [(event["type"].removeprefix("io.vmdrift."), event["subject"]) for event in events]


def ended(play: Play) -> dict[str, int]:
    return play.reactor.store.suspicions.ended()


def shown(play: Play) -> list[str]:
    return play.reactor.store.suspicions.shown().sentences(play.world.now)


def refused(play: Play, *verbs: str, by: Callable[[Request], bool] = lambda _: True) -> Fault:
    """From now on no such request for Leases is answered; what to take away for that to end."""

    def fault(request: Request) -> ApiError | None:
        hit = request.resource == "leases" and request.verb in verbs and by(request)
        return ApiError(503, "ServiceUnavailable", "not now") if hit else None

    play.world.api.faults.append(fault)
    return fault
