"""A drift's change of phase or reason, as it is reported to those who look at the VM or its node."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from reactor.model.checked_json import checked
from reactor.model.drift import Phase, Record
from reactor.model.errors import BadInput
from reactor.model.identity import Drift, take


@dataclass(frozen=True, slots=True)
class Change:
    """`at` in seconds since the epoch."""

    drift: Drift
    phase: Phase
    reason: str
    sentence: str
    at: float

    @classmethod
    def into(cls, record: Record) -> Self:
        """What this record changed into, whatever it was before."""
        return cls(record.drift, record.phase, record.reason, record.sentence, record.changed_at)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From JSON; BadInput."""
        drift = Drift.of(take(data, "drift", dict, "change"), "change.drift")
        try:
            texts = str(data["reason"]), str(data["sentence"])
            return checked(cls(drift, Phase(data["phase"]), *texts, float(data["at"])), "change")
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"change: {error}") from error
