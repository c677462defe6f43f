"""What every check of one pass has in common. Pure data."""

from dataclasses import dataclass

from reactor.model.drift import Policy, Proof, Record
from reactor.model.identity import Drift
from workers.decide.observation import Observation


@dataclass(frozen=True, slots=True)
class Case:
    """One drift as it is judged: what was seen, what was recorded, what is wanted, and when.

    `policy` is the one for this VM, with what its annotations ask for; `now` in seconds since the epoch. The record has
    the signs of life of this pass, and the proof that counts for this VM.
    """

    seen: Observation
    record: Record
    policy: Policy
    now: float

    @property
    def drift(self) -> Drift:
        """Which VM, and from which outage."""
        return self.record.drift

    @property
    def proven(self) -> bool:
        """Is the node proven dead, as far as this VM is concerned?"""
        return self.record.proof is Proof.FENCED
