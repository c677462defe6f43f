"""How far the last sweep over the VMs of a lost node came."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor.model.objects import number, part, text, words

FINISHED, INCOMPLETE, CUT_SHORT = "finished", "incomplete", "cut-short"  # how a sweep ends
_NAMED = 3  # in a sentence


@dataclass(frozen=True, slots=True)
class Sweep:
    """`begun_at`: when the first sweep began since which none has finished, None where the last one has.

    `trouble`: why it has not, a sentence. `searched`: VolumeAttachments were searched, which is done once.
    `skipped`: pods with the launchers' label that belong to no VM that could be moved, "NAMESPACE/POD: why".
    """

    begun_at: float | None = None
    trouble: str = ""
    searched: bool = False
    skipped: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: object) -> Self:
        """What `as_json` wrote; of anything else what can be read."""
        searched = part(data).get("searched") is True
        return cls(number(data, "begun_at"), text(data, "trouble"), searched, words(data, "skipped"))

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What people should know about it."""
        pods = f"Passed over as no VM's: {some(self.skipped)}." if self.skipped else ""
        return tuple(filter(None, (self.trouble, pods)))


NO_SWEEP = Sweep()  # none has begun


def some(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    listed = list(names)
    more = f"; and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return "; ".join(listed[:_NAMED]) + more
