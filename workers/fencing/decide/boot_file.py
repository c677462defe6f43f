"""Which file of a node is a pass about? Each boot has its own, so that none keeps another from being proven. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from reactor.model.confirmation_source import Source
from reactor.model.drift import Policy
from reactor.model.fencing import Fencing, Target
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from reactor.model.times import not_after
from workers.fencing.decide.allowed import providers
from workers.fencing.decide.signs_of_life import in_new_outage

_COUNTED_FROM = ("at", "over_at", "unanswered_since", "tried_at", "ready_since")


def seen_by(file: Fencing, now: float) -> Fencing:
    """The file by a clock that shows `now`: what it has in the future counts as now, for it was set back since.

    Not so `silent_since` and `beat_since`: they show that it was (workers.decide.life.counts).
    """
    past = partial(not_after, names=_COUNTED_FROM, now=now)
    attempts = tuple(past(attempt) for attempt in file.attempts)
    release, confirmation = file.release and past(file.release), file.confirmation and past(file.confirmation)
    return past(replace(file, attempts=attempts, release=release, confirmation=confirmation))


def boot_file(
    outage: Outage, node: NodeView | None, stored: Iterable[Fencing], policy: Policy, now: float
) -> tuple[Fencing | None, Fencing | None]:
    """As it is stored, None without one; and as this pass begins with it: a new one for a node that may be fenced."""
    files = list(stored)
    if node is None or not node.is_in(outage) or not node.boot:
        existing = next((file for file in files if file.outage == outage), None)
        return existing, existing
    existing = next((file for file in files if (file.node, file.boot) == (outage.node, node.boot)), None)
    if existing is not None and node.is_in(existing.outage):
        return existing, replace(existing, outage=node.noticed(existing.outage))
    if existing is not None:
        return existing, in_new_outage(existing, outage, now, reported=not node.may_be_in(existing.outage))
    new = Fencing(outage, node.boot, now, silent_since=now, refuted=_wrong(node, files))
    return None, new if providers(node, policy) else None


def target(file: Fencing, node: NodeView | None, lease: str) -> Target:
    """Which boot a provider is asked about; with what the node says of itself, unless another one has its name."""
    if node is None or node.uid != file.node.uid:
        return Target(file.outage, file.boot, lease=lease)
    return Target(file.outage, file.boot, node.machine, lease, node.heartbeat, node.reported, file.twins)


def _wrong(node: NodeView, files: Iterable[Fencing]) -> tuple[Source, ...]:
    """A node that registers again keeps its boot, and the sources that were wrong about it."""
    return tuple(dict.fromkeys(source for file in files if file.boot == node.boot for source in file.refuted))
