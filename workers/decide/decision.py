"""What a judgement is: a phase, why, when to check again, and at most one thing to do."""

from dataclasses import dataclass

from reactor.model.drift import Check, Phase, Proof, Signs
from reactor.model.reason import REASONS
from workers.decide.observation import Attachment, PodView

# While something should happen any moment: check again after so many seconds, then every 30.
_BACKOFF = (1, 1, 2, 5, 10, 20, 30)
# While others are at work and nothing is left for us to do but to report how it ends.
_WATCHED = (3, 3, 5, 10, 20, 30)


@dataclass(frozen=True, slots=True)
class Release:
    """Force delete these pods of the lost node: launchers, and hotplug attachment pods."""

    pods: tuple[PodView, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Force delete these pods of a node that is proven dead: they keep a volume of the VM there."""

    pods: tuple[PodView, ...]


@dataclass(frozen=True, slots=True)
class Detach:
    """Delete these VolumeAttachments of the lost node."""

    attachments: tuple[Attachment, ...]


Action = Release | Remove | Detach


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check that did not pass says; the first of these is what the whole pass says.

    `again_at` in seconds since the epoch; None leaves it to the back-off.
    """

    reason: str
    sentence: str
    again_at: float | None = None
    action: Action | None = None

    @property
    def phase(self) -> Phase:
        """The phase that this reason explains."""
        return REASONS[self.reason].phase

    @property
    def final(self) -> bool:
        """It is not checked again, whatever changes."""
        return REASONS[self.reason].final


@dataclass(frozen=True, slots=True)
class Passed:
    """A check passed, and how that is known; `ifs`: its conditions, which are not checked here."""

    sentence: str
    ifs: tuple[str, ...] = ()


Verdict = Passed | Judgement


@dataclass(frozen=True, slots=True)
class Decision:
    """The judgement of a whole pass, with all prerequisites that were checked. Times in seconds since the epoch.

    `released_at` is when the launcher pod went, as far as it is known; `detached`: the lost node keeps no volume;
    `signs`, `unsteady`, `in_use`, `hotplugs`: what was learned for the next pass; `proof`, `weighed`: what the decision
    stands on, and `basis`, see Record. `ifs`: the conditions of the checks that passed; each completes "if ...".
    """

    judgement: Judgement
    checks: tuple[Check, ...]
    again_at: float | None
    released_at: float | None = None
    detached: bool = False
    signs: Signs | None = None
    unsteady: bool = False
    in_use: bool = False
    hotplugs: tuple[str, ...] = ()
    proof: Proof = Proof.NONE
    weighed: float = 0.0
    basis: str = ""
    ifs: tuple[str, ...] = ()


def backoff(now: float, tries: int, *, watched: bool = False) -> float:
    """When to check again after `tries` checks with the same result."""
    steps = _WATCHED if watched else _BACKOFF
    return now + steps[min(tries, len(steps) - 1)]
