"""What a watcher heard of a suspected node over TCP: a second way to a machine whose kubelet renews no Lease."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from reactor.model.checked_json import is_moment
from reactor.model.errors import BadInput

SUSPICION = "suspicion"  # VMDRIFT_FENCE_AT: a fence may be asked for where witnesses hear nothing


class Answer(StrEnum):
    """Of one port. REFUSED is an answer, too: only something that lives refuses. SILENT: none, or no route to it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class WitnessReport:
    """Of one watcher, about one node.

    `witness` names the Node that the watcher runs on; `at`: when it asked, by the clock that all processes share.
    `answers`: by port. `drilled`: those of its ports that accepted when this watcher tried them last while the node was
    healthy. `control`: another node, one of whose ports accepted in the same second; "" where none did.
    """

    witness: str
    at: float
    answers: Mapping[int, Answer]
    drilled: frozenset[int] = frozenset()
    control: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` gives; BadInput."""
        try:
            answers = {int(port): Answer(answer) for port, answer in dict(data["answers"]).items()}
            report = cls(str(data["witness"]), data["at"], answers, frozenset(data["drilled"]), str(data["control"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"report: {error}") from error
        if not is_moment(report.at):
            raise BadInput(f"report.at: {str(report.at)[:60]} is not a valid time")
        return report

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        answers = {str(port): answer.value for port, answer in self.answers.items()}
        drilled = sorted(self.drilled)
        return {"witness": self.witness, "at": self.at, "answers": answers, "drilled": drilled, "control": self.control}

    @property
    def answered(self) -> bool:
        """Did anything of it answer, on whatever port?"""
        return any(answer is not Answer.SILENT for answer in self.answers.values())

    @property
    def counts_as_silence(self) -> bool:
        """Nothing answered that answered this very watcher before, while another node did answer."""
        return bool(self.control) and not self.answered and not self.drilled.isdisjoint(self.answers)
