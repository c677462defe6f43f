"""How far the last look at the VMs of a lost node came."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor.model.objects import number, part, text, words

FINISHED, INCOMPLETE, CUT_SHORT = "finished", "incomplete", "cut-short"  # how a sweep ends
_NAMED = 3  # in a sentence


@dataclass(frozen=True, slots=True)
class Sweep:
    """`begun_at`: when the first sweep began since which none has come to its end, None where the last one has.

    `trouble`: what kept it from that, a sentence. `searched`: VolumeAttachments were looked at, which is done once.
    `skipped`: pods that bear the launchers' label and are none of a VM that could be moved, "NAMESPACE/POD: why".
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
        """What people should know of it."""
        pods = f"Passed over as no VM's: {some(self.skipped)}." if self.skipped else ""
        return tuple(filter(None, (self.trouble, pods)))


NO_SWEEP = Sweep()  # none has begun


def some(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    known = list(names)
    more = f"; and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return "; ".join(known[:_NAMED]) + more
