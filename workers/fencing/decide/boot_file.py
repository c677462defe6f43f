"""Which file of a node is a pass about? Each boot has its own, so that none keeps another from being proven. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from reactor.model.confirmation_source import Source
from reactor.model.drift import Policy
from reactor.model.fencing import Fencing, Target
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.signs_of_life import in_new_outage
from workers.fencing.decide.suspicion import as_suspected


def boot_file(
    outage: Outage, node: NodeView | None, stored: Iterable[Fencing], policy: Policy, now: float
) -> tuple[Fencing | None, Fencing | None]:
    """As it is stored, None without one; and as this pass begins with it: a new one for a node that may be fenced."""
    files = list(stored)
    if node is None or node.outage != outage or not node.boot:
        existing = next((file for file in files if file.outage == outage), None)
        return existing, None if existing and _handed_over(existing, node) else existing
    existing = _of_boot(outage, node, files)
    return existing, _continued(existing, outage, now) if existing else _opened(outage, node, files, policy, now)


def suspects_file(
    outage: Outage, node: NodeView, stored: Iterable[Fencing], policy: Policy, now: float
) -> tuple[Fencing | None, Fencing | None]:
    """As `boot_file`, of a node that is suspected: it looks Ready, and its boot is known."""
    files = list(stored)
    existing = _of_boot(outage, node, files)
    if existing and existing.suspected and existing.outage == outage:
        return existing, existing
    file = in_new_outage(existing, outage, now) if existing else _opened(outage, node, files, policy, now)
    return existing, as_suspected(file) if file else None


def _handed_over(file: Fencing, node: NodeView | None) -> bool:
    """Of a node that is lost by now, what a suspicion wrote belongs to the pass over that outage."""
    return file.suspected and node is not None and node.lost and node.boot == file.boot


def _of_boot(outage: Outage, node: NodeView, files: Iterable[Fencing]) -> Fencing | None:
    return next((file for file in files if (file.node, file.boot) == (outage.node, node.boot)), None)


def _opened(outage: Outage, node: NodeView, files: Iterable[Fencing], policy: Policy, now: float) -> Fencing | None:
    new = Fencing(outage, node.boot, now, silent_since=now, refuted=_wrong(node, files))
    return new if providers(node, policy) else None


def _continued(existing: Fencing, outage: Outage, now: float) -> Fencing:
    """An outage that began as a suspicion goes on, and what was proven of it counts: the node was silent all the time.

    If it was not, its signs of life tell.
    """
    if existing.outage == outage:
        return existing
    return replace(existing, outage=outage) if existing.suspected else in_new_outage(existing, outage, now)


def target(file: Fencing, node: NodeView | None, lease: str) -> Target:
    """Which boot a provider is asked about; with what the node says of itself, unless another one has its name."""
    if node is None or node.uid != file.node.uid:
        return Target(file.outage, file.boot, lease=lease)
    return Target(file.outage, file.boot, node.machine, lease, node.heartbeat, node.reported, file.twins)


def _wrong(node: NodeView, files: Iterable[Fencing]) -> tuple[Source, ...]:
    """A node that registers again keeps its boot, and the sources that were wrong about it."""
    return tuple(dict.fromkeys(source for file in files if file.boot == node.boot for source in file.refuted))
