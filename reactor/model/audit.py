"""What the hourly audit found: how many VMs would not run again if nodes were lost. For health strip and metrics. Pure.

The judgement itself is `vmdrift audit`'s; this is what of it is kept, and how it is said in a line.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor.model.checked_json import checked
from reactor.model.errors import BadInput
from reactor.model.headline import counted
from reactor.model.times import duration

# What is lost. `own-node`: the VM's own, whatever room there is elsewhere.
OWN_NODE, ANY_ONE, ANY_TWO, ZONE = "own-node", "any-1", "any-2", "zone"
_VERSION = 1
_GRACE = 600.0  # seconds that an audit may be late by without a word: the role was restarted, or tried again


@dataclass(frozen=True, slots=True)
class WorstLoss:
    """One set of nodes: `name` of the zone or of its nodes, how many VMs stay down with it, a few of their names."""

    name: str
    nodes: tuple[str, ...]
    down: int
    perhaps: int
    vms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Of one kind of loss: how many sets of nodes there are, and how many were judged before time was up.

    `down`, `perhaps` and `unknown` count VMs, each once, by the worst that is said of it in any set.
    """

    lost: str
    sets: int
    judged: int
    down: int = 0
    perhaps: int = 0
    unknown: int = 0
    worst: tuple[WorstLoss, ...] = ()

    @property
    def cut(self) -> bool:
        """Were some left out for want of time? Then the figures are the least that there are."""
        return self.judged < self.sets


@dataclass(frozen=True, slots=True)
class Audit:
    """`at`: when it was begun, `next_at`: when the next one is due, seconds since the epoch; `took` in seconds.

    `chosen`: VMs that stay because their owner or a setting says so (policy never, observe), which no figure of
    `losses` counts. `absent`: kinds that could not be read.
    """

    at: float
    next_at: float
    took: float
    policy: str
    nodes: int
    vms: int
    chosen: int
    losses: tuple[Loss, ...]
    absent: tuple[str, ...] = ()
    version: int = _VERSION

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` gives; BadInput."""
        if data.get("version") != _VERSION:
            raise BadInput(f"audit: expected version {_VERSION}, found {str(data.get('version'))[:20]}")
        try:
            losses = tuple(_loss(loss) for loss in data["losses"])
            return checked(cls(**{**data, "losses": losses, "absent": tuple(data["absent"])}), "audit")
        except (KeyError, TypeError) as error:
            raise BadInput(f"audit: {error!r}") from error

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    def loss(self, lost: str) -> Loss | None:
        """Of this kind; None where there is no such set of nodes (no node has a zone)."""
        return next((loss for loss in self.losses if loss.lost == lost), None)

    def is_old(self, now: float) -> bool:
        """Is the next one overdue?"""
        return now > self.next_at + max(_GRACE, 2 * self.took)

    def words(self, now: float) -> str:
        """In half a line: "12 nodes, 340 VMs; 7 would stay down if a node were lost: vmdrift audit (9 min ago)"."""
        found = [f"{self.nodes} node{'' if self.nodes == 1 else 's'}, {counted(self.vms)}", *self._findings()]
        ago = f"{duration(max(0.0, now - self.at))} ago"
        when = f"last audited {ago}: is vmdrift work audit alive?" if self.is_old(now) else ago
        return f"{'; '.join(found)} ({when})"

    def _findings(self) -> list[str]:
        loss = self.loss(ANY_ONE) or Loss(ANY_ONE, 0, 0)
        down = f"{loss.down} would stay down if a node were lost: vmdrift audit --any 1"
        found = [down if loss.down else "none would stay down if a node were lost" if self.vms > self.chosen else ""]
        found += [f"{loss.perhaps} perhaps" if loss.perhaps else "", f"{loss.unknown} unknown" if loss.unknown else ""]
        found += [f"{self.chosen} stay by policy" if self.chosen else ""]
        return [words for words in found if words]


def _loss(data: Mapping[str, Any]) -> Loss:
    worst = (WorstLoss(**{**one, "nodes": tuple(one["nodes"]), "vms": tuple(one["vms"])}) for one in data["worst"])
    return Loss(**{**data, "worst": tuple(worst)})
