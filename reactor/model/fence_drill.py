"""The fence drill: could this provider fence this node, if it were lost now? A fence that was never tried is a hope."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor import timing
from reactor.model.checked_json import checked
from reactor.model.errors import BadInput
from reactor.model.node import NodeView

TAINT = "taint"  # in place of a provider: Kubernetes' out-of-service taint, which comes after the proof
_SHOWN = 5  # names in a sentence
_REFUSALS = 2  # in a row, with the same credentials; after three and more, BMCs lock the account


@dataclass(frozen=True, slots=True)
class Drilled:
    """What was found: a whole sentence, and what to do about it, "" where nothing is to be done or it says so."""

    passed: bool
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class FenceDrill:
    """The last one of a provider for a node.

    `at`: when, in seconds since the epoch; `refused`: how often in a row its login was refused, with credentials for
    which `credentials` stands (`Provider.credentials`).
    """

    node: str
    uid: str
    provider: str
    at: float
    passed: bool
    sentence: str
    fix: str = ""
    refused: int = 0
    credentials: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` gives; BadInput."""
        try:
            return checked(cls(**data), "drill")
        except TypeError as error:
            raise BadInput(f"drill: {error}") from error

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    def is_locked_out(self, credentials: str) -> bool:
        """Another try with these may lock the account that is needed when it counts."""
        return self.refused >= _REFUSALS and self.credentials == credentials


def due(nodes: Sequence[NodeView], drills: Iterable[FenceDrill], now: float) -> list[NodeView]:
    """The healthy nodes whose drill is due, those first that have waited longest."""
    again: dict[str, float] = {}
    for drill in drills:
        wait = timing.FENCE_DRILL_EVERY if drill.passed else timing.FENCE_DRILL_AGAIN
        at = drill.at + wait if drill.at <= now else now  # one from the future, after a clock was set back
        again[drill.uid] = min(at, again.get(drill.uid, at))
    waiting = [node for node in nodes if node.ready == "True" and again.get(node.uid, 0.0) <= now]
    return sorted(waiting, key=lambda node: again.get(node.uid, 0.0))


def headline(drills: Sequence[FenceDrill]) -> str:
    """Which nodes cannot be fenced, as a sentence; "" while each can."""
    nodes = list(not_fenceable(drills))
    if not nodes:
        return ""
    more = f" and {len(nodes) - _SHOWN} more" if len(nodes) > _SHOWN else ""
    word = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    return f"{word} cannot be fenced, by the last drill: {', '.join(nodes[:_SHOWN])}{more}."


def not_fenceable(drills: Iterable[FenceDrill]) -> dict[str, tuple[FenceDrill, ...]]:
    """Nodes that no provider can fence by itself, and what each found."""
    by_node: dict[str, tuple[FenceDrill, ...]] = {}
    for drill in drills:
        if drill.provider != TAINT:
            by_node[drill.node] = (*by_node.get(drill.node, ()), drill)
    return {node: found for node, found in sorted(by_node.items()) if not any(drill.passed for drill in found)}
