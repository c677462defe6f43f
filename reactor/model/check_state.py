"""How a prerequisite is shown to people: what goes as planned is no failure, and what was not proven is no success."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reactor.model.drift import Check, Phase, Proof, Record
from reactor.model.reason import REASONS

HOLD, PROOF, POLICY = "no hold", "proof", "policy"  # names of checks, as records have them
_OBSERVES = "observe-only"


class CheckState(StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"  # on plan: it passes by itself, unless something happens
    NONE = "none yet"  # no proof, where none is required


MARKS = {CheckState.PASSED: "✓", CheckState.FAILED: "✗", CheckState.WAITING: "◷", CheckState.NONE: "○"}


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """One line of a checklist. `word`: the state, or what it means for this check."""

    name: str
    state: CheckState
    word: str
    reason: str
    sentence: str
    key: str  # the check's name in the record

    @property
    def mark(self) -> str:
        """A sign for it."""
        return MARKS[self.state]


def shown_checks(record: Record) -> Sequence[ShownCheck]:
    """As its last pass found them."""
    return [_shown(record, check) for check in record.checks]


def _shown(record: Record, check: Check) -> ShownCheck:
    state = _state(record, check)
    if check.name == HOLD:
        return ShownCheck("hold", state, "none" if check.held else "held", check.reason, check.sentence, check.name)
    if check.held and state is CheckState.FAILED:  # the policy lets it be observed: that is what blocks
        return ShownCheck(check.name, state, "observes only", record.reason, record.sentence, check.name)
    return ShownCheck(check.name, state, state.value, check.reason, check.sentence, check.name)


def _state(record: Record, check: Check) -> CheckState:
    if not check.held:
        reason = REASONS.get(check.reason)
        return CheckState.WAITING if reason and reason.phase is Phase.WAITING else CheckState.FAILED
    if check.name == PROOF and record.proof is not Proof.FENCED:
        return CheckState.NONE
    if check.name == POLICY and record.reason == _OBSERVES:
        return CheckState.FAILED
    return CheckState.PASSED
