"""Which file of a node is a pass about? Each boot has its own, so that none keeps another from being proven. Pure."""

from collections.abc import Iterable

from reactor.model.confirmation_source import Source
from reactor.model.drift import Policy
from reactor.model.fencing import Fencing, Target
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.signs_of_life import again


def boot_file(
    outage: Outage, node: NodeView | None, kept: Iterable[Fencing], policy: Policy, now: float
) -> tuple[Fencing | None, Fencing | None]:
    """As it stands, None without one; and as this pass begins with it: a new one for a node that may be fenced."""
    known = list(kept)
    if node is None or node.outage != outage or not node.boot:
        found = next((file for file in known if file.outage == outage), None)
        return found, found
    found = next((file for file in known if (file.node, file.boot) == (outage.node, node.boot)), None)
    if found is not None:
        return found, found if found.outage == outage else again(found, outage, now)
    fresh = Fencing(outage, node.boot, now, silent_since=now, refuted=_wrong(node, known))
    return None, fresh if providers(node, policy) else None


def target(file: Fencing, node: NodeView | None, lease: str) -> Target:
    """Which boot a provider is asked about; with what the node says of itself, unless another one has its name."""
    if node is None or node.uid != file.node.uid:
        return Target(file.outage, file.boot, lease=lease)
    return Target(file.outage, file.boot, node.machine, lease, node.heartbeat, node.reported, file.twins)


def _wrong(node: NodeView, kept: Iterable[Fencing]) -> tuple[Source, ...]:
    """A node that registers anew goes on with its boot, and so does who was wrong about it."""
    return tuple(dict.fromkeys(one for file in kept if file.boot == node.boot for one in file.refuted))
