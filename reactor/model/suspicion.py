"""A node whose Lease was not renewed in time is suspected, before Kubernetes says so. That asks, and changes nothing.

A suspicion is a node (by uid) and the last renewal of its Lease: every watcher that sees it sees the same one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Self

from reactor.model.checked_json import is_moment
from reactor.model.errors import BadInput
from reactor.model.identity import NodeRef, take
from reactor.model.node import NodeView
from reactor.model.times import parse_time

# How it ends: the Lease was renewed; Kubernetes says Unknown; or there is no such Lease, or node, any more.
LIFE, LOST, GONE = "life", "lost", "gone"
ENDS = (LIFE, LOST, GONE)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """`renewed`: the Lease's renewTime as the kubelet wrote it, by its own clock; `boot`: the Node's bootID.

    `since`: when a watcher last saw the Lease change, or began to count: seconds since the epoch, by the clock that all
    processes share. `asked`: does anything follow, that is, may anybody be asked about the node?
    """

    node: NodeRef
    boot: str
    renewed: str
    since: float
    asked: bool

    @property
    def id(self) -> str:
        """The same for everyone who sees this suspicion."""
        return f"{self.node.uid}_{sha256(self.renewed.encode(errors='replace')).hexdigest()[:16]}"

    @property
    def renewed_at(self) -> float:
        """Seconds since the epoch, by the node's own clock."""
        return parse_time(self.renewed)

    @classmethod
    def of(cls, data: Mapping[str, Any], where: str = "suspicion") -> Self:
        """From what `as_json` wrote; BadInput."""
        node = NodeRef.of(take(data, "node", dict, where), f"{where}.node")
        boot, renewed = (take(data, field, str, where) for field in ("boot", "renewed"))
        since: Any = data.get("since")
        asked = data.get("asked")
        try:
            parse_time(renewed)
        except ValueError as error:
            raise BadInput(f"{where}.renewed: {renewed[:60]!r} is not a valid time") from error
        if not is_moment(since) or not isinstance(asked, bool):
            raise BadInput(f"{where}: expected a time in since and true or false in asked")
        return cls(node, boot, renewed, float(since), asked)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    def sentence(self, now: float) -> str:
        """For people. `now` by the clock that all processes share."""
        follows = "providers are asked" if self.asked else "nothing follows, as VMDRIFT_FENCING names no provider"
        silent = f"its Lease has not been renewed for {max(0.0, now - self.since):.0f} s"
        return f"{self.node.name}: {silent}; {follows}."


@dataclass(frozen=True, slots=True)
class Suspects:
    """What the watchers see now. `why`: why nobody is asked, "" where nothing is in the way."""

    suspicions: tuple[Suspicion, ...] = ()
    why: str = ""

    def sentences(self, now: float) -> list[str]:
        """For people, by node."""
        shown = [suspicion.sentence(now) for suspicion in sorted(self.suspicions, key=lambda one: one.node.name)]
        return [*shown, *([self.why] if self.why else [])]


NO_SUSPECTS = Suspects()


def ending(suspicion: Suspicion, node: NodeView | None, renewed: float | None) -> str:
    """How it has ended, "" while it goes on. `renewed`: the Lease's last renewal, None where there is no Lease."""
    if node is None or node.uid != suspicion.node.uid or not renewed:
        return GONE
    if renewed != suspicion.renewed_at:
        return LIFE
    return LOST if node.lost else ""
