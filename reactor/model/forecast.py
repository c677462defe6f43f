"""What is foreseen of a drift: by the search for its VM, while its window runs, or when it is first judged.

It is compared with the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

KEPT, MISSED, OVERTAKEN = "kept", "missed", "overtaken"
RESULTS = (KEPT, MISSED, OVERTAKEN)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Will the VM move, and when; or will it stay down, and why.

    `at`: when it was made; `due`: the latest moment at which the VM should run again, None where it stays or that is
    not known; `where`: what was found of nodes that can take it, a sentence. `reason` and `sentence` say what it waited
    for, or why it stays. Moments in seconds since the epoch.
    """

    at: float
    moves: bool
    reason: str
    sentence: str
    due: float | None = None
    where: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Self | None:
        """From JSON; None where there is none. TypeError for another shape."""
        return cls(**data) if data else None
